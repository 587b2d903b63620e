noinst_LIBRARIES += src/libanswer.a
src_libanswer_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libanswer_a_SOURCES = \
	src/answer/additional.c src/answer/additional.h \
	src/answer/answer.c src/answer/answer.h \
	src/answer/challenge.c src/answer/challenge.h \
	src/answer/chaos.c src/answer/chaos.h \
	src/answer/cookie.c src/answer/cookie.h \
	src/answer/copy.c src/answer/copy.h \
	src/answer/counter.c src/answer/counter.h \
	src/answer/edns.c src/answer/edns.h \
	src/answer/guard.c src/answer/guard.h \
	src/answer/hosts.c src/answer/hosts.h \
	src/answer/listed.c src/answer/listed.h \
	src/answer/negative.h \
	src/answer/pick.c src/answer/pick.h \
	src/answer/redirect.c src/answer/redirect.h \
	src/answer/reply.c src/answer/reply.h \
	src/answer/request.h \
	src/answer/rrset.c src/answer/rrset.h \
	src/answer/shadow.c src/answer/shadow.h \
	src/answer/tally.c src/answer/tally.h \
	src/answer/signature.c src/answer/signature.h \
	src/answer/tap.h \
	src/answer/tell.c src/answer/tell.h \
	src/answer/whoami.c src/answer/whoami.h \
	src/answer/work.h
