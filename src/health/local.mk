noinst_LIBRARIES += src/libhealth.a
src_libhealth_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libhealth_a_SOURCES =
