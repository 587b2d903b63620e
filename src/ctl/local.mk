## The command line of the admin API; it knows none of the server's folders but base. All but main() is a library, for
## tests and fuzzers.
noinst_LIBRARIES += src/libctl.a
src_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DPROGRAM_FOLDER='"$(pkglibexecdir)"'
src_libctl_a_SOURCES = \
	src/ctl/acme.c \
	src/ctl/backup.c src/ctl/beside.c \
	src/ctl/bundles.c src/ctl/push_wait.c \
	src/ctl/change.c \
	src/ctl/checks.c \
	src/ctl/client.c src/ctl/completion.c src/ctl/completion.h src/ctl/operations.c src/ctl/progress.c src/ctl/progress.h src/ctl/config.c \
	src/ctl/drill.c src/ctl/drill_follow.c src/ctl/drill_follow.h src/ctl/drill_report.c \
	src/ctl/live.c src/ctl/shadow.c \
	src/ctl/errors.c \
	src/ctl/event_text.c src/ctl/event_text.h src/ctl/events.c \
	src/ctl/explain.c \
	src/ctl/help.c \
	src/ctl/history.c \
	src/ctl/import.c \
	src/ctl/init.c src/ctl/init.h src/ctl/init_parse.c src/ctl/init_write.c \
	src/ctl/http.c src/ctl/http.h \
	src/ctl/lists.c src/ctl/members.c src/ctl/nodes.c src/ctl/spread.c \
	src/ctl/look.c \
	src/ctl/addresses.c src/ctl/observe.c src/ctl/observe.h src/ctl/observe_drill.c src/ctl/observe_drill.h src/ctl/observe_write.c src/ctl/observe_write.h \
	src/ctl/options.c src/ctl/options.h \
	src/ctl/points.c \
	src/ctl/remote.c \
	src/ctl/replication.c \
	src/ctl/rules.c \
	src/ctl/serving.c src/ctl/show.c src/ctl/show_status.c \
	src/ctl/socket.c src/ctl/socket.h \
	src/ctl/sse.c src/ctl/sse.h \
	src/ctl/confirm.c src/ctl/switchover.c src/ctl/switchover_watch.c src/ctl/incidents.c src/ctl/reports.c src/ctl/reports.h src/ctl/schedule.c src/ctl/compare.c src/ctl/spark.c src/ctl/spark.h \
	src/ctl/steerctl.h \
	src/ctl/table.c src/ctl/tail.c src/ctl/tail.h \
	src/ctl/target.c \
	src/ctl/template.c src/ctl/template.h src/ctl/text.c src/ctl/text.h \
	src/ctl/then.c \
	src/ctl/tokens.c src/ctl/traffic.c src/ctl/drains.c src/ctl/try.c \
	src/ctl/unserved.c src/ctl/vantages.c \
	src/ctl/verbs.c src/ctl/verbs.h \
	src/ctl/watched_figures.c src/ctl/watched_figures.h src/ctl/range.c src/ctl/range.h src/ctl/watched.c src/ctl/watched.h src/ctl/watched_text.c src/ctl/watched_text.h \
	src/ctl/watch.c src/ctl/watch_events.c src/ctl/watch_events.h src/ctl/watch_frame.c src/ctl/watch_frame.h \
	src/ctl/whatif.c

bin_PROGRAMS += src/steerctl
src_steerctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_steerctl_SOURCES = src/ctl/main.c src/ctl/steerctl.c
src_steerctl_LDADD = src/libctl.a src/libpage.a src/libobserve.a src/libdns.a src/libbase.a $(JANSSON_LIBS)

## What backups are made with: a program of its own, since its libraries would triple the time in which steerctl starts.
pkglibexec_PROGRAMS += src/steerctl-backup
src_steerctl_backup_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_steerctl_backup_CFLAGS = $(AM_CFLAGS) -pthread
src_steerctl_backup_SOURCES = src/ctl/steerctl-backup.c
src_steerctl_backup_LDADD = src/libctl.a src/libpast.a src/libstore.a src/libbase.a \
	$(ARCHIVE_LIBS) $(SQLITE_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS)

## What makes a folder a bundle: likewise.
pkglibexec_PROGRAMS += src/steerctl-push
src_steerctl_push_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_steerctl_push_CFLAGS = $(AM_CFLAGS) -pthread
src_steerctl_push_SOURCES = src/ctl/steerctl-push.c
src_steerctl_push_LDADD = src/libctl.a src/libpast.a src/libbase.a $(OPENSSL_LIBS) $(JANSSON_LIBS)

## TLS, for the API from elsewhere: likewise.
pkglibexec_PROGRAMS += src/steerctl-tls
src_steerctl_tls_CPPFLAGS = $(AM_CPPFLAGS)
src_steerctl_tls_SOURCES = src/ctl/steerctl-tls.c
src_steerctl_tls_LDADD = $(tls_libs) src/libbase.a $(OPENSSL_LIBS)
