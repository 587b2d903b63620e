noinst_LIBRARIES += src/libserve.a
src_libserve_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
src_libserve_a_SOURCES =
