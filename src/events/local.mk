noinst_LIBRARIES += src/libevents.a
src_libevents_a_SOURCES = \
	src/events/change.c src/events/change.h \
	src/events/stream.c src/events/stream.h
