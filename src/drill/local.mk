noinst_LIBRARIES += src/libdrill.a
src_libdrill_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libdrill_a_SOURCES = \
	src/drill/abort.c src/drill/abort.h \
	src/drill/answers.c src/drill/answers.h \
	src/drill/causes.c src/drill/causes.h \
	src/drill/checks.c \
	src/drill/clients.c src/drill/clients.h \
	src/drill/conclude.c \
	src/drill/copies.c src/drill/copies.h \
	src/drill/document.c src/drill/document.h \
	src/drill/drill.h \
	src/drill/follow.c \
	src/drill/hear.c \
	src/drill/json.c src/drill/json.h src/drill/json_users.c \
	src/drill/level.c src/drill/level.h \
	src/drill/lookouts.c \
	src/drill/origins.c src/drill/origins.h \
	src/drill/moves.c src/drill/moves_read.c src/drill/moves_read.h \
	src/drill/objectives.c src/drill/objectives.h src/drill/own.c src/drill/own.h \
	src/drill/part.h \
	src/drill/phases.c src/drill/places.c src/drill/places.h src/drill/plan.c src/drill/plan.h \
	src/drill/population.c src/drill/population.h \
	src/drill/proof.c src/drill/proof.h \
	src/drill/reasons.c src/drill/reasons.h \
	src/drill/recorded.c src/drill/recorded.h \
	src/drill/recording.c src/drill/recording.h src/drill/recording_inside.h \
	src/drill/recording_dnstap.c src/drill/recording_log.c src/drill/recording_tell.c \
	src/drill/run.h \
	src/drill/sights.c src/drill/simulate.c \
	src/drill/stage.c src/drill/stage.h \
	src/drill/sweep.c src/drill/sweep.h src/drill/sweep_write.c \
	src/drill/text.c \
	src/drill/times.c src/drill/times.h \
	src/drill/users.c src/drill/users.h \
	src/drill/what.c src/drill/what.h
