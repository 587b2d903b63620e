noinst_LIBRARIES += src/libsteer.a
src_libsteer_a_CPPFLAGS = $(AM_CPPFLAGS)
src_libsteer_a_SOURCES = \
	src/steer/cache.c \
	src/steer/ban.c src/steer/ban.h src/steer/choice.c \
	src/steer/draw.c src/steer/draw.h \
	src/steer/evaluate.c \
	src/steer/fence.c src/steer/fence.h \
	src/steer/hold.c src/steer/hold.h \
	src/steer/index.c src/steer/index.h \
	src/steer/limit.c src/steer/limit.h \
	src/steer/odds.c \
	src/steer/pick.c \
	src/steer/plan.c src/steer/plan.h \
	src/steer/scope.c src/steer/scope.h \
	src/steer/set.c \
	src/steer/shares.c src/steer/shares.h \
	src/steer/steer.h \
	src/steer/stick.c \
	src/steer/sticky.c src/steer/sticky.h \
	src/steer/tier.c src/steer/tier.h
