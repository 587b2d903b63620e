## Unit tests of src/steer
