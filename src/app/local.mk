sbin_PROGRAMS += src/steerd
src_steerd_SOURCES = src/app/steerd.c
src_steerd_LDADD = src/libbase.a
