## Unit tests of src/transfer
if HAVE_CMOCKA
TESTS += tests/unit/test_keeper
check_PROGRAMS += tests/unit/test_keeper
tests_unit_test_keeper_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_keeper_SOURCES = tests/unit/test_keeper.c tests/unit/unit.h
tests_unit_test_keeper_LDADD = src/libtransfer.a src/libconf.a src/libdns.a src/libbase.a $(CMOCKA_LIBS)
endif
