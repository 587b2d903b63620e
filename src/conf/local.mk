noinst_LIBRARIES += src/libconf.a
src_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libconf_a_SOURCES = \
	src/conf/access.c src/conf/access.h \
	src/conf/brake.c src/conf/brake.h \
	src/conf/check.c src/conf/check.h \
	src/conf/destination.c src/conf/destination.h \
	src/conf/doc.c src/conf/doc.h src/conf/doc_internal.h \
	src/conf/doc_get.c \
	src/conf/doc_load.c \
	src/conf/doc_split.c \
	src/conf/georule.c src/conf/georule.h \
	src/conf/keys.c src/conf/keys.h \
	src/conf/keytable.c src/conf/keytable.h \
	src/conf/limits.c src/conf/limits.h \
	src/conf/listen.c src/conf/listen.h \
	src/conf/locate.c src/conf/locate.h \
	src/conf/need.c src/conf/need.h \
	src/conf/policy.c src/conf/policy.h \
	src/conf/records.c src/conf/records.h \
	src/conf/refs.c src/conf/refs.h \
	src/conf/resolver.c src/conf/resolver.h \
	src/conf/selector.c src/conf/selector.h src/conf/selector_internal.h \
	src/conf/server.c src/conf/server.h \
	src/conf/sites.c src/conf/sites.h \
	src/conf/split.c src/conf/split.h \
	src/conf/suggest.c src/conf/suggest.h \
	src/conf/tiers.c \
	src/conf/topology.c src/conf/topology.h \
	src/conf/topology_read.c \
	src/conf/transfer.c src/conf/transfer.h \
	src/conf/value.c src/conf/value.h \
	src/conf/zone_options.c src/conf/zone_options.h \
	src/conf/zones.c src/conf/zones.h
