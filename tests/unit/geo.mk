## Unit tests of src/geo
