## Unit tests of src/conf
