## Unit tests of src/steer
if HAVE_CMOCKA
STEER_TESTS = tests/unit/test_steer tests/unit/test_steer_ban tests/unit/test_steer_ban_model tests/unit/test_steer_fallback tests/unit/test_steer_families tests/unit/test_steer_fence tests/unit/test_steer_ttl tests/unit/test_steer_names tests/unit/test_steer_load \
	tests/unit/test_steer_order tests/unit/test_steer_pick \
	tests/unit/test_steer_set tests/unit/test_steer_stay tests/unit/test_steer_sticky \
	tests/unit/test_steer_ramp tests/unit/test_steer_tiers
TESTS += $(STEER_TESTS)
check_PROGRAMS += $(STEER_TESTS)
STEER_TEST_LIBS = src/libsteer.a src/libgeo.a src/libbase.a $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_steer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_SOURCES = tests/unit/test_steer.c tests/unit/unit.h
tests_unit_test_steer_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_ban_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_ban_SOURCES = tests/unit/test_steer_ban.c tests/unit/guard_world.c tests/unit/guard_world.h tests/unit/unit.h
tests_unit_test_steer_ban_LDADD = src/libsteer.a src/libgeo.a src/libhealth.a src/libbase.a $(MAXMINDDB_LIBS) $(CMOCKA_LIBS) -lm
tests_unit_test_steer_ban_model_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_ban_model_SOURCES = tests/unit/test_steer_ban_model.c tests/unit/guard_world.c tests/unit/guard_world.h tests/unit/unit.h
tests_unit_test_steer_ban_model_LDADD = $(tests_unit_test_steer_ban_LDADD)
tests_unit_test_steer_fallback_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_fallback_SOURCES = tests/unit/test_steer_fallback.c tests/unit/steer_world.c tests/unit/steer_world.h \
	tests/unit/unit.h
tests_unit_test_steer_fallback_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_families_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_families_SOURCES = tests/unit/test_steer_families.c tests/unit/steer_world.c tests/unit/steer_world.h \
	tests/unit/unit.h
tests_unit_test_steer_families_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_fence_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_fence_SOURCES = tests/unit/test_steer_fence.c tests/unit/steer_world.c tests/unit/steer_world.h \
	tests/unit/unit.h
tests_unit_test_steer_fence_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_ttl_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_ttl_SOURCES = tests/unit/test_steer_ttl.c tests/unit/steer_world.c tests/unit/steer_world.h \
	tests/unit/unit.h
tests_unit_test_steer_ttl_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_names_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_names_SOURCES = tests/unit/test_steer_names.c tests/unit/unit.h
tests_unit_test_steer_names_LDADD = src/libsteer.a src/libgeo.a src/libhealth.a src/libbase.a $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
tests_unit_test_steer_load_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_load_SOURCES = tests/unit/test_steer_load.c tests/unit/unit.h
tests_unit_test_steer_load_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_order_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_order_SOURCES = tests/unit/test_steer_order.c tests/unit/unit.h
tests_unit_test_steer_order_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_pick_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_pick_SOURCES = tests/unit/test_steer_pick.c tests/unit/unit.h
tests_unit_test_steer_pick_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_set_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_set_SOURCES = tests/unit/test_steer_set.c tests/unit/unit.h
tests_unit_test_steer_set_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_stay_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_stay_SOURCES = tests/unit/test_steer_stay.c tests/unit/sticky_world.c tests/unit/sticky_world.h \
	tests/unit/unit.h
tests_unit_test_steer_stay_LDADD = $(STEER_TEST_LIBS) -lm
tests_unit_test_steer_sticky_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_sticky_SOURCES = tests/unit/test_steer_sticky.c tests/unit/sticky_world.c tests/unit/sticky_world.h \
	tests/unit/unit.h
tests_unit_test_steer_sticky_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_tiers_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_tiers_SOURCES = tests/unit/test_steer_tiers.c tests/unit/steer_world.c tests/unit/steer_world.h \
	tests/unit/unit.h
tests_unit_test_steer_tiers_LDADD = $(STEER_TEST_LIBS)
tests_unit_test_steer_ramp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_steer_ramp_SOURCES = tests/unit/test_steer_ramp.c tests/unit/steer_world.c tests/unit/steer_world.h \
	tests/unit/unit.h
tests_unit_test_steer_ramp_LDADD = $(STEER_TEST_LIBS)
endif
