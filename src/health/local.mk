noinst_LIBRARIES += src/libhealth.a
src_libhealth_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libhealth_a_SOURCES = \
	src/health/brake.c src/health/brake.h src/health/brake_frame.h src/health/brake_plan.c src/health/brake_inside.h \
	src/health/carry.c \
	src/health/foresee.c \
	src/health/dormant.c \
	src/health/due.c \
	src/health/health.c src/health/health.h \
	src/health/load.c \
	src/health/machine.h \
	src/health/match.c src/health/match.h \
	src/health/observe.c \
	src/health/outcome.h \
	src/health/override.c \
	src/health/record.h src/health/record_kinds.h src/health/record_read.c src/health/record_write.c \
	src/health/since.c \
	src/health/table.h \
	src/health/tell.c \
	src/health/text.c \
	src/health/words.c
