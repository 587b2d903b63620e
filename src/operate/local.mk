noinst_LIBRARIES += src/liboperate.a
src_liboperate_a_CPPFLAGS = $(AM_CPPFLAGS)
src_liboperate_a_SOURCES = \
	src/operate/operate.h \
	src/operate/type.c
