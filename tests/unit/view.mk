## Unit tests of src/view
