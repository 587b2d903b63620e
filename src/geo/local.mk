noinst_LIBRARIES += src/libgeo.a
src_libgeo_a_CPPFLAGS = $(AM_CPPFLAGS) $(MAXMINDDB_CFLAGS)
src_libgeo_a_SOURCES = \
	src/geo/geo.h \
	src/geo/tree.c src/geo/tree.h
