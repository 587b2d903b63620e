tls_libs = src/libtls.a $(OPENSSL_LIBS)
noinst_LIBRARIES += src/libtls.a
src_libtls_a_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
src_libtls_a_SOURCES = \
	src/tls/context.c src/tls/context.h \
	src/tls/identity.c \
	src/tls/names.c \
	src/tls/link.c src/tls/link.h src/tls/witness.c \
	src/tls/tls.h \
	src/tls/wire.c src/tls/wire.h
