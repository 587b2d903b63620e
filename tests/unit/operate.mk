## Unit tests of src/operate
if HAVE_CMOCKA
TESTS += tests/unit/test_operate
check_PROGRAMS += tests/unit/test_operate
tests_unit_test_operate_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_operate_SOURCES = tests/unit/test_operate.c tests/unit/unit.h
tests_unit_test_operate_LDADD = src/liboperate.a src/libanswer.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a \
	src/libhealth.a src/libgeo.a src/libconf.a src/libtsig.a src/libdns.a src/libbase.a \
	$(JANSSON_LIBS) $(NETTLE_LIBS) $(LDNS_LIBS) $(MAXMINDDB_LIBS) $(URCU_LIBS) -lm $(CMOCKA_LIBS)
endif
