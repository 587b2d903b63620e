noinst_LIBRARIES += src/libgeo.a
src_libgeo_a_CPPFLAGS = $(AM_CPPFLAGS) $(MAXMINDDB_CFLAGS)
src_libgeo_a_SOURCES = \
	src/geo/build.c \
	src/geo/country.c \
	src/geo/data.c \
	src/geo/db.c src/geo/db.h \
	src/geo/examples.c \
	src/geo/explain.c \
	src/geo/facts.c src/geo/facts.h \
	src/geo/geo.h \
	src/geo/join.c src/geo/join.h \
	src/geo/load.c \
	src/geo/nearest.c src/geo/nearest.h \
	src/geo/networks.c \
	src/geo/pairs.c \
	src/geo/place.c src/geo/place.h \
	src/geo/pool.c src/geo/pool.h \
	src/geo/read.c \
	src/geo/rules.c src/geo/rules.h \
	src/geo/tree.c src/geo/tree.h \
	src/geo/trie.c src/geo/trie.h \
	src/geo/ways.c src/geo/ways.h
