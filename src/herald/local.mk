noinst_LIBRARIES += src/libherald.a
src_libherald_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
src_libherald_a_SOURCES = \
	src/herald/box.c src/herald/box.h \
	src/herald/herald.c src/herald/herald.h \
	src/herald/hook_run.c src/herald/hook_run.h \
	src/herald/hooks.c src/herald/hooks.h \
	src/herald/keep.c src/herald/keep.h \
	src/herald/letter.c src/herald/letter.h \
	src/herald/inside.h src/herald/kept.c \
	src/herald/share.c src/herald/share.h src/herald/shared.c \
	src/herald/sign.c src/herald/sign.h \
	src/herald/webhook.c src/herald/webhook.h
