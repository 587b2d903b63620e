## Unit tests of src/drill
if HAVE_CMOCKA
TESTS += tests/unit/test_drill_reasons tests/unit/test_drill tests/unit/test_drill_crowd
check_PROGRAMS += tests/unit/test_drill_reasons tests/unit/test_drill tests/unit/test_drill_crowd
tests_unit_test_drill_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_drill_SOURCES = tests/unit/test_drill.c tests/unit/unit.h
tests_unit_test_drill_LDADD = src/libdrill.a src/liboperate.a src/libview.a src/libsteer.a src/libhealth.a src/libgeo.a \
	src/libdns.a src/libbase.a $(JANSSON_LIBS) $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_drill_crowd_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_crowd_SOURCES = tests/unit/test_drill_crowd.c tests/unit/unit.h
tests_unit_test_drill_crowd_LDADD = $(tests_unit_test_drill_LDADD)
tests_unit_test_drill_reasons_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_reasons_SOURCES = tests/unit/test_drill_reasons.c tests/unit/unit.h
tests_unit_test_drill_reasons_LDADD = src/libdrill.a src/libbase.a $(CMOCKA_LIBS)
endif
