## Unit tests of src/health
if HAVE_CMOCKA
TESTS += tests/unit/test_health tests/unit/test_health_random
check_PROGRAMS += tests/unit/test_health tests/unit/test_health_random
tests_unit_test_health_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_SOURCES = tests/unit/test_health.c tests/unit/unit.h
tests_unit_test_health_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_health_random_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_random_SOURCES = tests/unit/test_health_random.c tests/unit/unit.h
tests_unit_test_health_random_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif
