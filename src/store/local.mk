noinst_LIBRARIES += src/libstore.a
src_libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
src_libstore_a_SOURCES = \
	src/store/audit.c src/store/audit.h \
	src/store/chain.c src/store/chain.h \
	src/store/database.c src/store/database.h \
	src/store/engine.c src/store/engine.h \
	src/store/entry.c src/store/entry.h \
	src/store/files.c src/store/files.h \
	src/store/history.c \
	src/store/job.c src/store/job.h \
	src/store/key.h \
	src/store/kinds.c src/store/kinds.h \
	src/store/noted.c src/store/noted.h \
	src/store/owed.c src/store/owed.h \
	src/store/owner.c \
	src/store/reader.c src/store/reader.h \
	src/store/rebuild.c src/store/rebuild.h \
	src/store/schema.c src/store/schema.h \
	src/store/stats.c src/store/stats.h \
	src/store/store.c src/store/store.h src/store/store_inside.h \
	src/store/verify.c \
	src/store/watch.c src/store/watch.h \
	src/store/writer.c src/store/writer.h
