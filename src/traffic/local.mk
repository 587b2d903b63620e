noinst_LIBRARIES += src/libtraffic.a
src_libtraffic_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libtraffic_a_SOURCES = \
	src/traffic/book.c src/traffic/book.h \
	src/traffic/rate.c src/traffic/rate.h
