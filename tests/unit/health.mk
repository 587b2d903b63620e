## Unit tests of src/health
