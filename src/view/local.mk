noinst_LIBRARIES += src/libview.a
src_libview_a_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
src_libview_a_SOURCES = \
	src/view/aliases.c \
	src/view/budget.c \
	src/view/carry.c \
	src/view/compile.c src/view/compile_internal.h \
	src/view/content.c src/view/content.h \
	src/view/copy.c \
	src/view/geo.c \
	src/view/guard.c \
	src/view/health.c src/view/identify.c \
	src/view/hosts.c src/view/hosts.h \
	src/view/holds.c src/view/lags.c \
	src/view/loops.c \
	src/view/one.c \
	src/view/policy.c \
	src/view/primary.c \
	src/view/readers.c \
	src/view/records.c \
	src/view/rendition.c src/view/rendition.h \
	src/view/slot.c \
	src/view/sources.c src/view/sources.h \
	src/view/state.c \
	src/view/statics.c \
	src/view/strangers.c \
	src/view/succession.c \
	src/view/tiers.c \
	src/view/unchanged.c \
	src/view/view.c src/view/view.h \
	src/view/zones.c
