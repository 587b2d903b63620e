## Unit tests of src/drill
if HAVE_CMOCKA
TESTS += tests/unit/test_drill
check_PROGRAMS += tests/unit/test_drill
tests_unit_test_drill_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_drill_SOURCES = tests/unit/test_drill.c tests/unit/unit.h
tests_unit_test_drill_LDADD = src/libdrill.a src/liboperate.a src/libview.a src/libsteer.a src/libhealth.a src/libgeo.a \
	src/libdns.a src/libbase.a $(JANSSON_LIBS) $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
endif
