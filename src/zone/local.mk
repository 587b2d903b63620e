noinst_LIBRARIES += src/libzone.a
src_libzone_a_CPPFLAGS = $(AM_CPPFLAGS) $(LDNS_CFLAGS)
src_libzone_a_SOURCES =
