## Unit tests of src/steerprobe
if HAVE_CMOCKA
steerprobe_tests = tests/unit/test_probe_verdicts tests/unit/test_probe_assignment tests/unit/test_probe_state tests/unit/test_probe_wall tests/unit/test_probe_change
TESTS += $(steerprobe_tests)
check_PROGRAMS += $(steerprobe_tests)
steerprobe_test_libs = src/libsteerprobe.a src/libfleet.a src/libprobe.a src/libhealth.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libsheet.a src/libdns.a \
	src/libbase.a $(EVENT_LIBS) $(CARES_LIBS) $(NGHTTP2_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS) -lm
tests_unit_test_probe_verdicts_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_verdicts_SOURCES = tests/unit/test_probe_verdicts.c tests/unit/unit.h
tests_unit_test_probe_verdicts_LDADD = $(steerprobe_test_libs)
tests_unit_test_probe_assignment_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_assignment_SOURCES = tests/unit/test_probe_assignment.c tests/unit/unit.h
tests_unit_test_probe_assignment_LDADD = $(steerprobe_test_libs)
tests_unit_test_probe_state_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_state_SOURCES = tests/unit/test_probe_state.c tests/unit/unit.h
tests_unit_test_probe_state_LDADD = $(steerprobe_test_libs)
tests_unit_test_probe_wall_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_wall_SOURCES = tests/unit/test_probe_wall.c tests/unit/unit.h
tests_unit_test_probe_wall_LDADD = $(steerprobe_test_libs)
tests_unit_test_probe_change_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_change_SOURCES = tests/unit/test_probe_change.c tests/unit/unit.h
tests_unit_test_probe_change_LDADD = $(steerprobe_test_libs)
endif
