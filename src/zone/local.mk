noinst_LIBRARIES += src/libzone.a
src_libzone_a_CPPFLAGS = $(AM_CPPFLAGS) $(LDNS_CFLAGS)
src_libzone_a_SOURCES = \
	src/zone/builder.c src/zone/builder.h src/zone/builder_internal.h \
	src/zone/check.c \
	src/zone/reader.h \
	src/zone/render.c \
	src/zone/zone.c src/zone/zone.h
