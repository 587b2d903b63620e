/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of a node share: its life (clustered.c), what it writes (clustered_write.c), what others
 * wrote (clustered_apply.c), whose turn it is (clustered_turn.c), what was settled (clustered_settled.c), how
 * it is (clustered_self.c), what goes to other nodes without etcd (clustered_direct.c), and looking
 * (clustered_look.c). Private to src/daemon. */
#pragma once

#include "daemon/clustered.h"
#include "daemon/clustered_pending.h"
#include "daemon/durable.h"
#include "cluster/cluster.h"
#include "cluster/member.h"
#include "etcd/etcd.h"
#include "store/store.h"

#include <event2/event.h>
#include <pthread.h>

#define CLUSTER_KIND "cluster" /* of the store's objects, of this node: */
#define POSITION_KEY "position"
#define RUN_KEY      "run"
#define NODES_KEY    "nodes"
#define PENDING_KIND "cluster-pending" /* / number */

struct clustered_change;
struct clustered_said;
struct clustered_heard;
struct clustered_settled;
struct lockout;
struct conf_cluster;
struct server;

/* Of an object that a node changed while etcd was away, and another one as well. */
struct clustered_conflict {
    struct clustered_conflict *next; /* by key */
    char *key, *value;
};

/* Where this node differs from others that are fresh. */
struct clustered_difference {
    int64_t since_ms; /* monotonic; 0: it does not */
    bool is_told;
};

struct clustered_self_seen {
    uint64_t generation, view; /* of the table, and of the view, whose hash is known */
    int64_t at_ms;             /* monotonic: when that was computed */
    struct cluster_self self;
};

/* Another node. */
struct clustered_known {
    char name[CLUSTER_NAME_MAX + 1];
    uint32_t protocol;
    struct cluster_self self; /* listen and fingerprint; the rest is as it was last */
};

/* For metrics, which are written on other threads. */
struct clustered_figures {
    bool is_on, has_work;
    enum cluster_phase phase;
    uint64_t seq, head, written, provisional, conflicts_found;
    size_t pending, conflicts, nodes, fresh, differ_health, differ_configuration, differ_clock;
};

/* How full etcd is, as far as it has said so. */
struct clustered_room {
    struct etcd_room has;
    uint64_t asked; /* 0: nothing is asked now */
    int64_t next_ms;
};

struct clustered {
    struct server *server;
    pthread_mutex_t lock; /* guards: */
    struct clustered_figures figures;
    struct clustered_said *said; /* by other nodes, to be looked at */
    size_t said_count;
    char *program; /* steerd-etcd; NULL: there is none */
    char *folder;  /* of the store; NULL: not yet, or not any more */
    struct event *timer;
    struct cluster *cluster; /* NULL: it is no node now */
    struct etcd *etcd;
    struct clustered_room room;
    uint64_t configured; /* hash of the section by which it is one; 0: none */
    uint64_t viewed;     /* generation of the view that this is of */
    char *name, *node;
    uint64_t run; /* of this process */
    enum cluster_acknowledge acknowledge;
    uint32_t deadline_ms;
    bool is_unread;     /* and that was said */
    bool has_forgotten; /* it is no node, and the store knows nothing of when it was one */
    /* what it says itself: */
    size_t writing;           /* on their way through etcd, or to the store after that */
    uint64_t written, pended; /* counted */
    uint64_t next_pending, next_change;
    const struct clustered_change *handled; /* its request is handled just now; NULL: none */
    struct clustered_change *changes;       /* that have begun */
    size_t applying;                        /* of others, or of etcd as a whole */
    struct clustered_conflict *conflicts;
    uint64_t conflict_count;           /* that were found here, ever */
    struct clustered_settled *settled; /* to be put in force as the store has it */
    bool is_leaving;                   /* cluster_close() is under way */
    struct event *rung;                /* other nodes said something, by their links */
    struct clustered_heard *heard;     /* … that is no entry yet */
    uint64_t taken_orders, refused_orders;
    int64_t unjoined_ms; /* monotonic: it is to be a node, and is none yet; 0: it is, or is not to be */
    /* what was told of it: */
    enum cluster_phase phase;
    bool had_work;
    struct clustered_difference health, configuration, clock;
    char fresh[CLUSTER_NODES_MAX][CLUSTER_NAME_MAX + 1]; /* nodes that were, but this one */
    size_t fresh_count;
    struct clustered_self_seen seen;
    uint64_t peers; /* hash of the nodes that are reached directly */
    struct clustered_known known[CLUSTER_NODES_MAX];
    size_t known_count;
    char *known_text;        /* as the store has them; NULL: it has none */
    struct lockout *lockout; /* of who shows wrong tokens; NULL: nobody has shown any */
};

/* Something was asked of `cluster`: it is asked what to do, soon. */
static inline void clustered_poke(struct clustered *clustered)
{
    event_active(clustered->timer, EV_TIMEOUT, 1);
}

/* Nothing is on its way, to etcd or from there. */
static inline bool clustered_rests(const struct clustered *clustered)
{
    return clustered->writing == 0 && clustered->applying == 0;
}

/* ---- clustered_room.c ---- */

void clustered_room_go_on(struct clustered *clustered, int64_t now_ms);

/* ---- clustered_write.c ---- */

/* For durable_set_way(). */
void clustered_submit(void *context, struct store_job *job, const struct durable_sender *sender);

/* ---- clustered_kept.c: what the local store has for this node ---- */

/* A position as the local store has it. */
struct store_op clustered_position_op(const struct cluster_position *at, struct arena *arena);
/* What the process before has left in the store. */
struct clustered_past {
    struct cluster_position at;
    bool has_position;
    uint64_t run; /* 0: not known */
};
/* 0, or what the store says. */
int clustered_read_past(struct clustered *clustered, struct clustered_past *past);
/* What holds here and could not be told: see clustered_pending.h. */
void clustered_forget_pending(struct clustered *clustered, uint64_t number);
void clustered_note_pending(struct clustered *clustered, uint64_t number, const char *text); /* copied */
void clustered_note_run(struct clustered *clustered, uint64_t run);
/* Of each its value in the store, with what that has of its expiry; texts are the arena's. 0, or what the
 * store says. */
int clustered_read_values(const struct clustered *clustered, struct store_op *ops, size_t count,
                          struct arena *arena);

/* ---- clustered_apply.c ---- */

/* All but `settled`. */
void clustered_fill_hooks(struct clustered *clustered, struct cluster_hooks *hooks);
/* Overrides are put in force once more: as they are after an entry that came behind another one's, or as they
 * were. `at`: NULL: the position stays. */
void clustered_put_again(struct clustered *clustered, const struct store_op *ops, size_t count,
                         const struct cluster_position *at, const char *reason);

/* As far as they are safer than what holds, in force and not in the store. */
void clustered_put_safer(struct clustered *clustered, const struct cluster_pending *pending);
/* What another node said directly is in force here, where it was given on top of what is here, and in the
 * store, with a note that it is pending; else the safer of the two is in force. Then it is told whether it is
 * in force. */
typedef void clustered_put_fn(struct clustered *clustered, uint64_t mark, bool is_in_force);
void clustered_put_told(struct clustered *clustered, const struct cluster_pending *pending, const char *text,
                        clustered_put_fn *done);

/* ---- clustered_past.c ---- */

/* What is pending and in conflict. 0, or what the store says. */
int clustered_read_pending(struct clustered *clustered);
/* It is no node: what is ordered from now on is no part of the history that it has a position in. */
void clustered_forget_past(struct clustered *clustered);

/* ---- clustered_direct.c ---- */

int clustered_direct_open(struct clustered *clustered); /* 0, or a negative error */
void clustered_direct_close(struct clustered *clustered);
void clustered_direct_drop(struct clustered *clustered); /* it is no node any more */
void clustered_direct_go_on(struct clustered *clustered, int64_t now_ms);
void clustered_direct_settle(struct clustered *clustered, uint64_t mark);

/* ---- clustered_said.c ---- */

/* By another node. */
struct clustered_said {
    struct clustered_said *next;
    unsigned number; /* of the vantage */
    uint64_t mark;
    char node[CLUSTER_NAME_MAX + 1];
    char text[];
};
struct clustered_said *clustered_take_said(struct clustered *clustered); /* all; owned: free() each */

/* ---- clustered_clock.c ---- */

/* By how much this node's clock is ahead of the one that an override was written by, at the node of that
 * name, when it was at_ms by that. One that was written later than now was written by a clock that has been
 * set back since. */
int64_t clustered_find_lead(const struct clustered *clustered, const char *value, const char *name,
                            int64_t at_ms);
/* … of an entry; of what another node has told without etcd. */
int64_t clustered_find_entry_lead(const struct clustered *clustered, const struct cluster_entry *entry);
int64_t clustered_find_told_lead(const struct clustered *clustered, const struct cluster_pending *pending);

/* ---- clustered_reach.c ---- */

void clustered_tell_peers(struct clustered *clustered, const struct cluster_pending *pending,
                          const char *text);
bool clustered_is_laid_over(const struct clustered *clustered, const struct cluster_pending *pending,
                            const struct store_op *op);
/* Where what became pending here is in force; names are borrowed until something changes. */
struct clustered_reach {
    const char *in_force_on[CLUSTER_NODES_MAX], *waiting_for[CLUSTER_NODES_MAX];
    size_t in_force_count, waiting_count;
    bool is_over; /* it is as far as it is waited for */
};
void clustered_find_reach(const struct clustered *clustered, uint64_t mark, struct clustered_reach *reach);

/* ---- clustered_settled.c: what held here only, until others were told ---- */

/* For cluster_hooks. */
void clustered_settle(void *context, const struct cluster_pending *pending,
                      const struct cluster_conflict *conflicts, size_t count);
/* What is settled is put in force as the store has it, as soon as nothing is on its way. */
void clustered_settled_go_on(struct clustered *clustered);
void clustered_drop_settled(struct clustered *clustered);

/* ---- clustered_kinds.c: all kinds but overrides ---- */

/* The object is this now (NULL: gone), because another node said so. */
void clustered_follow_object(struct clustered *clustered, const char *kind, const char *key,
                             const char *value);
const struct clustered_conflict *clustered_find_conflict(const struct clustered *clustered, const char *key);
void clustered_put_conflict(struct clustered *clustered, const char *key, const char *value);

/* ---- clustered_turn.c ---- */

void *clustered_begin_change(void *context, bool is_emergency, admin_turn_fn *ready, void *argument);
void clustered_end_change(void *ended, admin_spread_fn *done, void *argument);
/* Something was written, or will not be. */
void clustered_changes_go_on(struct clustered *clustered);
/* Of what is written of that order; and of any that is written now: milliseconds. */
uint32_t clustered_find_deadline(const struct clustered *clustered, bool is_emergency);
uint32_t clustered_find_patience(const struct clustered *clustered);
/* Whose a job is. */
struct clustered_order {
    uint64_t number; /* 0: nobody's */
    bool is_emergency, has_turn;
};
struct clustered_order clustered_find_order(const struct clustered *clustered,
                                            const struct durable_sender *sender);
/* A job of it begins, and ends. */
void clustered_begin_job(struct clustered *clustered, uint64_t order);
void clustered_end_job(struct clustered *clustered, uint64_t order);
void clustered_note_known(struct clustered *clustered, uint64_t order); /* whether one of them is written */
/* What has become of some of it. */
enum clustered_fate {
    CLUSTERED_WRITTEN,
    CLUSTERED_PENDED,
    CLUSTERED_REFUSED, /* and taken back */
    CLUSTERED_UNKNOWN  /* likewise, and others may have it */
};
/* number: of the entry, or the mark of what is pending. */
void clustered_note_fate(struct clustered *clustered, uint64_t order, enum clustered_fate fate,
                         uint64_t number);
void clustered_drop_changes(struct clustered *clustered);

/* ---- clustered_peers.c ---- */

bool clustered_take_own(const struct clustered *clustered, struct cluster_self *self);
void clustered_follow_peers(struct clustered *clustered);

/* ---- clustered_known.c ---- */

/* What the process before has known: 0, or what the store says. */
int clustered_read_known(struct clustered *clustered);
/* What they say of themselves now, this node first; the store has it from then on. */
void clustered_follow_known(struct clustered *clustered, const struct cluster_node *nodes, size_t count);
bool clustered_knows(const struct clustered *clustered, const char *name);
void clustered_forget_known(struct clustered *clustered, const char *name);
void clustered_forget_all(struct clustered *clustered);
void clustered_drop_known(struct clustered *clustered); /* they stay in the store */

/* ---- clustered_members.c, clustered_admit.c ---- */

/* What was said of a name, as the local store has it. */
struct clustered_name {
    bool is_member, is_invited;
    struct cluster_member member;
    struct cluster_invite invite;
};
/* 0, or what the store says, or that it is not understood. */
int clustered_read_name(const struct clustered *clustered, const char *name, struct clustered_name *said);
const struct cluster_node *clustered_find_node(const struct clustered *clustered, const char *name);
struct store_op clustered_member_op(const char *name, const struct cluster_member *member,
                                    struct arena *arena);
struct store_op clustered_invite_op(const char *name, const struct cluster_invite *invite, /* NULL: gone */
                                    struct arena *arena);
void clustered_hash_secret(const char *secret, unsigned char hash[STORE_HASH_SIZE]);
void clustered_tell_member(struct clustered *clustered, const char *name, const char *turn,
                           const char *reason);
/* Another node said so. */
void clustered_follow_member(struct clustered *clustered, const char *name, const char *value);
/* For admin_cluster_verbs. */
void clustered_change_node(void *context, const struct admin_node_order *order, admin_node_done *done,
                           void *argument);

/* ---- clustered_share.c ---- */

/* is_node: by the configuration. */
void clustered_share_work(struct clustered *clustered, int64_t now_ms, bool is_node);
void clustered_stop_sharing(struct clustered *clustered);                    /* it is no node any more */
void clustered_hear_memo(void *context, const char *key, const char *value); /* for cluster_hooks */

/* ---- clustered_self.c ---- */

void clustered_follow_self(struct clustered *clustered, int64_t now_ms);
/* What is told of it, and whether it works. */
void clustered_tell(struct clustered *clustered, int64_t now_ms);
