noinst_LIBRARIES += src/libtraffic.a
src_libtraffic_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libtraffic_a_SOURCES = \
	src/traffic/book.c src/traffic/book.h \
	src/traffic/drain.c src/traffic/drain.h src/traffic/drain_parts.h \
	src/traffic/drain_look.c \
	src/traffic/rate.c src/traffic/rate.h \
	src/traffic/sight.c src/traffic/sight.h \
	src/traffic/top.c src/traffic/top.h
