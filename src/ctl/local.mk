## The command line of the admin API; it knows none of the server's folders but base. All but main() is a library, for
## tests and fuzzers.
noinst_LIBRARIES += src/libctl.a
src_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libctl_a_SOURCES = \
	src/ctl/change.c \
	src/ctl/client.c \
	src/ctl/drill.c \
	src/ctl/explain.c \
	src/ctl/help.c \
	src/ctl/history.c \
	src/ctl/http.c src/ctl/http.h \
	src/ctl/lists.c \
	src/ctl/look.c \
	src/ctl/options.c src/ctl/options.h \
	src/ctl/show.c \
	src/ctl/socket.c src/ctl/socket.h \
	src/ctl/steerctl.h \
	src/ctl/table.c \
	src/ctl/target.c \
	src/ctl/text.c src/ctl/text.h \
	src/ctl/unserved.c \
	src/ctl/verbs.h \
	src/ctl/whatif.c

bin_PROGRAMS += src/steerctl
src_steerctl_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_steerctl_SOURCES = src/ctl/steerctl.c
src_steerctl_LDADD = src/libctl.a src/libbase.a $(JANSSON_LIBS)
