## The command line of the admin API; it knows none of the server's folders but base.
bin_PROGRAMS += src/steerctl
src_steerctl_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)
src_steerctl_SOURCES = \
	src/ctl/steerctl.c src/ctl/steerctl.h \
	src/ctl/client.c \
	src/ctl/drill.c \
	src/ctl/show.c \
	src/ctl/table.c \
	src/ctl/whatif.c
src_steerctl_LDADD = src/libbase.a $(CURL_LIBS) $(JANSSON_LIBS)
