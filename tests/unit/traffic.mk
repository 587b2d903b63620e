## Unit tests of src/traffic
if HAVE_CMOCKA
TESTS += tests/unit/test_traffic
check_PROGRAMS += tests/unit/test_traffic
tests_unit_test_traffic_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_traffic_SOURCES = tests/unit/test_traffic.c tests/unit/unit.h
tests_unit_test_traffic_LDADD = src/libtraffic.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
