## Unit tests of src/admin
if HAVE_CMOCKA
ADMIN_TEST_LIBS = src/libadmin.a src/libpast.a src/liboperate.a src/libherald.a src/libprobe.a src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a \
	src/libhealth.a src/libevents.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libpost.a src/libsheet.a src/libtsig.a src/libdns.a src/libbase.a \
	$(EVENT_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(LDNS_LIBS) $(MAXMINDDB_LIBS) $(URCU_LIBS) $(CMOCKA_LIBS)

TESTS += tests/unit/test_admin
check_PROGRAMS += tests/unit/test_admin
tests_unit_test_admin_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_admin_SOURCES = tests/unit/test_admin.c tests/unit/admin_fake.c tests/unit/admin_fake_checks.c tests/unit/admin_fake_journal.c tests/unit/admin_fake.h tests/unit/unit.h
tests_unit_test_admin_LDADD = src/libadmin.a src/libpast.a src/libhealth.a src/libconf.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)

ADMIN_WORLD = tests/unit/admin_world.c tests/unit/admin_world.h tests/unit/admin_fake.c tests/unit/admin_fake_checks.c tests/unit/admin_fake_journal.c tests/unit/admin_fake.h \
	tests/unit/unit.h

TESTS += tests/unit/test_receipts
check_PROGRAMS += tests/unit/test_receipts
tests_unit_test_receipts_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_receipts_SOURCES = tests/unit/test_receipts.c tests/unit/unit.h
tests_unit_test_receipts_LDADD = src/libadmin.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)

TESTS += tests/unit/test_condition
check_PROGRAMS += tests/unit/test_condition
tests_unit_test_condition_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_condition_SOURCES = tests/unit/test_condition.c tests/unit/unit.h
tests_unit_test_condition_LDADD = src/libadmin.a src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_prefer
check_PROGRAMS += tests/unit/test_prefer
tests_unit_test_prefer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_prefer_SOURCES = tests/unit/test_prefer.c tests/unit/unit.h
tests_unit_test_prefer_LDADD = src/libadmin.a src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_operations
check_PROGRAMS += tests/unit/test_operations
tests_unit_test_operations_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_operations_SOURCES = tests/unit/test_operations.c tests/unit/unit.h
tests_unit_test_operations_LDADD = src/libadmin.a src/libbase.a $(EVENT_LIBS) $(CMOCKA_LIBS)

TESTS += tests/unit/test_head
check_PROGRAMS += tests/unit/test_head
tests_unit_test_head_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_head_SOURCES = tests/unit/test_head.c tests/unit/unit.h
tests_unit_test_head_LDADD = src/libadmin.a src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_precedence
check_PROGRAMS += tests/unit/test_precedence
tests_unit_test_precedence_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_precedence_SOURCES = tests/unit/test_precedence.c tests/unit/unit.h
tests_unit_test_precedence_LDADD = src/libadmin.a src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_lockout
check_PROGRAMS += tests/unit/test_lockout
tests_unit_test_lockout_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lockout_SOURCES = tests/unit/test_lockout.c tests/unit/unit.h
tests_unit_test_lockout_LDADD = src/libadmin.a src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_admin_http
check_PROGRAMS += tests/unit/test_admin_http
tests_unit_test_admin_http_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_admin_http_SOURCES = tests/unit/test_admin_http.c tests/unit/admin_client.c tests/unit/admin_client.h $(ADMIN_WORLD)
tests_unit_test_admin_http_LDADD = $(ADMIN_TEST_LIBS)

TESTS += tests/unit/test_admin_crowd
check_PROGRAMS += tests/unit/test_admin_crowd
tests_unit_test_admin_crowd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_admin_crowd_SOURCES = tests/unit/test_admin_crowd.c tests/unit/admin_client.c tests/unit/admin_client.h $(ADMIN_WORLD)
tests_unit_test_admin_crowd_LDADD = $(ADMIN_TEST_LIBS)

TESTS += tests/unit/test_admin_follow
check_PROGRAMS += tests/unit/test_admin_follow
tests_unit_test_admin_follow_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_admin_follow_SOURCES = tests/unit/test_admin_follow.c tests/unit/admin_client.c tests/unit/admin_client.h $(ADMIN_WORLD)
tests_unit_test_admin_follow_LDADD = $(ADMIN_TEST_LIBS)

TESTS += tests/unit/test_admin_orders
check_PROGRAMS += tests/unit/test_admin_orders
tests_unit_test_admin_orders_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_admin_orders_SOURCES = tests/unit/test_admin_orders.c tests/unit/admin_client.c tests/unit/admin_client.h $(ADMIN_WORLD)
tests_unit_test_admin_orders_LDADD = $(ADMIN_TEST_LIBS)

TESTS += tests/unit/test_steerctl
check_PROGRAMS += tests/unit/test_steerctl
EXTRA_tests_unit_test_steerctl_DEPENDENCIES = src/steerctl
tests_unit_test_steerctl_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steerctl_SOURCES = tests/unit/test_steerctl.c $(ADMIN_WORLD)
tests_unit_test_steerctl_LDADD = $(ADMIN_TEST_LIBS)
endif
