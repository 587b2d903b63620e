## Unit tests of src/notify
if HAVE_CMOCKA
TESTS += tests/unit/test_notify
check_PROGRAMS += tests/unit/test_notify
tests_unit_test_notify_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c tests/unit/unit.h
tests_unit_test_notify_LDADD = src/libnotify.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libtsig.a src/libdns.a src/libbase.a $(OPENSSL_LIBS) \
	$(CMOCKA_LIBS)
endif
