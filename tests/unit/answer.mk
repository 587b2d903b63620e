## Unit tests of src/answer
if HAVE_CMOCKA
TESTS += tests/unit/test_answer
check_PROGRAMS += tests/unit/test_answer
tests_unit_test_answer_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(LDNS_CFLAGS)
tests_unit_test_answer_SOURCES = tests/unit/test_answer.c tests/unit/answer_fixture.c tests/unit/strict.c tests/unit/answer_fixture.h tests/unit/strict.h \
	tests/unit/unit.h
tests_unit_test_answer_LDADD = src/libanswer.a src/libtraffic.a src/libtransfer.a src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a \
	src/libtsig.a src/libdns.a src/libbase.a $(LDNS_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_answer_additional
check_PROGRAMS += tests/unit/test_answer_additional
tests_unit_test_answer_additional_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_additional_SOURCES = tests/unit/test_answer_additional.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_additional_LDADD = $(tests_unit_test_answer_LDADD)
TESTS += tests/unit/test_answer_challenge
check_PROGRAMS += tests/unit/test_answer_challenge
tests_unit_test_answer_challenge_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_challenge_SOURCES = tests/unit/test_answer_challenge.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_challenge_LDADD = $(tests_unit_test_answer_LDADD)
TESTS += tests/unit/test_answer_crowd
check_PROGRAMS += tests/unit/test_answer_crowd
tests_unit_test_answer_crowd_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_crowd_SOURCES = tests/unit/test_answer_crowd.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_crowd_LDADD = $(tests_unit_test_answer_LDADD)
TESTS += tests/unit/test_answer_edns
check_PROGRAMS += tests/unit/test_answer_edns
tests_unit_test_answer_edns_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_edns_SOURCES = tests/unit/test_answer_edns.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_edns_LDADD = $(tests_unit_test_answer_LDADD)
TESTS += tests/unit/test_answer_shadow
check_PROGRAMS += tests/unit/test_answer_shadow
tests_unit_test_answer_shadow_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_shadow_SOURCES = tests/unit/test_answer_shadow.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_shadow_LDADD = $(tests_unit_test_answer_LDADD)
TESTS += tests/unit/test_answer_guard
check_PROGRAMS += tests/unit/test_answer_guard
tests_unit_test_answer_guard_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_guard_SOURCES = tests/unit/test_answer_guard.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_guard_LDADD = $(tests_unit_test_answer_LDADD)
TESTS += tests/unit/test_answer_listed
check_PROGRAMS += tests/unit/test_answer_listed
tests_unit_test_answer_listed_CPPFLAGS = $(tests_unit_test_answer_CPPFLAGS)
tests_unit_test_answer_listed_SOURCES = tests/unit/test_answer_listed.c tests/unit/answer_fixture.c tests/unit/strict.c \
	tests/unit/answer_fixture.h tests/unit/strict.h tests/unit/unit.h
tests_unit_test_answer_listed_LDADD = $(tests_unit_test_answer_LDADD)
endif
