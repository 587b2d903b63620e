noinst_LIBRARIES += src/libconfine.a
src_libconfine_a_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS) $(CAPNG_CFLAGS)
src_libconfine_a_SOURCES = src/confine/confine.c src/confine/confine.h src/confine/landlock.c
