noinst_LIBRARIES += src/libpast.a
src_libpast_a_CPPFLAGS = $(AM_CPPFLAGS) $(ARCHIVE_CFLAGS) $(JANSSON_CFLAGS)
src_libpast_a_SOURCES = \
	src/past/backup.h src/past/backup_parts.h \
	src/past/backup_gather.c src/past/backup_gather.h \
	src/past/backup_lines.c \
	src/past/backup_make.c \
	src/past/backup_manifest.c \
	src/past/backup_read.c \
	src/past/backup_refers.c \
	src/past/backup_restore.c \
	src/past/backup_seal.c src/past/backup_seal.h \
	src/past/backup_verify.c \
	src/past/backup_write.c \
	src/past/bundle.c src/past/bundle.h src/past/bundle_internal.h \
	src/past/bundle_part.c \
	src/past/bundle_store.c src/past/bundle_store.h \
	src/past/bundle_tree.c \
	src/past/depot.c src/past/depot.h src/past/depot_internal.h \
	src/past/depot_sweep.c \
	src/past/found.c src/past/found.h \
	src/past/hold.c src/past/hold.h \
	src/past/known.c src/past/known.h src/past/known_internal.h src/past/last_kinds.h \
	src/past/known_find.c \
	src/past/kept.c src/past/kept.h \
	src/past/lines.c src/past/lines.h \
	src/past/manifest.c src/past/manifest.h \
	src/past/names.c src/past/names.h \
	src/past/objects.c src/past/objects.h \
	src/past/points.c src/past/points.h \
	src/past/recorder.c src/past/recorder.h \
	src/past/salvage.c src/past/salvage.h \
	src/past/served.c src/past/served.h \
	src/past/sieve.c src/past/sieve.h \
	src/past/segments.c src/past/segments.h \
	src/past/whole.c src/past/whole.h
