noinst_LIBRARIES += src/libtsig.a
src_libtsig_a_CPPFLAGS = $(AM_CPPFLAGS) $(NETTLE_CFLAGS)
src_libtsig_a_SOURCES = \
	src/tsig/hmac.c src/tsig/hmac.h \
	src/tsig/tsig.c src/tsig/tsig.h
