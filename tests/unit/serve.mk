## Unit tests of src/serve
