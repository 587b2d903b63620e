## Unit tests of src/operate
if HAVE_CMOCKA
TESTS += tests/unit/test_operate
check_PROGRAMS += tests/unit/test_operate
tests_unit_test_operate_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_operate_SOURCES = tests/unit/test_operate.c tests/unit/operate_world.c tests/unit/operate_world.h \
	tests/unit/unit.h
OPERATE_TEST_LIBS = src/liboperate.a src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a \
	src/libhealth.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libtsig.a src/libdns.a src/libbase.a \
	$(JANSSON_LIBS) $(OPENSSL_LIBS) $(LDNS_LIBS) $(MAXMINDDB_LIBS) $(URCU_LIBS) -lm $(CMOCKA_LIBS)
tests_unit_test_operate_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_whatif
check_PROGRAMS += tests/unit/test_whatif
tests_unit_test_whatif_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_whatif_SOURCES = tests/unit/test_whatif.c tests/unit/operate_world.c tests/unit/operate_world.h \
	tests/unit/unit.h
tests_unit_test_whatif_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_compare
check_PROGRAMS += tests/unit/test_compare
tests_unit_test_compare_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_compare_SOURCES = tests/unit/test_compare.c tests/unit/operate_world.c tests/unit/operate_world.h \
	tests/unit/unit.h
tests_unit_test_compare_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_unserved
check_PROGRAMS += tests/unit/test_unserved
tests_unit_test_unserved_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_unserved_SOURCES = tests/unit/test_unserved.c tests/unit/operate_world.c tests/unit/operate_world.h \
	tests/unit/unit.h
tests_unit_test_unserved_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_switchover
check_PROGRAMS += tests/unit/test_switchover
tests_unit_test_switchover_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_switchover_SOURCES = tests/unit/test_switchover.c tests/unit/unit.h
tests_unit_test_switchover_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_errors
check_PROGRAMS += tests/unit/test_errors
tests_unit_test_errors_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_errors_SOURCES = tests/unit/test_errors.c tests/unit/unit.h
tests_unit_test_errors_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_rules_time
check_PROGRAMS += tests/unit/test_rules_time
tests_unit_test_rules_time_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_rules_time_SOURCES = tests/unit/test_rules_time.c tests/unit/unit.h
tests_unit_test_rules_time_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_rules
check_PROGRAMS += tests/unit/test_rules
tests_unit_test_rules_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_rules_SOURCES = tests/unit/test_rules.c tests/unit/operate_world.c tests/unit/operate_world.h \
	tests/unit/unit.h
tests_unit_test_rules_LDADD = $(OPERATE_TEST_LIBS)

TESTS += tests/unit/test_rules_left
check_PROGRAMS += tests/unit/test_rules_left
tests_unit_test_rules_left_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_rules_left_SOURCES = tests/unit/test_rules_left.c tests/unit/operate_world.c tests/unit/operate_world.h \
	tests/unit/unit.h
tests_unit_test_rules_left_LDADD = $(OPERATE_TEST_LIBS)
endif
