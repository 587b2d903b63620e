noinst_LIBRARIES += src/libdns.a
src_libdns_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libdns_a_SOURCES =
