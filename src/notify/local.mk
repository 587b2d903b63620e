noinst_LIBRARIES += src/libnotify.a
src_libnotify_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
src_libnotify_a_SOURCES = \
	src/notify/message.c src/notify/message.h \
	src/notify/notifier.c src/notify/notifier.h \
	src/notify/notify.c src/notify/notify.h
