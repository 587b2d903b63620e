## Unit tests of src/conf
if HAVE_CMOCKA
conf_tests = tests/unit/test_conf_doc tests/unit/test_conf_geo tests/unit/test_conf_policy \
	tests/unit/test_conf_server tests/unit/test_conf_topology tests/unit/test_conf_transfer
conf_tests += tests/unit/test_conf_alpn tests/unit/test_conf_cluster tests/unit/test_conf_combine tests/unit/test_conf_commands tests/unit/test_conf_records tests/unit/test_conf_talk tests/unit/test_conf_tiers
conf_tests += tests/unit/test_conf_confine tests/unit/test_conf_merge tests/unit/test_conf_edit tests/unit/test_conf_ramp tests/unit/test_conf_redact tests/unit/test_conf_replication tests/unit/test_conf_rules
TESTS += $(conf_tests)
check_PROGRAMS += $(conf_tests)
policy_kit = tests/unit/policy_kit.c tests/unit/policy_kit.h tests/unit/test_conf.h tests/unit/unit.h
conf_test_libs = src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_conf_cluster_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_cluster_SOURCES = tests/unit/test_conf_cluster.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_cluster_LDADD = $(conf_test_libs)

tests_unit_test_conf_combine_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_combine_SOURCES = tests/unit/test_conf_combine.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_combine_LDADD = $(conf_test_libs)

tests_unit_test_conf_commands_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_commands_SOURCES = tests/unit/test_conf_commands.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_commands_LDADD = $(conf_test_libs)

tests_unit_test_conf_redact_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_redact_SOURCES = tests/unit/test_conf_redact.c
tests_unit_test_conf_redact_LDADD = $(conf_test_libs)

tests_unit_test_conf_doc_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_doc_SOURCES = tests/unit/test_conf_doc.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_doc_LDADD = $(conf_test_libs)

tests_unit_test_conf_confine_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_confine_SOURCES = tests/unit/test_conf_confine.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_confine_LDADD = $(conf_test_libs)

tests_unit_test_conf_merge_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_merge_SOURCES = tests/unit/test_conf_merge.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_merge_LDADD = $(conf_test_libs)

tests_unit_test_conf_edit_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_edit_SOURCES = tests/unit/test_conf_edit.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_edit_LDADD = $(conf_test_libs)

tests_unit_test_conf_geo_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_geo_SOURCES = tests/unit/test_conf_geo.c $(policy_kit)
tests_unit_test_conf_geo_LDADD = $(conf_test_libs)

tests_unit_test_conf_policy_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -DTEST_DATA='"$(srcdir)/tests/data/conf"'
tests_unit_test_conf_policy_SOURCES = tests/unit/test_conf_policy.c $(policy_kit)
tests_unit_test_conf_policy_LDADD = $(conf_test_libs)

tests_unit_test_conf_ramp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_ramp_SOURCES = tests/unit/test_conf_ramp.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_ramp_LDADD = $(conf_test_libs)
tests_unit_test_conf_replication_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_replication_SOURCES = tests/unit/test_conf_replication.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_replication_LDADD = $(conf_test_libs)

tests_unit_test_conf_rules_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_rules_SOURCES = tests/unit/test_conf_rules.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_rules_LDADD = $(conf_test_libs)

tests_unit_test_conf_records_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_records_SOURCES = tests/unit/test_conf_records.c $(policy_kit)
tests_unit_test_conf_records_LDADD = $(conf_test_libs)

tests_unit_test_conf_server_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_server_SOURCES = tests/unit/test_conf_server.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_server_LDADD = $(conf_test_libs)

tests_unit_test_conf_tiers_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_tiers_SOURCES = tests/unit/test_conf_tiers.c $(policy_kit)
tests_unit_test_conf_tiers_LDADD = $(conf_test_libs)

tests_unit_test_conf_alpn_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_alpn_SOURCES = tests/unit/test_conf_alpn.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_alpn_LDADD = $(conf_test_libs)
tests_unit_test_conf_talk_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_talk_SOURCES = tests/unit/test_conf_talk.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_talk_LDADD = $(conf_test_libs)

tests_unit_test_conf_topology_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_topology_SOURCES = tests/unit/test_conf_topology.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_topology_LDADD = $(conf_test_libs)

tests_unit_test_conf_transfer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_conf_transfer_SOURCES = tests/unit/test_conf_transfer.c tests/unit/test_conf.h tests/unit/unit.h
tests_unit_test_conf_transfer_LDADD = $(conf_test_libs)
endif

## The JSON Schemas against the same sample documents
TESTS += tests/unit/test_conf_schema
EXTRA_DIST += \
	tests/unit/test_conf_schema \
	tests/data/conf/drill.json \
	tests/data/conf/plain.json \
	tests/data/conf/policy.json \
	tests/data/conf/steerd.json \
	tests/data/conf/tls/ca.pem \
	tests/data/conf/topology.json
