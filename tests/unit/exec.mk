## Unit tests of src/exec
if HAVE_CMOCKA
TESTS += tests/unit/test_exec
check_PROGRAMS += tests/unit/test_exec
tests_unit_test_exec_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_exec_SOURCES = tests/unit/test_exec.c tests/unit/unit.h
tests_unit_test_exec_LDADD = src/libexec.a src/libbase.a $(CMOCKA_LIBS)
endif
