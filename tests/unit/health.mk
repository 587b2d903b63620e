## Unit tests of src/health
if HAVE_CMOCKA
health_tests = tests/unit/test_health tests/unit/test_health_load tests/unit/test_health_override \
	tests/unit/test_health_planned \
	tests/unit/test_health_random
TESTS += $(health_tests)
check_PROGRAMS += $(health_tests)
tests_unit_test_health_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_SOURCES = tests/unit/test_health.c tests/unit/health_world.c tests/unit/health_world.h \
	tests/unit/unit.h
tests_unit_test_health_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_health_load_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_load_SOURCES = tests/unit/test_health_load.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_load_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_health_override_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_override_SOURCES = tests/unit/test_health_override.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_override_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_health_planned_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_planned_SOURCES = tests/unit/test_health_planned.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_planned_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_health_random_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_random_SOURCES = tests/unit/test_health_random.c tests/unit/unit.h
tests_unit_test_health_random_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_carry
check_PROGRAMS += tests/unit/test_health_carry
tests_unit_test_health_carry_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_carry_SOURCES = tests/unit/test_health_carry.c tests/unit/health_random.h tests/unit/unit.h
tests_unit_test_health_carry_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_turns
check_PROGRAMS += tests/unit/test_health_turns
tests_unit_test_health_turns_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_turns_SOURCES = tests/unit/test_health_turns.c tests/unit/unit.h
tests_unit_test_health_turns_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_reload
check_PROGRAMS += tests/unit/test_health_reload
tests_unit_test_health_reload_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_reload_SOURCES = tests/unit/test_health_reload.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_reload_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_families
check_PROGRAMS += tests/unit/test_health_families
tests_unit_test_health_families_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_families_SOURCES = tests/unit/test_health_families.c tests/unit/unit.h
tests_unit_test_health_families_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
brake_tests = tests/unit/test_health_brake tests/unit/test_health_brake_reload tests/unit/test_health_brake_share
brake_scene = tests/unit/brake_scene.c tests/unit/brake_scene.h tests/unit/unit.h
brake_libs = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
TESTS += $(brake_tests)
check_PROGRAMS += $(brake_tests)
tests_unit_test_health_brake_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_brake_SOURCES = tests/unit/test_health_brake.c $(brake_scene)
tests_unit_test_health_brake_LDADD = $(brake_libs)
tests_unit_test_health_brake_reload_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_brake_reload_SOURCES = tests/unit/test_health_brake_reload.c $(brake_scene)
tests_unit_test_health_brake_reload_LDADD = $(brake_libs)
tests_unit_test_health_brake_share_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_brake_share_SOURCES = tests/unit/test_health_brake_share.c $(brake_scene)
tests_unit_test_health_brake_share_LDADD = $(brake_libs)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_inherited
check_PROGRAMS += tests/unit/test_health_inherited
tests_unit_test_health_inherited_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_inherited_SOURCES = tests/unit/test_health_inherited.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_inherited_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_record
check_PROGRAMS += tests/unit/test_health_record
tests_unit_test_health_record_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_record_SOURCES = tests/unit/test_health_record.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_record_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_kept
check_PROGRAMS += tests/unit/test_health_kept
tests_unit_test_health_kept_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_kept_SOURCES = tests/unit/test_health_kept.c tests/unit/health_random.h tests/unit/unit.h
tests_unit_test_health_kept_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
