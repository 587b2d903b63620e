noinst_LIBRARIES += src/libtap.a
src_libtap_a_CPPFLAGS = $(AM_CPPFLAGS) $(FSTRM_CFLAGS)
src_libtap_a_CFLAGS = $(AM_CFLAGS) -pthread
src_libtap_a_SOURCES = \
	src/tap/channel.c src/tap/channel.h \
	src/tap/dnstap.c src/tap/dnstap.h \
	src/tap/lines.c \
	src/tap/options.c src/tap/options.h \
	src/tap/outlet.c src/tap/outlet.h \
	src/tap/protobuf.h \
	src/tap/record.c src/tap/record.h \
	src/tap/sink.h \
	src/tap/stream.c \
	src/tap/tap.c src/tap/tap.h
