noinst_LIBRARIES += src/libprobe.a
src_libprobe_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
src_libprobe_a_SOURCES =
