## Unit tests of src/tsig
if HAVE_CMOCKA
TESTS += tests/unit/test_tsig
check_PROGRAMS += tests/unit/test_tsig
tests_unit_test_tsig_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tsig_SOURCES = tests/unit/test_tsig.c tests/unit/unit.h
tests_unit_test_tsig_LDADD = src/libtsig.a src/libdns.a src/libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)
endif
