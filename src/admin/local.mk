noinst_LIBRARIES += src/libadmin.a
src_libadmin_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
src_libadmin_a_SOURCES =
