noinst_LIBRARIES += src/libsteer.a
src_libsteer_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libsteer_a_SOURCES =
