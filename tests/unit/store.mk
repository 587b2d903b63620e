## Unit tests of src/store
if HAVE_CMOCKA
store_fixture = tests/unit/store_fixture.c tests/unit/store_fixture.h tests/unit/unit.h
store_disk = tests/unit/store_disk.c tests/unit/store_disk.h
STORE_TEST_LIBS = src/libstore.a src/libbase.a $(SQLITE_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_store
check_PROGRAMS += tests/unit/test_store
tests_unit_test_store_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir)
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_fixture)
tests_unit_test_store_LDADD = $(STORE_TEST_LIBS)
TESTS += tests/unit/test_store_failures
check_PROGRAMS += tests/unit/test_store_failures
tests_unit_test_store_failures_CPPFLAGS = $(tests_unit_test_store_CPPFLAGS)
tests_unit_test_store_failures_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_store_failures_SOURCES = tests/unit/test_store_failures.c $(store_fixture) $(store_disk)
tests_unit_test_store_failures_LDADD = $(STORE_TEST_LIBS)
TESTS += tests/unit/test_store_owed
check_PROGRAMS += tests/unit/test_store_owed
tests_unit_test_store_owed_CPPFLAGS = $(tests_unit_test_store_CPPFLAGS)
tests_unit_test_store_owed_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_store_owed_SOURCES = tests/unit/test_store_owed.c $(store_fixture) $(store_disk)
tests_unit_test_store_owed_LDADD = $(STORE_TEST_LIBS)
TESTS += tests/unit/test_store_watch
check_PROGRAMS += tests/unit/test_store_watch
tests_unit_test_store_watch_CPPFLAGS = $(tests_unit_test_store_CPPFLAGS)
tests_unit_test_store_watch_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_store_watch_SOURCES = tests/unit/test_store_watch.c $(store_fixture)
tests_unit_test_store_watch_LDADD = $(STORE_TEST_LIBS)
TESTS += tests/unit/test_store_crash
check_PROGRAMS += tests/unit/test_store_crash
tests_unit_test_store_crash_CPPFLAGS = $(tests_unit_test_store_CPPFLAGS)
tests_unit_test_store_crash_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_store_crash_SOURCES = tests/unit/test_store_crash.c $(store_fixture) $(store_disk)
tests_unit_test_store_crash_LDADD = $(STORE_TEST_LIBS)
endif
