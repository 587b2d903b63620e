## Unit tests of src/zone
if HAVE_CMOCKA
TESTS += tests/unit/test_zone_builder
check_PROGRAMS += tests/unit/test_zone_builder
tests_unit_test_zone_builder_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_builder_SOURCES = tests/unit/test_zone_builder.c tests/unit/unit.h
tests_unit_test_zone_builder_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_zone_reader
check_PROGRAMS += tests/unit/test_zone_reader
tests_unit_test_zone_reader_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_zone_reader_SOURCES = tests/unit/test_zone_reader.c tests/unit/unit.h
tests_unit_test_zone_reader_LDADD = src/libzone.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += \
	tests/data/zones/mixed.inc \
	tests/data/zones/mixed.records \
	tests/data/zones/mixed.zone
