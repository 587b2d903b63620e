## Unit tests of src/events
if HAVE_CMOCKA
TESTS += tests/unit/test_events
check_PROGRAMS += tests/unit/test_events
tests_unit_test_events_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_events_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_events_SOURCES = tests/unit/test_events.c tests/unit/unit.h
tests_unit_test_events_LDADD = src/libevents.a src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_filter
check_PROGRAMS += tests/unit/test_filter
tests_unit_test_filter_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_filter_SOURCES = tests/unit/test_filter.c tests/unit/unit.h
tests_unit_test_filter_LDADD = src/libevents.a src/libbase.a $(CMOCKA_LIBS)
endif
