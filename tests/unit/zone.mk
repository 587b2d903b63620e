## Unit tests of src/zone
if HAVE_CMOCKA
TESTS += tests/unit/test_zone_builder
check_PROGRAMS += tests/unit/test_zone_builder
tests_unit_test_zone_builder_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_builder_SOURCES = tests/unit/test_zone_builder.c tests/unit/unit.h
tests_unit_test_zone_builder_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_zone_walk
check_PROGRAMS += tests/unit/test_zone_walk
tests_unit_test_zone_walk_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_walk_SOURCES = tests/unit/test_zone_walk.c tests/unit/unit.h
tests_unit_test_zone_walk_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_zone_differ
check_PROGRAMS += tests/unit/test_zone_differ
tests_unit_test_zone_differ_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_differ_SOURCES = tests/unit/test_zone_differ.c tests/unit/unit.h
tests_unit_test_zone_differ_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_zone_check
check_PROGRAMS += tests/unit/test_zone_check
tests_unit_test_zone_check_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_check_SOURCES = tests/unit/test_zone_check.c tests/unit/unit.h
tests_unit_test_zone_check_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
zone_reader_fixture = tests/unit/zone_reader_fixture.c tests/unit/zone_reader_fixture.h tests/unit/unit.h
zone_reader_libs = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_zone_reader
check_PROGRAMS += tests/unit/test_zone_reader
tests_unit_test_zone_reader_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_reader_SOURCES = tests/unit/test_zone_reader.c $(zone_reader_fixture)
tests_unit_test_zone_reader_LDADD = $(zone_reader_libs)
TESTS += tests/unit/test_zone_reader_files
check_PROGRAMS += tests/unit/test_zone_reader_files
tests_unit_test_zone_reader_files_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_reader_files_SOURCES = tests/unit/test_zone_reader_files.c $(zone_reader_fixture)
tests_unit_test_zone_reader_files_LDADD = $(zone_reader_libs)
TESTS += tests/unit/test_zone_reader_rdata
check_PROGRAMS += tests/unit/test_zone_reader_rdata
tests_unit_test_zone_reader_rdata_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_reader_rdata_SOURCES = tests/unit/test_zone_reader_rdata.c $(zone_reader_fixture)
tests_unit_test_zone_reader_rdata_LDADD = $(zone_reader_libs)
endif
EXTRA_DIST += \
	tests/data/zones/mixed.inc \
	tests/data/zones/mixed.records \
	tests/data/zones/mixed.zone
