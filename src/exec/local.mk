noinst_LIBRARIES += src/libexec.a
src_libexec_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libexec_a_SOURCES = \
	src/exec/ask.c src/exec/ask.h \
	src/exec/command.c src/exec/command.h \
	src/exec/frame.c src/exec/frame.h \
	src/exec/said.c src/exec/said.h \
	src/exec/serve.c src/exec/serve.h \
	src/exec/warden.c src/exec/warden.h

## What runs commands for steerd, which it finds beside itself or here.
pkglibexec_PROGRAMS += src/steerd-exec
src_steerd_exec_CPPFLAGS = $(AM_CPPFLAGS)
src_steerd_exec_SOURCES = src/exec/steerd-exec.c
src_steerd_exec_LDADD = src/libexec.a src/libconfine.a src/libbase.a $(SECCOMP_LIBS) $(CAPNG_LIBS)
