## The server. Its program is src/steerd, which is why this folder is not called so.
sbin_PROGRAMS += src/steerd
src_steerd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
src_steerd_CFLAGS = $(AM_CFLAGS) -pthread
src_steerd_SOURCES = \
	src/daemon/changes.c src/daemon/changes.h \
	src/daemon/channel.c src/daemon/channel.h \
	src/daemon/dump.c \
	src/daemon/durable.c src/daemon/durable.h \
	src/daemon/ends.c src/daemon/ends.h \
	src/daemon/expiry.c src/daemon/expiry.h \
	src/daemon/folders.c src/daemon/folders.h \
	src/daemon/geowatch.c src/daemon/geowatch.h \
	src/daemon/handed.c src/daemon/handed.h \
	src/daemon/heir.c src/daemon/heir.h \
	src/daemon/hosts.c src/daemon/hosts.h \
	src/daemon/install.c src/daemon/install.h \
	src/daemon/journal.c src/daemon/journal.h \
	src/daemon/keeping.c src/daemon/keeping.h \
	src/daemon/lanes.c src/daemon/lanes.h \
	src/daemon/last.c src/daemon/last.h src/daemon/last_kinds.h src/daemon/last_restore.c \
	src/daemon/limits.c src/daemon/limits.h \
	src/daemon/metrics.c src/daemon/metrics.h src/daemon/metrics_kept.c src/daemon/metrics_kept.h \
	src/daemon/opening.c src/daemon/opening.h \
	src/daemon/orders.c src/daemon/orders.h \
	src/daemon/outbox.c src/daemon/outbox.h \
	src/daemon/override_json.c src/daemon/override_json.h \
	src/daemon/primaries.c src/daemon/primaries.h \
	src/daemon/reader.c src/daemon/reader.h \
	src/daemon/reclaim.c src/daemon/reclaim.h \
	src/daemon/reload.c src/daemon/reload.h \
	src/daemon/rerender.c src/daemon/rerender.h \
	src/daemon/run.c src/daemon/run.h \
	src/daemon/server.h \
	src/daemon/snapshot.c src/daemon/snapshot.h \
	src/daemon/spawn.c src/daemon/spawn.h \
	src/daemon/statefile.c src/daemon/statefile.h \
	src/daemon/steerd.c src/daemon/steerd.h \
	src/daemon/takeover.c src/daemon/takeover.h \
	src/daemon/targets.c src/daemon/targets.h \
	src/daemon/teller.c src/daemon/teller.h \
	src/daemon/verbs.c src/daemon/verbs.h \
	src/daemon/whatif.c src/daemon/whatif.h
src_steerd_LDADD = \
	src/libadmin.a src/libdrill.a src/liboperate.a src/libprobe.a src/libserve.a src/libnotify.a src/libanswer.a src/libtransfer.a \
	src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libstore.a src/libevents.a src/libgeo.a src/libconf.a src/libtsig.a src/libdns.a src/libbase.a \
	$(EVENT_LIBS) $(CARES_LIBS) $(JANSSON_LIBS) $(NETTLE_LIBS) $(MAXMINDDB_LIBS) $(LDNS_LIBS) $(SQLITE_LIBS) $(URCU_LIBS) -lm
