## Unit tests of src/operate
