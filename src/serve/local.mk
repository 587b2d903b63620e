noinst_LIBRARIES += src/libserve.a
src_libserve_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
src_libserve_a_SOURCES = \
	src/serve/proxy.c src/serve/proxy.h \
	src/serve/serve.c src/serve/serve.h \
	src/serve/socket.c src/serve/socket.h \
	src/serve/tcp.c src/serve/tcp.h \
	src/serve/tcp_client.c src/serve/tcp_client.h \
	src/serve/tcp_frame.c src/serve/tcp_frame.h \
	src/serve/tcp_share.c src/serve/tcp_share.h \
	src/serve/tcp_stream.c src/serve/tcp_stream.h \
	src/serve/udp.c src/serve/udp.h \
	src/serve/worker.h
