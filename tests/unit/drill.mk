## Unit tests of src/drill
if HAVE_CMOCKA
TESTS += tests/unit/test_drill_reasons tests/unit/test_drill tests/unit/test_drill_crowd tests/unit/test_drill_document tests/unit/test_drill_population \
	tests/unit/test_drill_time
check_PROGRAMS += tests/unit/test_drill_reasons tests/unit/test_drill tests/unit/test_drill_crowd tests/unit/test_drill_document \
	tests/unit/test_drill_population tests/unit/test_drill_time
drill_test_libs = src/libdrill.a $(OPERATE_TEST_LIBS)
tests_unit_test_drill_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_drill_SOURCES = tests/unit/test_drill.c tests/unit/unit.h
tests_unit_test_drill_LDADD = $(drill_test_libs)
tests_unit_test_drill_crowd_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_crowd_SOURCES = tests/unit/test_drill_crowd.c tests/unit/unit.h
tests_unit_test_drill_crowd_LDADD = $(tests_unit_test_drill_LDADD)
TESTS += tests/unit/test_drill_proof
check_PROGRAMS += tests/unit/test_drill_proof
tests_unit_test_drill_proof_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(LDNS_CFLAGS)
tests_unit_test_drill_proof_SOURCES = tests/unit/test_drill_proof.c tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h \
	tests/unit/strict.h tests/unit/unit.h
tests_unit_test_drill_proof_LDADD = src/libdrill.a src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a \
	src/libgeo.a src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_drill_reasons_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_reasons_SOURCES = tests/unit/test_drill_reasons.c tests/unit/unit.h
tests_unit_test_drill_reasons_LDADD = src/libdrill.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_drill_document_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_document_SOURCES = tests/unit/test_drill_document.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_drill_document_LDADD = $(drill_test_libs)
tests_unit_test_drill_population_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_population_SOURCES = tests/unit/test_drill_population.c tests/unit/unit.h
tests_unit_test_drill_population_LDADD = src/libdrill.a src/libbase.a -lm $(CMOCKA_LIBS)
tests_unit_test_drill_time_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_time_SOURCES = tests/unit/test_drill_time.c tests/unit/unit.h
tests_unit_test_drill_time_LDADD = $(drill_test_libs)
endif

TESTS += tests/unit/test_drill_plan
check_PROGRAMS += tests/unit/test_drill_plan
tests_unit_test_drill_plan_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_plan_SOURCES = tests/unit/test_drill_plan.c tests/unit/unit.h
tests_unit_test_drill_plan_LDADD = $(tests_unit_test_drill_LDADD)
TESTS += tests/unit/test_drill_level
check_PROGRAMS += tests/unit/test_drill_level
tests_unit_test_drill_level_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_level_SOURCES = tests/unit/test_drill_level.c tests/unit/unit.h
tests_unit_test_drill_level_LDADD = $(tests_unit_test_drill_LDADD)

TESTS += tests/unit/test_drill_abort
check_PROGRAMS += tests/unit/test_drill_abort
tests_unit_test_drill_abort_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drill_abort_SOURCES = tests/unit/test_drill_abort.c
tests_unit_test_drill_abort_LDADD = src/libdrill.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_drill_stage
check_PROGRAMS += tests/unit/test_drill_stage
tests_unit_test_drill_stage_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_stage_SOURCES = tests/unit/test_drill_stage.c tests/unit/unit.h
tests_unit_test_drill_stage_LDADD = $(tests_unit_test_drill_LDADD)

TESTS += tests/unit/test_drill_vantages tests/unit/test_drill_quorum tests/unit/test_drill_sights
check_PROGRAMS += tests/unit/test_drill_vantages tests/unit/test_drill_quorum tests/unit/test_drill_sights
drill_scene = tests/unit/drill_scene.c tests/unit/drill_scene.h tests/unit/unit.h
tests_unit_test_drill_vantages_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_vantages_SOURCES = tests/unit/test_drill_vantages.c $(drill_scene)
tests_unit_test_drill_vantages_LDADD = $(tests_unit_test_drill_LDADD)
tests_unit_test_drill_quorum_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_quorum_SOURCES = tests/unit/test_drill_quorum.c $(drill_scene)
tests_unit_test_drill_quorum_LDADD = $(tests_unit_test_drill_LDADD)
tests_unit_test_drill_sights_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_sights_SOURCES = tests/unit/test_drill_sights.c $(drill_scene)
tests_unit_test_drill_sights_LDADD = $(tests_unit_test_drill_LDADD)

TESTS += tests/unit/test_drill_clients
check_PROGRAMS += tests/unit/test_drill_clients
tests_unit_test_drill_clients_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_clients_SOURCES = tests/unit/test_drill_clients.c tests/unit/mmdb_make.c tests/unit/mmdb_make.h $(drill_scene)
tests_unit_test_drill_clients_LDADD = $(tests_unit_test_drill_LDADD)

TESTS += tests/unit/test_drill_recorded
check_PROGRAMS += tests/unit/test_drill_recorded
tests_unit_test_drill_recorded_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_recorded_SOURCES = tests/unit/test_drill_recorded.c $(drill_scene)
tests_unit_test_drill_recorded_LDADD = $(tests_unit_test_drill_LDADD)

TESTS += tests/unit/test_drill_times
check_PROGRAMS += tests/unit/test_drill_times
tests_unit_test_drill_times_CPPFLAGS = $(tests_unit_test_drill_CPPFLAGS)
tests_unit_test_drill_times_SOURCES = tests/unit/test_drill_times.c tests/unit/unit.h
tests_unit_test_drill_times_LDADD = $(tests_unit_test_drill_LDADD)
