noinst_LIBRARIES += src/libview.a
src_libview_a_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
src_libview_a_SOURCES =
