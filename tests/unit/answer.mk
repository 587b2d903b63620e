## Unit tests of src/answer
