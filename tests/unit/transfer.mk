## Unit tests of src/transfer
if HAVE_CMOCKA
TESTS += tests/unit/test_keeper
check_PROGRAMS += tests/unit/test_keeper
tests_unit_test_keeper_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_keeper_SOURCES = tests/unit/test_keeper.c tests/unit/unit.h
tests_unit_test_keeper_LDADD = src/libtransfer.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_transfer
check_PROGRAMS += tests/unit/test_transfer
tests_unit_test_transfer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(LDNS_CFLAGS)
tests_unit_test_transfer_SOURCES = tests/unit/test_transfer.c tests/unit/transfer_fixture.c \
	tests/unit/transfer_fixture.h tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_transfer_LDADD = src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a \
	src/libhealth.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) \
	$(MAXMINDDB_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_transfer_listed
check_PROGRAMS += tests/unit/test_transfer_listed
tests_unit_test_transfer_listed_CPPFLAGS = $(tests_unit_test_transfer_CPPFLAGS)
tests_unit_test_transfer_listed_SOURCES = tests/unit/test_transfer_listed.c tests/unit/transfer_fixture.c \
	tests/unit/transfer_fixture.h tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_transfer_listed_LDADD = $(tests_unit_test_transfer_LDADD)
endif
