## Unit tests of src/drill
