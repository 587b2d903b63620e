## Unit tests of src/ctl. Those of the whole program, against the HTTP layer of src/admin, are in admin.mk.
if HAVE_CMOCKA
TESTS += tests/unit/test_ctl_http tests/unit/test_ctl_socket
check_PROGRAMS += tests/unit/test_ctl_http tests/unit/test_ctl_socket
tests_unit_test_ctl_http_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_http_SOURCES = tests/unit/test_ctl_http.c tests/unit/unit.h
tests_unit_test_ctl_http_LDADD = src/libctl.a src/libbase.a $(CMOCKA_LIBS)
tests_unit_test_ctl_socket_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_socket_SOURCES = tests/unit/test_ctl_socket.c tests/unit/unit.h
tests_unit_test_ctl_socket_LDADD = src/libctl.a src/libbase.a $(CMOCKA_LIBS)
TESTS += tests/unit/test_ctl_tail
check_PROGRAMS += tests/unit/test_ctl_tail
tests_unit_test_ctl_tail_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_tail_SOURCES = tests/unit/test_ctl_tail.c tests/unit/unit.h
tests_unit_test_ctl_tail_LDADD = src/libctl.a src/libpage.a src/libobserve.a src/libdns.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_watch
check_PROGRAMS += tests/unit/test_watch
tests_unit_test_watch_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_watch_SOURCES = tests/unit/test_watch.c tests/unit/unit.h
tests_unit_test_watch_LDADD = src/libctl.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_watched
check_PROGRAMS += tests/unit/test_watched
tests_unit_test_watched_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_watched_SOURCES = tests/unit/test_watched.c tests/unit/unit.h
tests_unit_test_watched_LDADD = src/libctl.a src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS) -lm
TESTS += tests/unit/test_ctl_template
check_PROGRAMS += tests/unit/test_ctl_template
tests_unit_test_ctl_template_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ctl_template_SOURCES = tests/unit/test_ctl_template.c src/ctl/template.c src/ctl/table.c src/ctl/text.c tests/unit/unit.h
tests_unit_test_ctl_template_LDADD = src/libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)
endif
