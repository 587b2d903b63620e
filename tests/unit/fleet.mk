## Unit tests of src/fleet, and of what src/tls has for it
if HAVE_CMOCKA
fleet_tests = tests/unit/test_fleet_message tests/unit/test_fleet_line tests/unit/test_fleet_list tests/unit/test_admission tests/unit/test_fleet_bulk
TESTS += $(fleet_tests)
check_PROGRAMS += $(fleet_tests)
fleet_test_libs = $(fleet_libs) src/libconf.a src/libevents.a src/libhealth.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(OPENSSL_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)
tests_unit_test_fleet_message_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_fleet_message_SOURCES = tests/unit/test_fleet_message.c tests/unit/unit.h
tests_unit_test_fleet_message_LDADD = $(fleet_test_libs)
tests_unit_test_admission_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_admission_SOURCES = tests/unit/test_admission.c tests/unit/unit.h
tests_unit_test_admission_LDADD = $(fleet_test_libs)
tests_unit_test_fleet_bulk_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_fleet_bulk_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_fleet_bulk_SOURCES = tests/unit/test_fleet_bulk.c tests/unit/unit.h
tests_unit_test_fleet_bulk_LDADD = $(fleet_test_libs) $(EVENT_LIBS)
tests_unit_test_fleet_line_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_fleet_line_SOURCES = tests/unit/test_fleet_line.c tests/unit/unit.h
tests_unit_test_fleet_line_LDADD = $(fleet_test_libs)
tests_unit_test_fleet_list_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_fleet_list_SOURCES = tests/unit/test_fleet_list.c tests/unit/unit.h
tests_unit_test_fleet_list_LDADD = $(fleet_test_libs)
endif
