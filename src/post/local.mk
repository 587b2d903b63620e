noinst_LIBRARIES += src/libpost.a
src_libpost_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libpost_a_SOURCES = \
	src/post/frame.c src/post/frame.h

## What sends webhooks for steerd, which finds it beside itself or here: the one program with libcurl.
if HAVE_CURL
pkglibexec_PROGRAMS += src/steerd-post
src_steerd_post_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
src_steerd_post_SOURCES = src/post/serve.c src/post/serve.h src/post/steerd-post.c
src_steerd_post_LDADD = src/libpost.a src/libconfine.a src/libbase.a $(CURL_LIBS) $(SECCOMP_LIBS) $(CAPNG_LIBS)
else
EXTRA_DIST += src/post/serve.c src/post/serve.h src/post/steerd-post.c
endif
