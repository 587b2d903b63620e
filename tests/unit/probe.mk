## Unit tests of src/probe
