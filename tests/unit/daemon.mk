## Unit tests of src/daemon: of what is pure there
if HAVE_CMOCKA
TESTS += tests/unit/test_override_json
check_PROGRAMS += tests/unit/test_override_json
tests_unit_test_override_json_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_override_json_SOURCES = tests/unit/test_override_json.c src/daemon/override_json.c src/daemon/stored.c tests/unit/unit.h
tests_unit_test_override_json_LDADD = src/libcluster.a src/libstore.a src/libhealth.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_clustered_pending
check_PROGRAMS += tests/unit/test_clustered_pending
tests_unit_test_clustered_pending_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_clustered_pending_SOURCES = tests/unit/test_clustered_pending.c src/daemon/clustered_pending.c tests/unit/unit.h
tests_unit_test_clustered_pending_LDADD = src/libcluster.a src/libstore.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_switchover_model
check_PROGRAMS += tests/unit/test_switchover_model
tests_unit_test_switchover_model_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_switchover_model_SOURCES = tests/unit/test_switchover_model.c src/daemon/switchover_json.c src/daemon/override_json.c src/daemon/stored.c \
	tests/unit/unit.h
tests_unit_test_switchover_model_LDADD = src/liboperate.a src/libhealth.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_capture
check_PROGRAMS += tests/unit/test_capture
tests_unit_test_capture_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_capture_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_capture_SOURCES = tests/unit/test_capture.c src/daemon/capture.c src/daemon/capture.h tests/unit/unit.h
tests_unit_test_capture_LDADD = src/libpast.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libstore.a src/libgeo.a \
	src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(JANSSON_LIBS) \
	$(SQLITE_LIBS) $(URCU_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_vantage_member
check_PROGRAMS += tests/unit/test_vantage_member
tests_unit_test_vantage_member_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_vantage_member_SOURCES = tests/unit/test_vantage_member.c src/daemon/vantage_member.c src/daemon/stored.c tests/unit/unit.h
tests_unit_test_vantage_member_LDADD = $(fleet_libs) src/libconf.a src/libevents.a src/libhealth.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(OPENSSL_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_drill_fact
check_PROGRAMS += tests/unit/test_drill_fact
tests_unit_test_drill_fact_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drill_fact_SOURCES = tests/unit/test_drill_fact.c src/daemon/drill_fact.c src/daemon/stored.c tests/unit/unit.h
tests_unit_test_drill_fact_LDADD = src/libhealth.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_porter
check_PROGRAMS += tests/unit/test_porter
tests_unit_test_porter_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_porter_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_porter_SOURCES = tests/unit/test_porter.c tests/unit/porter_world.c tests/unit/porter_world.h tests/unit/unit.h \
	src/daemon/peers_bulk.c src/daemon/porter.c src/daemon/porter_fetch.c src/daemon/porter_give.c src/daemon/porter_show.c src/daemon/porter_ware.c
tests_unit_test_porter_LDADD = src/libcluster.a src/libpast.a src/libstore.a src/libbase.a $(OPENSSL_LIBS) $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_scratch
check_PROGRAMS += tests/unit/test_scratch
tests_unit_test_scratch_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scratch_SOURCES = tests/unit/test_scratch.c src/daemon/scratch.c tests/unit/unit.h
tests_unit_test_scratch_LDADD = src/libbase.a $(CMOCKA_LIBS)
endif
