noinst_LIBRARIES += src/libdns.a
src_libdns_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libdns_a_SOURCES = \
	src/dns/ask.c src/dns/ask.h \
	src/dns/key.c src/dns/key.h \
	src/dns/message.c src/dns/message.h \
	src/dns/query.c src/dns/query.h \
	src/dns/name.c src/dns/name.h \
	src/dns/tsig.c src/dns/tsig.h \
	src/dns/types.c src/dns/types.h
