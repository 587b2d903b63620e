## Unit tests of src/dns
if HAVE_CMOCKA
TESTS += tests/unit/test_dns
check_PROGRAMS += tests/unit/test_dns
tests_unit_test_dns_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_dns_SOURCES = tests/unit/test_dns.c tests/unit/unit.h
tests_unit_test_dns_LDADD = src/libdns.a src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_ask
check_PROGRAMS += tests/unit/test_ask
tests_unit_test_ask_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ask_SOURCES = tests/unit/test_ask.c tests/unit/unit.h
tests_unit_test_ask_LDADD = src/libdns.a src/libbase.a $(CMOCKA_LIBS)
endif
