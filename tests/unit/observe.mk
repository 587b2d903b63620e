## Unit tests of src/observe
if HAVE_CMOCKA
TESTS += tests/unit/test_observe
check_PROGRAMS += tests/unit/test_observe
tests_unit_test_observe_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_observe_SOURCES = tests/unit/test_observe.c tests/unit/unit.h
tests_unit_test_observe_LDADD = src/libobserve.a src/libdns.a src/libbase.a $(CMOCKA_LIBS)
endif
