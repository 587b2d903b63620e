noinst_LIBRARIES += src/libsheet.a
src_libsheet_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libsheet_a_SOURCES = \
	src/sheet/ask.h \
	src/sheet/bell.c \
	src/sheet/content.c \
	src/sheet/gdnsd.c \
	src/sheet/inside.h \
	src/sheet/json.c \
	src/sheet/parse.c src/sheet/parse.h \
	src/sheet/sheets.c src/sheet/sheets.h \
	src/sheet/table.c src/sheet/table.h \
	src/sheet/text.c src/sheet/text.h \
	src/sheet/watch.c
