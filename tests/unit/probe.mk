## Unit tests of src/probe
if HAVE_CMOCKA
probe_tests = tests/unit/test_grpc_health tests/unit/test_h2 tests/unit/test_h2_last tests/unit/test_probe_http tests/unit/test_probe_schedule tests/unit/test_probe_caps tests/unit/test_probe_pace \
	tests/unit/test_probe tests/unit/test_probe_load tests/unit/test_probe_lists tests/unit/test_probe_resolve tests/unit/test_probe_ping
TESTS += $(probe_tests)
check_PROGRAMS += $(probe_tests)
probe_kit = tests/unit/probe_kit.c tests/unit/probe_kit.h tests/unit/unit.h
probe_test_libs = src/libprobe.a src/libdns.a $(tls_libs) src/libexec.a src/libsheet.a src/libbase.a $(CMOCKA_LIBS) $(EVENT_LIBS) $(NGHTTP2_LIBS)
tests_unit_test_probe_http_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_http_SOURCES = tests/unit/test_probe_http.c tests/unit/unit.h
tests_unit_test_probe_http_LDADD = $(probe_test_libs)
tests_unit_test_grpc_health_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_grpc_health_SOURCES = tests/unit/test_grpc_health.c tests/unit/unit.h
tests_unit_test_grpc_health_LDADD = $(probe_test_libs)
tests_unit_test_h2_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_h2_SOURCES = tests/unit/test_h2.c tests/unit/unit.h
tests_unit_test_h2_LDADD = $(probe_test_libs)
tests_unit_test_h2_last_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(NGHTTP2_CFLAGS)
tests_unit_test_h2_last_SOURCES = tests/unit/test_h2_last.c tests/unit/unit.h
tests_unit_test_h2_last_LDADD = $(probe_test_libs)
tests_unit_test_probe_caps_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_caps_SOURCES = tests/unit/test_probe_caps.c tests/unit/unit.h
tests_unit_test_probe_caps_LDADD = $(probe_test_libs)
tests_unit_test_probe_pace_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_pace_SOURCES = tests/unit/test_probe_pace.c $(probe_kit)
tests_unit_test_probe_pace_LDADD = $(probe_test_libs)
tests_unit_test_probe_schedule_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_schedule_SOURCES = tests/unit/test_probe_schedule.c tests/unit/unit.h
tests_unit_test_probe_schedule_LDADD = $(probe_test_libs)
tests_unit_test_probe_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_SOURCES = tests/unit/test_probe.c $(probe_kit)
tests_unit_test_probe_LDADD = $(probe_test_libs)
tests_unit_test_probe_load_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_load_SOURCES = tests/unit/test_probe_load.c $(probe_kit)
tests_unit_test_probe_load_LDADD = $(probe_test_libs)
tests_unit_test_probe_lists_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_probe_lists_SOURCES = tests/unit/test_probe_lists.c $(probe_kit)
tests_unit_test_probe_lists_LDADD = $(probe_test_libs)
tests_unit_test_probe_resolve_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_probe_resolve_SOURCES = tests/unit/test_probe_resolve.c tests/unit/unit.h
tests_unit_test_probe_resolve_LDADD = $(probe_test_libs) $(CARES_LIBS)
tests_unit_test_probe_ping_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_probe_ping_SOURCES = tests/unit/test_probe_ping.c $(probe_kit)
tests_unit_test_probe_ping_LDADD = $(probe_test_libs)
endif
