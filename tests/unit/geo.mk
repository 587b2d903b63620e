## Unit tests of src/geo. mmdb_make.c writes databases for them; those of tests/data/geo are from contrib/mkgeo.
EXTRA_DIST += tests/data/geo
if HAVE_CMOCKA
GEO_TESTS = tests/unit/test_geo tests/unit/test_geo_bad tests/unit/test_geo_random tests/unit/test_geo_rules
TESTS += $(GEO_TESTS)
check_PROGRAMS += $(GEO_TESTS)
GEO_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DGEO_DATA='"$(abs_top_srcdir)/tests/data/geo"'
GEO_TEST_SOURCES = tests/unit/mmdb_make.c tests/unit/mmdb_make.h tests/unit/unit.h
GEO_TEST_LIBS = src/libgeo.a src/libbase.a $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_geo_CPPFLAGS = $(GEO_TEST_CPPFLAGS)
tests_unit_test_geo_SOURCES = tests/unit/test_geo.c $(GEO_TEST_SOURCES)
tests_unit_test_geo_LDADD = $(GEO_TEST_LIBS)
tests_unit_test_geo_bad_CPPFLAGS = $(GEO_TEST_CPPFLAGS)
tests_unit_test_geo_bad_SOURCES = tests/unit/test_geo_bad.c $(GEO_TEST_SOURCES)
tests_unit_test_geo_bad_LDADD = $(GEO_TEST_LIBS)
tests_unit_test_geo_random_CPPFLAGS = $(GEO_TEST_CPPFLAGS)
tests_unit_test_geo_random_SOURCES = tests/unit/test_geo_random.c tests/unit/geo_case.c tests/unit/geo_case.h \
	tests/unit/geo_truth.c $(GEO_TEST_SOURCES)
tests_unit_test_geo_random_LDADD = $(GEO_TEST_LIBS)
tests_unit_test_geo_rules_CPPFLAGS = $(GEO_TEST_CPPFLAGS)
tests_unit_test_geo_rules_SOURCES = tests/unit/test_geo_rules.c tests/unit/unit.h
tests_unit_test_geo_rules_LDADD = $(GEO_TEST_LIBS)
endif
