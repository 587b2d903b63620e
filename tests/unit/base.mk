## Unit tests of src/base: programs link their own and lower layers only, so the linker enforces the layering too.
if HAVE_CMOCKA
TESTS += tests/unit/test_base
check_PROGRAMS += tests/unit/test_base
tests_unit_test_base_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/unit/unit.h
tests_unit_test_base_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_log
check_PROGRAMS += tests/unit/test_log
tests_unit_test_log_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_log_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/unit.h
tests_unit_test_log_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_log_text
check_PROGRAMS += tests/unit/test_log_text
tests_unit_test_log_text_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_log_text_SOURCES = tests/unit/test_log_text.c tests/unit/unit.h
tests_unit_test_log_text_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_trail
check_PROGRAMS += tests/unit/test_trail
tests_unit_test_trail_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_trail_SOURCES = tests/unit/test_trail.c tests/unit/unit.h
tests_unit_test_trail_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_file
check_PROGRAMS += tests/unit/test_file
tests_unit_test_file_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_file_SOURCES = tests/unit/test_file.c tests/unit/unit.h
tests_unit_test_file_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_scribe
check_PROGRAMS += tests/unit/test_scribe
tests_unit_test_scribe_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scribe_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_scribe_SOURCES = tests/unit/test_scribe.c tests/unit/unit.h
tests_unit_test_scribe_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_arena
check_PROGRAMS += tests/unit/test_arena
tests_unit_test_arena_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_arena_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_arena_SOURCES = tests/unit/test_arena.c tests/unit/unit.h
tests_unit_test_arena_LDADD = src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_limiter
check_PROGRAMS += tests/unit/test_limiter
tests_unit_test_limiter_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_limiter_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_limiter_SOURCES = tests/unit/test_limiter.c tests/unit/unit.h
tests_unit_test_limiter_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_pass
check_PROGRAMS += tests/unit/test_pass
tests_unit_test_pass_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_pass_SOURCES = tests/unit/test_pass.c tests/unit/unit.h
tests_unit_test_pass_LDADD = src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_worker
check_PROGRAMS += tests/unit/test_worker
tests_unit_test_worker_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_worker_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_worker_SOURCES = tests/unit/test_worker.c tests/unit/unit.h
tests_unit_test_worker_LDADD = src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_lock
check_PROGRAMS += tests/unit/test_lock
tests_unit_test_lock_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_lock_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_test_lock_SOURCES = tests/unit/test_lock.c tests/unit/unit.h
tests_unit_test_lock_LDADD = src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_tzif
check_PROGRAMS += tests/unit/test_tzif
tests_unit_test_tzif_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_tzif_SOURCES = tests/unit/test_tzif.c tests/unit/unit.h
tests_unit_test_tzif_LDADD = src/libbase.a $(CMOCKA_LIBS)

TESTS += tests/unit/test_unified
check_PROGRAMS += tests/unit/test_unified
tests_unit_test_unified_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_unified_SOURCES = tests/unit/test_unified.c tests/unit/unit.h
tests_unit_test_unified_LDADD = src/libbase.a $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_sha2
check_PROGRAMS += tests/unit/test_sha2
tests_unit_test_sha2_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sha2_SOURCES = tests/unit/test_sha2.c tests/unit/unit.h
tests_unit_test_sha2_LDADD = src/libbase.a $(OPENSSL_LIBS) $(CMOCKA_LIBS)
endif
if HAVE_CMOCKA
TESTS += tests/unit/test_regex
check_PROGRAMS += tests/unit/test_regex
tests_unit_test_regex_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_regex_SOURCES = tests/unit/test_regex.c tests/unit/unit.h
tests_unit_test_regex_LDADD = src/libbase.a $(CMOCKA_LIBS)
endif

TESTS += tests/unit/test_cron
check_PROGRAMS += tests/unit/test_cron
tests_unit_test_cron_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cron_SOURCES = tests/unit/test_cron.c tests/unit/unit.h
tests_unit_test_cron_LDADD = src/libbase.a $(CMOCKA_LIBS)
