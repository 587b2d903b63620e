fleet_libs = src/libfleet.a
noinst_LIBRARIES += src/libfleet.a
src_libfleet_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(EVENT_CFLAGS)
src_libfleet_a_SOURCES = \
	src/fleet/admission.c src/fleet/admission.h \
	src/fleet/client.c src/fleet/client.h \
	src/fleet/cut.c src/fleet/cut.h \
	src/fleet/describe.c src/fleet/describe.h \
	src/fleet/inside.h \
	src/fleet/line.c src/fleet/line.h \
	src/fleet/link.c src/fleet/link.h \
	src/fleet/list.c src/fleet/list.h \
	src/fleet/listener.c src/fleet/listener.h \
	src/fleet/message.c src/fleet/message.h \
	src/fleet/message_bulk.c src/fleet/message_bulk.h \
	src/fleet/message_write.c \
	src/fleet/order.c \
	src/fleet/parcel.c \
	src/fleet/names.c \
	src/fleet/pause.h \
	src/fleet/room.c \
	src/fleet/session.c src/fleet/session_list.c \
	src/fleet/strangers.c \
	src/fleet/talk.c src/fleet/talk.h \
	src/fleet/trial.c
