## Unit tests of src/etcd; tests/functional/test_etcd.py has it talk to a real one
if HAVE_CMOCKA
TESTS += tests/unit/test_etcd
check_PROGRAMS += tests/unit/test_etcd
tests_unit_test_etcd_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_etcd_SOURCES = tests/unit/test_etcd.c tests/unit/unit.h
tests_unit_test_etcd_LDADD = src/libetcd.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
endif
