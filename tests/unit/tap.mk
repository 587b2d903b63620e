## Unit tests of src/tap
if HAVE_CMOCKA
TESTS += tests/unit/test_tap
check_PROGRAMS += tests/unit/test_tap
tests_unit_test_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tap_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_tap_SOURCES = tests/unit/test_tap.c tests/unit/unit.h
tests_unit_test_tap_LDADD = src/libtap.a src/libsteer.a src/libhealth.a src/libgeo.a src/libdns.a src/libbase.a \
	$(FSTRM_LIBS) $(MAXMINDDB_LIBS) $(CMOCKA_LIBS) -lm
endif
