noinst_LIBRARIES += src/libhealth.a
src_libhealth_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libhealth_a_SOURCES = \
	src/health/batch.c \
	src/health/brake.c src/health/brake.h src/health/brake_frame.h src/health/brake_plan.c src/health/brake_inside.h \
	src/health/carry.c src/health/carry_dormant.c src/health/carry_inside.h \
	src/health/certificate.c \
	src/health/contact.c src/health/contact.h \
	src/health/mark.c \
	src/health/scope.c \
	src/health/failback.c \
	src/health/foresee.c \
	src/health/guard.c src/health/guard_carry.c src/health/guard_count.c src/health/guard_lag.c src/health/guard_move.c src/health/guard_place.c src/health/guard.h src/health/guard_inside.h \
	src/health/dormant.c \
	src/health/due.c \
	src/health/health.c src/health/health.h \
	src/health/history.c \
	src/health/judge.c \
	src/health/lag.c src/health/lag.h src/health/lag_inside.h \
	src/health/load.c \
	src/health/machine.h \
	src/health/match.c src/health/match.h \
	src/health/observe.c \
	src/health/outcome.h \
	src/health/opinion.c src/health/opinion.h src/health/opinion_carry.c src/health/opinion_look.c src/health/opinion_inside.h \
	src/health/override.c src/health/override_inside.h \
	src/health/own.c \
	src/health/push.c \
	src/health/queue.c \
	src/health/quorum.c \
	src/health/record.h src/health/record_gist.c src/health/record_guard.c src/health/record_inside.h src/health/record_kinds.h src/health/record_lag.c src/health/record_machine.c src/health/record_push.c src/health/record_read.c src/health/record_stream.c src/health/record_write.c \
	src/health/outlook.c src/health/outlook_group.c \
	src/health/ramp.c src/health/ramp.h \
	src/health/resolved.c \
	src/health/results.c src/health/results.h src/health/results_inside.h \
	src/health/since.c \
	src/health/stay.c src/health/stay.h src/health/stay_inside.h \
	src/health/table.h \
	src/health/tally.c src/health/tally.h \
	src/health/tell.c \
	src/health/text.c \
	src/health/words.c
