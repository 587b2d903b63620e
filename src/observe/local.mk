## A population of small caching resolvers and of clients, of real sockets: what steerctl drill observe runs.
noinst_LIBRARIES += src/libobserve.a
src_libobserve_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libobserve_a_SOURCES = \
	src/observe/flight.c src/observe/flight.h \
	src/observe/observe.c src/observe/observe.h \
	src/observe/reply.c src/observe/reply.h \
	src/observe/stub.c src/observe/stub.h \
	src/observe/tally.c src/observe/tally.h \
	src/observe/tally_inside.h src/observe/tally_sum.c
