## Unit tests of src/view
if HAVE_CMOCKA
view_folder = tests/unit/view_folder.c tests/unit/view_folder.h tests/unit/unit.h
TESTS += tests/unit/test_view
check_PROGRAMS += tests/unit/test_view
tests_unit_test_view_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_view_SOURCES = tests/unit/test_view.c $(view_folder)
tests_unit_test_view_LDADD = src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a \
	src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(JANSSON_LIBS) $(URCU_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_view_records
check_PROGRAMS += tests/unit/test_view_records
tests_unit_test_view_records_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_records_SOURCES = tests/unit/test_view_records.c $(view_folder)
tests_unit_test_view_records_LDADD = $(tests_unit_test_view_LDADD)

TESTS += tests/unit/test_view_statics
check_PROGRAMS += tests/unit/test_view_statics
tests_unit_test_view_statics_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_statics_SOURCES = tests/unit/test_view_statics.c $(view_folder)
tests_unit_test_view_statics_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_past
check_PROGRAMS += tests/unit/test_view_past
tests_unit_test_view_past_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_past_SOURCES = tests/unit/test_view_past.c $(view_folder)
tests_unit_test_view_past_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_tree
check_PROGRAMS += tests/unit/test_view_tree
tests_unit_test_view_tree_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_tree_SOURCES = tests/unit/test_view_tree.c $(view_folder)
tests_unit_test_view_tree_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_fallback
check_PROGRAMS += tests/unit/test_view_fallback
tests_unit_test_view_fallback_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_fallback_SOURCES = tests/unit/test_view_fallback.c $(view_folder)
tests_unit_test_view_fallback_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_memory
check_PROGRAMS += tests/unit/test_view_memory
tests_unit_test_view_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DTEST_DATA='"$(abs_srcdir)/tests/data"'
tests_unit_test_view_memory_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_view_memory_SOURCES = tests/unit/test_view_memory.c $(view_folder)
tests_unit_test_view_memory_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_threads
check_PROGRAMS += tests/unit/test_view_threads
tests_unit_test_view_threads_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_view_threads_SOURCES = tests/unit/test_view_threads.c $(view_folder)
tests_unit_test_view_threads_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_unchanged
check_PROGRAMS += tests/unit/test_view_unchanged
tests_unit_test_view_unchanged_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_unchanged_SOURCES = tests/unit/test_view_unchanged.c $(view_folder)
tests_unit_test_view_unchanged_LDADD = $(tests_unit_test_view_LDADD)
TESTS += tests/unit/test_view_update
check_PROGRAMS += tests/unit/test_view_update
tests_unit_test_view_update_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_update_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_view_update_SOURCES = tests/unit/test_view_update.c $(view_folder)
tests_unit_test_view_update_LDADD = $(tests_unit_test_view_LDADD)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_rendition
check_PROGRAMS += tests/unit/test_rendition
tests_unit_test_rendition_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_rendition_SOURCES = tests/unit/test_rendition.c tests/unit/unit.h
tests_unit_test_rendition_LDADD = $(tests_unit_test_view_LDADD)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_view_hosts
check_PROGRAMS += tests/unit/test_view_hosts
tests_unit_test_view_hosts_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_hosts_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_view_hosts_SOURCES = tests/unit/test_view_hosts.c $(view_folder)
tests_unit_test_view_hosts_LDADD = $(tests_unit_test_view_LDADD)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_view_snapshot
check_PROGRAMS += tests/unit/test_view_snapshot
tests_unit_test_view_snapshot_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_snapshot_SOURCES = tests/unit/test_view_snapshot.c $(view_folder)
tests_unit_test_view_snapshot_LDADD = $(tests_unit_test_view_LDADD)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_view_succession
check_PROGRAMS += tests/unit/test_view_succession
tests_unit_test_view_succession_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_view_succession_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_view_succession_SOURCES = tests/unit/test_view_succession.c $(view_folder)
tests_unit_test_view_succession_LDADD = $(tests_unit_test_view_LDADD)
endif
if HAVE_CMOCKA
EXTRA_DIST += tests/data/scenarios
TESTS += tests/unit/test_scenarios
check_PROGRAMS += tests/unit/test_scenarios
tests_unit_test_scenarios_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS) -DTEST_DATA='"$(abs_srcdir)/tests/data"'
tests_unit_test_scenarios_SOURCES = tests/unit/test_scenarios.c tests/unit/scenario_read.c tests/unit/scenario_run.c tests/unit/scenario_anew.c tests/unit/scenario_world.c \
	tests/unit/scenario_expect.c tests/unit/scenario.h tests/unit/scenario_world.h tests/unit/unit.h
tests_unit_test_scenarios_LDADD = src/libprobe.a $(tests_unit_test_view_LDADD)
endif
