## Unit tests of src/cluster
if HAVE_CMOCKA
CLUSTER_TEST_LIBS = src/libcluster.a src/libstore.a src/libbase.a $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
cluster_case = tests/unit/cluster_case.c tests/unit/cluster_case.h $(cluster_world)
cluster_world = tests/unit/cluster_world.c tests/unit/cluster_world_look.c tests/unit/cluster_world.h tests/unit/etcd_model.c tests/unit/etcd_model.h \
	tests/unit/etcd_model_way.c tests/unit/etcd_model_inside.h \
	tests/unit/unit.h
TESTS += tests/unit/test_cluster_entry
check_PROGRAMS += tests/unit/test_cluster_entry
tests_unit_test_cluster_entry_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_entry_SOURCES = tests/unit/test_cluster_entry.c tests/unit/unit.h
tests_unit_test_cluster_entry_LDADD = $(CLUSTER_TEST_LIBS)
TESTS += tests/unit/test_cluster
check_PROGRAMS += tests/unit/test_cluster
tests_unit_test_cluster_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_SOURCES = tests/unit/test_cluster.c $(cluster_case)
tests_unit_test_cluster_LDADD = $(CLUSTER_TEST_LIBS)
TESTS += tests/unit/test_cluster_orders
check_PROGRAMS += tests/unit/test_cluster_orders
tests_unit_test_cluster_orders_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_orders_SOURCES = tests/unit/test_cluster_orders.c $(cluster_case)
tests_unit_test_cluster_orders_LDADD = $(CLUSTER_TEST_LIBS)

TESTS += tests/unit/test_cluster_alive
check_PROGRAMS += tests/unit/test_cluster_alive
tests_unit_test_cluster_alive_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_alive_SOURCES = tests/unit/test_cluster_alive.c $(cluster_case)
tests_unit_test_cluster_alive_LDADD = $(CLUSTER_TEST_LIBS)
TESTS += tests/unit/test_cluster_members
check_PROGRAMS += tests/unit/test_cluster_members
tests_unit_test_cluster_members_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_members_SOURCES = tests/unit/test_cluster_members.c $(cluster_case)
tests_unit_test_cluster_members_LDADD = $(CLUSTER_TEST_LIBS)
TESTS += tests/unit/test_cluster_random
check_PROGRAMS += tests/unit/test_cluster_random
tests_unit_test_cluster_random_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_random_SOURCES = tests/unit/test_cluster_random.c $(cluster_world)
tests_unit_test_cluster_random_LDADD = $(CLUSTER_TEST_LIBS)
TESTS += tests/unit/test_swarm
check_PROGRAMS += tests/unit/test_swarm
tests_unit_test_swarm_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_swarm_SOURCES = tests/unit/test_swarm.c tests/unit/swarm_world.c tests/unit/swarm_world.h tests/unit/unit.h
tests_unit_test_swarm_LDADD = $(CLUSTER_TEST_LIBS)

TESTS += tests/unit/test_swarm_liars
check_PROGRAMS += tests/unit/test_swarm_liars
tests_unit_test_swarm_liars_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_swarm_liars_SOURCES = tests/unit/test_swarm_liars.c tests/unit/unit.h
tests_unit_test_swarm_liars_LDADD = $(CLUSTER_TEST_LIBS)
TESTS += tests/unit/test_cluster_estranged
check_PROGRAMS += tests/unit/test_cluster_estranged
tests_unit_test_cluster_estranged_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cluster_estranged_SOURCES = tests/unit/test_cluster_estranged.c $(cluster_case)
tests_unit_test_cluster_estranged_LDADD = $(CLUSTER_TEST_LIBS)
endif
TESTS += tests/unit/test_rollout
check_PROGRAMS += tests/unit/test_rollout
tests_unit_test_rollout_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_rollout_SOURCES = tests/unit/test_rollout.c tests/unit/unit.h
tests_unit_test_rollout_LDADD = $(CLUSTER_TEST_LIBS)
