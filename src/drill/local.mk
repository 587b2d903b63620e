noinst_LIBRARIES += src/libdrill.a
src_libdrill_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libdrill_a_SOURCES =
