## Unit tests of src/traffic
if HAVE_CMOCKA
TESTS += tests/unit/test_traffic
check_PROGRAMS += tests/unit/test_traffic
tests_unit_test_traffic_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_traffic_SOURCES = tests/unit/test_traffic.c tests/unit/unit.h
tests_unit_test_traffic_LDADD = src/libtraffic.a src/libbase.a $(CMOCKA_LIBS) -lm

TESTS += tests/unit/test_traffic_top
check_PROGRAMS += tests/unit/test_traffic_top
tests_unit_test_traffic_top_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_traffic_top_SOURCES = tests/unit/test_traffic_top.c tests/unit/unit.h
tests_unit_test_traffic_top_LDADD = src/libtraffic.a src/libbase.a $(CMOCKA_LIBS) -lm

TESTS += tests/unit/test_traffic_drain
check_PROGRAMS += tests/unit/test_traffic_drain
tests_unit_test_traffic_drain_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_traffic_drain_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_traffic_drain_SOURCES = tests/unit/test_traffic_drain.c tests/unit/unit.h
tests_unit_test_traffic_drain_LDADD = src/libtraffic.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
