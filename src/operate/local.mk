noinst_LIBRARIES += src/liboperate.a
src_liboperate_a_CPPFLAGS = $(AM_CPPFLAGS)
src_liboperate_a_SOURCES = \
	src/operate/explain.c \
	src/operate/message.c src/operate/message.h \
	src/operate/operate.h \
	src/operate/rdata.c src/operate/rdata.h \
	src/operate/targets.c \
	src/operate/type.c
