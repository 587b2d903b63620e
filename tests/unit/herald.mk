## Unit tests of src/herald and src/post
if HAVE_CMOCKA
TESTS += tests/unit/test_herald
check_PROGRAMS += tests/unit/test_herald
tests_unit_test_herald_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_herald_SOURCES = tests/unit/test_herald.c tests/unit/unit.h
tests_unit_test_herald_LDADD = src/libherald.a src/libpost.a src/libevents.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)

TESTS += tests/unit/test_hooks
check_PROGRAMS += tests/unit/test_hooks
EXTRA_tests_unit_test_hooks_DEPENDENCIES = src/steerd-exec
tests_unit_test_hooks_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_hooks_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_hooks_SOURCES = tests/unit/test_hooks.c tests/unit/unit.h
tests_unit_test_hooks_LDADD = src/libherald.a src/libprobe.a src/libexec.a src/libpost.a src/libevents.a src/libbase.a \
	$(EVENT_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
endif

TESTS += tests/unit/test_herald_share
check_PROGRAMS += tests/unit/test_herald_share
tests_unit_test_herald_share_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_herald_share_SOURCES = tests/unit/test_herald_share.c tests/unit/unit.h
tests_unit_test_herald_share_LDADD = src/libherald.a src/libpost.a src/libevents.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
