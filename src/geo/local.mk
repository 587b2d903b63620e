noinst_LIBRARIES += src/libgeo.a
src_libgeo_a_CPPFLAGS = $(AM_CPPFLAGS) $(MAXMINDDB_CFLAGS)
src_libgeo_a_SOURCES = \
	src/geo/build.c \
	src/geo/continent.c \
	src/geo/data.c \
	src/geo/db.c src/geo/db.h \
	src/geo/geo.h \
	src/geo/load.c \
	src/geo/tree.c src/geo/tree.h \
	src/geo/trie.c src/geo/trie.h
