## The program of a vantage. All but main() is a library, for tests.
noinst_LIBRARIES += src/libsteerprobe.a
src_libsteerprobe_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
src_libsteerprobe_a_CFLAGS = $(AM_CFLAGS) -pthread
src_libsteerprobe_a_SOURCES = \
	src/steerprobe/assignment.c src/steerprobe/assignment.h \
	src/steerprobe/crew.c src/steerprobe/crew.h \
	src/steerprobe/enrol.c src/steerprobe/enrol.h \
	src/steerprobe/lookup.c src/steerprobe/lookup.h \
	src/steerprobe/run.c src/steerprobe/run.h \
	src/steerprobe/session.c src/steerprobe/session.h \
	src/steerprobe/state.c src/steerprobe/state.h \
	src/steerprobe/status.c src/steerprobe/status.h \
	src/steerprobe/status_ask.c \
	src/steerprobe/tries.c src/steerprobe/tries.h \
	src/steerprobe/upstream.c src/steerprobe/upstream.h \
	src/steerprobe/verdicts.c src/steerprobe/verdicts.h \
	src/steerprobe/wall.c src/steerprobe/wall.h \
	src/steerprobe/world.h

sbin_PROGRAMS += src/steerprobe/steerprobe
src_steerprobe_steerprobe_CPPFLAGS = $(AM_CPPFLAGS)
src_steerprobe_steerprobe_CFLAGS = $(AM_CFLAGS) -pthread
src_steerprobe_steerprobe_SOURCES = src/steerprobe/steerprobe.c
src_steerprobe_steerprobe_LDADD = src/libsteerprobe.a src/libfleet.a src/libprobe.a src/libhealth.a src/libconf.a src/libevents.a \
	$(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(EVENT_LIBS) $(CARES_LIBS) $(NGHTTP2_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) -lm
