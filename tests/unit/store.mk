## Unit tests of src/store
if HAVE_CMOCKA
STORE_TEST_LIBS = src/libstore.a src/libbase.a $(SQLITE_LIBS) $(NETTLE_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_store
check_PROGRAMS += tests/unit/test_store
tests_unit_test_store_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir)
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/store_fixture.c tests/unit/store_fixture.h tests/unit/unit.h
tests_unit_test_store_LDADD = $(STORE_TEST_LIBS)
endif
