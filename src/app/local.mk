sbin_PROGRAMS += src/steerd
src_steerd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
src_steerd_CFLAGS = $(AM_CFLAGS) -pthread
src_steerd_SOURCES = \
	src/app/dump.c \
	src/app/geowatch.c \
	src/app/hosts.c src/app/hosts.h \
	src/app/limits.c \
	src/app/metrics.c \
	src/app/primaries.c src/app/primaries.h \
	src/app/reload.c \
	src/app/server.c src/app/server.h \
	src/app/statefile.c src/app/statefile.h \
	src/app/steerd.c src/app/steerd.h \
	src/app/verbs.c \
	src/app/whatif.c
src_steerd_LDADD = \
	src/libadmin.a src/libdrill.a src/liboperate.a src/libprobe.a src/libserve.a src/libnotify.a src/libanswer.a src/libtransfer.a \
	src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libgeo.a src/libconf.a src/libtsig.a src/libdns.a src/libbase.a \
	$(EVENT_LIBS) $(CARES_LIBS) $(JANSSON_LIBS) $(NETTLE_LIBS) $(MAXMINDDB_LIBS) $(LDNS_LIBS) $(URCU_LIBS) -lm

bin_PROGRAMS += src/steerctl
src_steerctl_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)
src_steerctl_SOURCES = \
	src/app/steerctl.c src/app/steerctl.h \
	src/app/steerctl_client.c \
	src/app/steerctl_drill.c \
	src/app/steerctl_show.c \
	src/app/steerctl_table.c \
	src/app/steerctl_whatif.c
src_steerctl_LDADD = src/libbase.a $(CURL_LIBS) $(JANSSON_LIBS)
