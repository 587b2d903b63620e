## Hostile traffic for tests/functional/test_soak.py, which starts it beside a steerd
noinst_PROGRAMS += tests/soak/hostile
tests_soak_hostile_SOURCES = tests/soak/hostile.c tests/soak/packets.c tests/soak/packets.h tests/soak/stream.c tests/soak/stream.h
tests_soak_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_soak_hostile_LDADD = src/libbase.a
