noinst_LIBRARIES += src/libevents.a
src_libevents_a_SOURCES = \
	src/events/bell.c src/events/bell.h \
	src/events/change.c src/events/change.h \
	src/events/filter.c src/events/filter.h \
	src/events/mark.c src/events/mark.h \
	src/events/render.c src/events/render.h \
	src/events/stream.c src/events/stream.h
