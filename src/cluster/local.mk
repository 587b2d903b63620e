noinst_LIBRARIES += src/libcluster.a
src_libcluster_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libcluster_a_SOURCES = \
	src/cluster/chain.c \
	src/cluster/claim.c \
	src/cluster/cluster.c src/cluster/cluster.h src/cluster/inside.h \
	src/cluster/common.c \
	src/cluster/compact.c \
	src/cluster/ended.c \
	src/cluster/entry.c src/cluster/entry.h \
	src/cluster/fill.c \
	src/cluster/flight.c \
	src/cluster/follow.c \
	src/cluster/heal.c \
	src/cluster/json.c src/cluster/json.h \
	src/cluster/known.c \
	src/cluster/lease.c \
	src/cluster/member.c src/cluster/member.h \
	src/cluster/memo.c \
	src/cluster/node.c src/cluster/node.h \
	src/cluster/nodes.c \
	src/cluster/pending.c \
	src/cluster/rollout.c src/cluster/rollout.h \
	src/cluster/safety.c \
	src/cluster/since.c \
	src/cluster/swarm.c src/cluster/swarm_giver.c src/cluster/swarm.h \
	src/cluster/turn.c \
	src/cluster/values.c src/cluster/values.h \
	src/cluster/watch.c \
	src/cluster/write.c
