## How a host becomes a node: a program that steerctl runs. All but main() is a library, for tests.
noinst_LIBRARIES += src/libjoin.a
src_libjoin_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libjoin_a_SOURCES = \
	src/join/init.c \
	src/join/join.c src/join/join.h \
	src/join/target.c src/join/target.h

pkglibexec_PROGRAMS += src/steerctl-join
src_steerctl_join_CPPFLAGS = $(AM_CPPFLAGS)
src_steerctl_join_CFLAGS = $(AM_CFLAGS) -pthread
src_steerctl_join_SOURCES = src/join/steerctl-join.c
src_steerctl_join_LDADD = src/libjoin.a src/libfleet.a src/libprobe.a src/libhealth.a src/libconf.a src/libevents.a \
	$(tls_libs) src/libexec.a src/libsheet.a src/libdns.a src/libbase.a $(EVENT_LIBS) $(CARES_LIBS) $(NGHTTP2_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) -lm
