noinst_LIBRARIES += src/libdrill.a
src_libdrill_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libdrill_a_SOURCES = \
	src/drill/answers.c src/drill/answers.h \
	src/drill/drill.h \
	src/drill/json.c \
	src/drill/reasons.c src/drill/reasons.h \
	src/drill/simulate.c \
	src/drill/text.c
