## Unit tests of src/geo
if HAVE_CMOCKA
GEO_TESTS = tests/unit/test_geo_random
TESTS += $(GEO_TESTS)
check_PROGRAMS += $(GEO_TESTS)
GEO_TEST_LIBS = src/libgeo.a src/libbase.a $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_geo_random_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_geo_random_SOURCES = tests/unit/test_geo_random.c tests/unit/mmdb_make.c tests/unit/mmdb_make.h tests/unit/unit.h
tests_unit_test_geo_random_LDADD = $(GEO_TEST_LIBS)
endif
