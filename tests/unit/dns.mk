## Unit tests of src/dns
