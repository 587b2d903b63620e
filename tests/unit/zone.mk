## Unit tests of src/zone
