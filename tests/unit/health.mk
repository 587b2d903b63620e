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
TESTS += tests/unit/test_health_results
check_PROGRAMS += tests/unit/test_health_results
tests_unit_test_health_results_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_results_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_health_results_SOURCES = tests/unit/test_health_results.c tests/unit/health_world.c \
	tests/unit/health_world.h tests/unit/unit.h
tests_unit_test_health_results_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_health_lag
check_PROGRAMS += tests/unit/test_health_lag
tests_unit_test_health_lag_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_lag_SOURCES = tests/unit/test_health_lag.c tests/unit/unit.h
tests_unit_test_health_lag_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
TESTS += tests/unit/test_health_push
check_PROGRAMS += tests/unit/test_health_push
tests_unit_test_health_push_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_push_SOURCES = tests/unit/test_health_push.c tests/unit/unit.h
tests_unit_test_health_push_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
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
if HAVE_CMOCKA
TESTS += tests/unit/test_health_stay
check_PROGRAMS += tests/unit/test_health_stay
tests_unit_test_health_stay_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_stay_SOURCES = tests/unit/test_health_stay.c tests/unit/unit.h
tests_unit_test_health_stay_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_ramp
check_PROGRAMS += tests/unit/test_health_ramp
tests_unit_test_health_ramp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_ramp_SOURCES = tests/unit/test_health_ramp.c tests/unit/unit.h
tests_unit_test_health_ramp_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm

TESTS += tests/unit/test_health_stay_model
check_PROGRAMS += tests/unit/test_health_stay_model
tests_unit_test_health_stay_model_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_stay_model_SOURCES = tests/unit/test_health_stay_model.c tests/unit/stay_model.c tests/unit/stay_model.h tests/unit/stay_object.c tests/unit/stay_object.h \
	tests/unit/unit.h
tests_unit_test_health_stay_model_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
endif
if HAVE_CMOCKA
opinion_tests = tests/unit/test_health_own tests/unit/test_health_opinion tests/unit/test_health_opinion_model tests/unit/test_health_sight
opinion_scene = tests/unit/opinion_scene.c tests/unit/opinion_scene.h tests/unit/unit.h
opinion_libs = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
TESTS += $(opinion_tests)
check_PROGRAMS += $(opinion_tests)
tests_unit_test_health_own_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_own_SOURCES = tests/unit/test_health_own.c $(opinion_scene)
tests_unit_test_health_own_LDADD = $(opinion_libs)
tests_unit_test_health_opinion_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_opinion_SOURCES = tests/unit/test_health_opinion.c $(opinion_scene)
tests_unit_test_health_opinion_LDADD = $(opinion_libs)
tests_unit_test_health_opinion_model_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_opinion_model_SOURCES = tests/unit/test_health_opinion_model.c tests/unit/opinion_model.c tests/unit/opinion_model.h tests/unit/stay_object.c tests/unit/stay_object.h tests/unit/unit.h
tests_unit_test_health_opinion_model_LDADD = $(opinion_libs)
tests_unit_test_health_sight_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_sight_SOURCES = tests/unit/test_health_sight.c $(opinion_scene)
tests_unit_test_health_sight_LDADD = $(opinion_libs)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_health_flapping
check_PROGRAMS += tests/unit/test_health_flapping
tests_unit_test_health_flapping_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_flapping_SOURCES = tests/unit/test_health_flapping.c tests/unit/unit.h
tests_unit_test_health_flapping_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif

TESTS += tests/unit/test_health_guard
check_PROGRAMS += tests/unit/test_health_guard
tests_unit_test_health_guard_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_guard_SOURCES = tests/unit/test_health_guard.c tests/unit/unit.h
tests_unit_test_health_guard_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS) -lm
if HAVE_CMOCKA
TESTS += tests/unit/test_health_contact
check_PROGRAMS += tests/unit/test_health_contact
tests_unit_test_health_contact_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_health_contact_SOURCES = tests/unit/test_health_contact.c tests/unit/unit.h
tests_unit_test_health_contact_LDADD = src/libhealth.a src/libbase.a $(CMOCKA_LIBS)
endif
