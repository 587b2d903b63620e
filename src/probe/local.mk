noinst_LIBRARIES += src/libprobe.a
src_libprobe_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CARES_CFLAGS)
src_libprobe_a_SOURCES = \
	src/probe/check.c src/probe/check.h \
	src/probe/check_http.c \
	src/probe/check_kind.c \
	src/probe/check_tcp.c \
	src/probe/engine.c src/probe/engine.h \
	src/probe/expect.c src/probe/expect.h \
	src/probe/http_body.c src/probe/http_body.h \
	src/probe/http_response.c src/probe/http_response.h \
	src/probe/load.c src/probe/load.h \
	src/probe/names.c src/probe/names.h \
	src/probe/probe.h \
	src/probe/prober.c \
	src/probe/resolve.c src/probe/resolve.h \
	src/probe/schedule.c src/probe/schedule.h \
	src/probe/targets.c src/probe/targets.h \
	src/probe/timers.c src/probe/timers.h \
	src/probe/trouble.c src/probe/trouble.h
