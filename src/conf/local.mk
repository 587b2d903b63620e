noinst_LIBRARIES += src/libconf.a
src_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libconf_a_SOURCES =
