noinst_LIBRARIES += src/libprobe.a
src_libprobe_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CARES_CFLAGS) $(NGHTTP2_CFLAGS)
src_libprobe_a_SOURCES = \
	src/probe/caps.c src/probe/caps.h \
	src/probe/check.c src/probe/check.h \
	src/probe/check_dns.c \
	src/probe/check_grpc.c \
	src/probe/check_h2.c src/probe/check_h2.h \
	src/probe/check_exec.c \
	src/probe/check_file.c \
	src/probe/check_http.c \
	src/probe/check_http2.c src/probe/check_http2.h \
	src/probe/check_body.c src/probe/check_body.h \
	src/probe/check_icmp.c \
	src/probe/check_kind.c \
	src/probe/check_tcp.c \
	src/probe/check_wire.c src/probe/check_wire.h \
	src/probe/document.c src/probe/document.h \
	src/probe/engine.c src/probe/engine.h src/probe/engine_inside.h \
	src/probe/expect.c src/probe/expect.h \
	src/probe/flight.c src/probe/flight.h \
	src/probe/grpc_health.c src/probe/grpc_health.h \
	src/probe/h2.c src/probe/h2.h \
	src/probe/h2_request.c src/probe/h2_request.h \
	src/probe/http_body.c src/probe/http_body.h \
	src/probe/http_judge.c src/probe/http_judge.h \
	src/probe/http_request.c src/probe/http_request.h \
	src/probe/http_response.c src/probe/http_response.h \
	src/probe/json_scan.c src/probe/json_scan.h \
	src/probe/listed.c \
	src/probe/names.c src/probe/names.h \
	src/probe/ping.c src/probe/ping.h \
	src/probe/ping_message.c src/probe/ping_message.h \
	src/probe/probe.h \
	src/probe/prober.c \
	src/probe/resolve.c src/probe/resolve.h \
	src/probe/runner.c src/probe/runner.h \
	src/probe/schedule.c src/probe/schedule.h \
	src/probe/targets.c src/probe/targets.h \
	src/probe/timers.c src/probe/timers.h \
	src/probe/trouble.c src/probe/trouble.h \
	src/probe/try.c
