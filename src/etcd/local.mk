noinst_LIBRARIES += src/libetcd.a
src_libetcd_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
src_libetcd_a_SOURCES = \
	src/etcd/ask.c src/etcd/ask.h \
	src/etcd/body.c src/etcd/body.h \
	src/etcd/etcd.c src/etcd/etcd.h \
	src/etcd/feed.c src/etcd/feed.h \
	src/etcd/frame.c src/etcd/frame.h \
	src/etcd/link.c src/etcd/link.h \
	src/etcd/reply.c src/etcd/reply.h \
	src/etcd/wire.c src/etcd/wire.h

## What talks to etcd for steerd, which finds it beside itself or here: a program with libcurl, as steerd-post is.
steerd_etcd_sources = \
	src/etcd/call.c src/etcd/call.h \
	src/etcd/desk.c src/etcd/desk.h \
	src/etcd/exchange.c src/etcd/exchange.h \
	src/etcd/serve.c src/etcd/serve.h \
	src/etcd/steerd-etcd.c
if HAVE_CURL
pkglibexec_PROGRAMS += src/steerd-etcd
src_steerd_etcd_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
src_steerd_etcd_SOURCES = $(steerd_etcd_sources)
src_steerd_etcd_LDADD = src/libetcd.a src/libconfine.a src/libbase.a $(CURL_LIBS) $(SECCOMP_LIBS) $(CAPNG_LIBS) $(JANSSON_LIBS)
else
EXTRA_DIST += $(steerd_etcd_sources)
endif
