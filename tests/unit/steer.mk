## Unit tests of src/steer
if HAVE_CMOCKA
TESTS += tests/unit/test_steer
check_PROGRAMS += tests/unit/test_steer
tests_unit_test_steer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_SOURCES = tests/unit/test_steer.c tests/unit/unit.h
tests_unit_test_steer_LDADD = src/libsteer.a src/libgeo.a src/libbase.a $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
endif
