noinst_LIBRARIES += src/libgeo.a
src_libgeo_a_CPPFLAGS = $(AM_CPPFLAGS) $(MAXMINDDB_CFLAGS)
src_libgeo_a_SOURCES =
