## Unit tests of src/serve: answer, transfer and view are doubles, so none of them is linked.
if HAVE_CMOCKA
serve_tests = tests/unit/test_serve_frame tests/unit/test_serve_proxy tests/unit/test_serve_udp tests/unit/test_serve_tcp \
	tests/unit/test_serve_limits tests/unit/test_serve_stream tests/unit/test_serve_leave
TESTS += $(serve_tests)
check_PROGRAMS += $(serve_tests)
serve_doubles = tests/unit/test_serve_doubles.c tests/unit/test_serve_doubles.h tests/unit/unit.h
serve_libraries = src/libserve.a src/libtraffic.a src/libdns.a src/libbase.a $(CMOCKA_LIBS) $(EVENT_LIBS) -lpthread

tests_unit_test_serve_frame_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_frame_SOURCES = tests/unit/test_serve_frame.c tests/unit/unit.h
tests_unit_test_serve_frame_LDADD = src/libserve.a src/libtraffic.a src/libbase.a $(CMOCKA_LIBS)

tests_unit_test_serve_proxy_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_proxy_SOURCES = tests/unit/test_serve_proxy.c tests/unit/unit.h
tests_unit_test_serve_proxy_LDADD = src/libserve.a src/libbase.a $(CMOCKA_LIBS)

tests_unit_test_serve_udp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_udp_SOURCES = tests/unit/test_serve_udp.c $(serve_doubles)
tests_unit_test_serve_udp_LDADD = $(serve_libraries)

tests_unit_test_serve_tcp_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_tcp_SOURCES = tests/unit/test_serve_tcp.c $(serve_doubles)
tests_unit_test_serve_tcp_LDADD = $(serve_libraries)

tests_unit_test_serve_stream_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_stream_SOURCES = tests/unit/test_serve_stream.c $(serve_doubles)
tests_unit_test_serve_stream_LDADD = $(serve_libraries)

tests_unit_test_serve_leave_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_leave_SOURCES = tests/unit/test_serve_leave.c $(serve_doubles)
tests_unit_test_serve_leave_LDADD = $(serve_libraries)

tests_unit_test_serve_limits_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_serve_limits_SOURCES = tests/unit/test_serve_limits.c $(serve_doubles)
tests_unit_test_serve_limits_LDADD = $(serve_libraries)
endif
