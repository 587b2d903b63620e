## Unit tests of src/daemon: of what is pure there
if HAVE_CMOCKA
TESTS += tests/unit/test_override_json
check_PROGRAMS += tests/unit/test_override_json
tests_unit_test_override_json_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_override_json_SOURCES = tests/unit/test_override_json.c src/daemon/override_json.c tests/unit/unit.h
tests_unit_test_override_json_LDADD = src/libhealth.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
endif
