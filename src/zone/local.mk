noinst_LIBRARIES += src/libzone.a
src_libzone_a_CPPFLAGS = $(AM_CPPFLAGS) $(LDNS_CFLAGS)
src_libzone_a_SOURCES = \
	src/zone/addresses.c \
	src/zone/builder.c src/zone/builder.h src/zone/builder_internal.h \
	src/zone/check.c \
	src/zone/check_target.c \
	src/zone/differ.c src/zone/differ.h \
	src/zone/finish.c \
	src/zone/listed.c \
	src/zone/look.c \
	src/zone/reader.c src/zone/reader.h src/zone/reader_internal.h \
	src/zone/reader_directive.c \
	src/zone/reader_encoding.c \
	src/zone/reader_field.c \
	src/zone/reader_generate.c \
	src/zone/reader_head.c \
	src/zone/reader_rare.c \
	src/zone/reader_rdata.c \
	src/zone/reader_source.c \
	src/zone/reader_svcb.c \
	src/zone/reader_token.c \
	src/zone/render.c src/zone/render_internal.h \
	src/zone/render_additional.c \
	src/zone/render_block.c \
	src/zone/render_listed.c \
	src/zone/render_rrset.c \
	src/zone/walk.c src/zone/walk.h \
	src/zone/whoami.c \
	src/zone/writer.c src/zone/writer.h \
	src/zone/zone.c src/zone/zone.h
