noinst_LIBRARIES += src/libtsig.a
src_libtsig_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libtsig_a_SOURCES = \
	src/tsig/hmac.c src/tsig/hmac.h \
	src/tsig/tsig.c src/tsig/tsig.h
