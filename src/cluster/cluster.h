/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One node's part in what all nodes were told (doc/cluster.md): follows the entries, writes its own, takes
 * turns, knows how the other nodes are. Knows etcd's interface and the store's shapes; what objects mean is
 * its owner's, but for which of two overrides is the safer one. All times are arguments: monotonic
 * milliseconds, so it runs in virtual time against an etcd that a test makes up. One thread; it never waits.
 *
 * Everything happens in cluster_tick(): hooks and callbacks come from there and from nowhere else. Calls and
 * what etcd answers only note what is to be done, and hook `wake` then asks for a tick. A hook may call
 * anything of this but cluster_close() and cluster_tick(). */
#pragma once

#include "cluster/entry.h"
#include "cluster/node.h"
#include "cluster/values.h"

struct cluster;
struct etcd;

/* An object as etcd keeps it: for who adopts all. Borrowed. */
struct cluster_object {
    const char *kind, *key, *value;
    int64_t expires_ms;
    /* Of what is offered not looked at: the entry that wrote it last, where that was given, and when by that
     * node's clock. */
    uint64_t seq;
    const char *node;
    int64_t at_ms;
};

/* What held here while etcd was away, given here or told by another node where it was: an object of the local
 * store ("cluster-pending" / number). Borrowed texts. */
struct cluster_pending {
    uint64_t number;            /* ascending */
    const char *node;           /* where it was given; NULL: here */
    uint64_t mark;              /* see cluster_write: the same on all nodes where it holds */
    int64_t since_ms;           /* wall, by the clock of that node */
    int64_t born_ms;            /* likewise, by the monotonic clock of this process; 0: not known */
    bool has_position;          /* false: this node had none then */
    struct cluster_position at; /* then */
    struct store_cause cause;
    const struct store_op *ops; /* if_revision is not looked at */
    size_t op_count;
    /* Marks of what held for its objects when it was given and was not known to be an entry:
     * cluster_list_marks(). Whoever gave it saw that, so it is no conflict with that. */
    const uint64_t *over;
    size_t over_count;
};

struct cluster_hooks {
    void *context;
    /* cluster_tick() is wanted at once: let the loop do it (not within this). */
    void (*wake)(void *context);
    /* An entry: bring it into force within the hook, and into the store, with its position in the same
     * transaction; then cluster_applied(), within the hook or later. The next one comes after that. `entry`
     * is borrowed until then. It is another node's, or made here of pending ones, or this node's own that it
     * wrote before it was started again. While
     * cluster_is_pending(kind, key) an override goes into the store, and the safer of the two
     * (cluster_compare_safety()) stays in force, until an entry comes that settles the pending one. */
    void (*apply)(void *context, const struct cluster_entry *entry, const struct cluster_position *at);
    /* All that there is, instead of what is here: shared objects that are not among these go. What is expired
     * is among them. Likewise. At the position that this node has: it may have lost some of it. `may_refuse`:
     * this node was none so far, and nobody has called cluster_adopt(): cluster_refuse_taking() instead is
     * fine. */
    void (*adopt)(void *context, const struct cluster_object *objects, size_t count,
                  const struct cluster_position *at, bool may_refuse);
    /* All shared objects of the local store: for who makes the cluster, or refills it: cluster_offer() for
     * each, then cluster_offered(). Later, not within the hook, is fine. */
    void (*collect)(void *context);
    /* Is this override over, for long enough for its clock to be right, and not in force here? Then etcd lets
     * go of it. NULL: nobody can tell. */
    bool (*is_over)(void *context, const char *key, const char *value);
    /* A pending one is settled, by an entry or a conflict for each of its ops; it can be forgotten, and of
     * its objects what the store has is to be in force (the entry may have been applied long ago). The
     * conflicts are shared objects by then ("conflict" / "KIND:KEY"). All borrowed for the call. */
    void (*settled)(void *context, const struct cluster_pending *pending,
                    const struct cluster_conflict *conflicts, size_t count);
    /* Who works has told that, also before this node was there: the latest of each key, and all that comes.
     * May be NULL. */
    void (*noted)(void *context, const char *key, const char *value);
    /* cluster_get_status() or the nodes say something else than before. */
    void (*changed)(void *context);
};

enum cluster_acknowledge { CLUSTER_LOCAL, CLUSTER_MAJORITY, CLUSTER_ALL };

struct cluster_options {
    struct etcd *etcd;                  /* borrowed */
    const char *name, *node, *software; /* copied */
    uint64_t run;                       /* random, of this process; not 0 */
    /* Of the process that had this local store before; 0: not known. Its name is taken over at once; anybody
     * else's when nothing was heard of it for 5 s. */
    uint64_t run_before;
    uint64_t member; /* by which this machine has joined (member.h); 0: it has not */
    bool has_position;
    struct cluster_position at;
    struct cluster_hooks hooks;
    int64_t now_ms, wall_ms;
};

struct cluster *cluster_open(const struct cluster_options *options); /* owned */
/* Who waits is told ERROR_CANCELLED, here and now; whether what was under way takes effect is open. Asks
 * etcd to take back what is this node's, the turn, the work and its name: etcd_settle() waits for that. NULL
 * is fine. */
void cluster_close(struct cluster *cluster);
/* Does what is due. Returns when it wants to be called again, monotonic ms. */
int64_t cluster_tick(struct cluster *cluster, int64_t now_ms, int64_t wall_ms);

void cluster_applied(struct cluster *cluster);
/* Within hook `adopt`, as its last call: the node is estranged, for this reason, until cluster_adopt(). */
void cluster_refuse_taking(struct cluster *cluster, const char *why);
/* Within hook `apply`: something of the entry had ended by this node's clock. Others are told. */
void cluster_note_over(struct cluster *cluster);
void cluster_offer(struct cluster *cluster, const struct cluster_object *object); /* copied */
void cluster_offered(struct cluster *cluster);

/* ---- orders ---- */

/* The turn, within patience_ms: 0, and all that was said before is applied; ERROR_BUSY: somebody else had it
 * all the time (see cluster_status.turn_node), or pending ones are being settled; -ENETUNREACH: etcd is away;
 * ERROR_CONFLICT: this node is estranged; ERROR_CANCELLED. Several requests of one node share it one after
 * the other, in order. Returns a number to call it off. */
typedef void cluster_turn_fn(void *context, int error);
uint64_t cluster_take_turn(struct cluster *cluster, uint32_t patience_ms, cluster_turn_fn *taken,
                           void *context);
void cluster_call_off_turn(struct cluster *cluster, uint64_t number); /* of who waits, or has it */
void cluster_give_turn(struct cluster *cluster); /* the one who was told 0, when its last write is done */

/* An entry: in the order of the calls. What does not fit into one becomes several. A part of a struct of the
 * caller's, kept until `done`. */
struct cluster_write {
    struct store_cause cause;   /* wall_ms: 0: now */
    const struct store_op *ops; /* of shared kinds; if_revision is not looked at */
    size_t op_count;
    uint32_t deadline_ms; /* since it was submitted, or since this node wrote an entry */
    /* Fails with ERROR_CONFLICT if the turn is not this node's (any more), and with ERROR_PRECONDITION if an
     * entry was applied since it was submitted (somebody's emergency), or one from here was lost that held by
     * then: judge it again, the turn is still yours. */
    bool needs_turn;
    /* Of what nobody has ordered just now, without a turn: fails with ERROR_PRECONDITION if anything was
     * written or lost since cluster_see() said `sight`, before it was judged. */
    bool needs_sight;
    uint64_t sight;
    /* Random, of what may become a pending one, which has the same then: so it is settled by this entry if it
     * did get through. 0: of others. */
    uint64_t mark;
    void (*done)(struct cluster_write *write);
    /* The deadline is over, and whether it is written is open: etcd was asked and has not answered. `done`
     * comes when it is known. NULL: that is not to be told. */
    void (*late)(struct cluster_write *write);
    /* What became of it: 0; ERROR_CONFLICT (also: this node is estranged); ERROR_PRECONDITION; ERROR_INVALID:
     * these are no ops; ERROR_TOO_LARGE: one of them alone; -ENETUNREACH, -ETIMEDOUT: it is not written, and
     * will not be; ERROR_CANCELLED: that is open, and will not be known (cluster_close(), or etcd is not what
     * it was). */
    int error;
    size_t written; /* so many of its ops, the first ones, are: all of them if error is 0 */
    /* Of its last entry, if written is not 0: to be written to the local store with it, in `done`, before
     * anything of a later apply(). */
    struct cluster_position at;
    /* An entry was applied, or one from here lost, between its being submitted and its being written: it
     * comes after that, so it has to be put in force anew. */
    bool came_after;
    /* private: */
    struct cluster_write *next;
    uint64_t seen, lost;
    int64_t until_ms;
    bool is_told_late;
};
void cluster_submit(struct cluster *cluster, struct cluster_write *write);
uint64_t cluster_see(const struct cluster *cluster); /* another number whenever something else holds */

/* One that holds here and could not be written: also those of the store, at the start. Copied. What is
 * submitted later is written when it is settled. */
void cluster_pend(struct cluster *cluster, const struct cluster_pending *pending);
/* What holds here for this object and is not known to be an entry: for cluster_pending.over. Returns how
 * many. */
size_t cluster_list_marks(const struct cluster *cluster, const struct store_op *op, uint64_t *marks,
                          size_t most);
bool cluster_is_pending(const struct cluster *cluster, const char *kind, const char *key);
/* The one by that mark, until hook `settled` is over; NULL: there is none. Borrowed until the next tick. */
const struct cluster_pending *cluster_find_pending(const struct cluster *cluster, uint64_t mark);
/* Is it pending here, or an entry that was applied here lately (by this process)? */
bool cluster_knows_mark(const struct cluster *cluster, uint64_t mark);

/* Who has applied an entry: at once, or when the policy is satisfied, or the time is over. */
struct cluster_spread {
    uint64_t seq;
    const char *const *in_force_on, *const *waiting_for; /* names; borrowed */
    size_t in_force_count, waiting_count;
    bool is_satisfied;
};
typedef void cluster_spread_fn(void *context, const struct cluster_spread *spread);
uint64_t cluster_await(struct cluster *cluster, uint64_t seq, enum cluster_acknowledge policy,
                       uint32_t deadline_ms, cluster_spread_fn *done, void *context);

/* Only when it is estranged (else ERROR_CONFLICT; ERROR_BUSY: one is under way): write all that is here as
 * what holds (`replaces`: also where there is something else), or take what is there. 0: `done` comes later:
 * 0, or an error and why in words. */
typedef void cluster_mend_fn(void *context, int error, const char *why);
int cluster_refill(struct cluster *cluster, bool replaces, cluster_mend_fn *done, void *context);
int cluster_adopt(struct cluster *cluster, cluster_mend_fn *done, void *context);

/* ---- work that one node does ---- */

/* Wants the work (or not any more); it is this node's while cluster_status.has_work. What has it and dies
 * loses it within 10 s. */
void cluster_want_work(struct cluster *cluster, bool wants);

/* For all, and for who works next: it is no order, and there for good. 0; ERROR_CONFLICT: this node does not
 * have the work; ERROR_CANCELLED; else it is open whether it is written. `key` is "webhook/ops", say. */
typedef void cluster_memo_fn(void *context, int error);
void cluster_write_memo(struct cluster *cluster, const char *key, const char *value, cluster_memo_fn *done,
                        void *context);

/* ---- looking ---- */

/* What others are to know of this node. Copied; told at once if it differs. */
void cluster_set_self(struct cluster *cluster, const struct cluster_self *self);

struct cluster_status {
    enum cluster_phase phase;
    int64_t since_ms; /* monotonic */
    const char *why;  /* borrowed; "" */
    bool has_position;
    struct cluster_position at;
    uint64_t head_seq;     /* as far as it is known */
    bool is_at_head;       /* etcd has answered, and all that it has is in force here */
    const char *turn_node; /* whose turn it is; "": nobody's, or not known */
    const char *work_node;
    bool has_turn, has_work;
    bool is_shut; /* its name is not this machine's: it was removed, or replaced; `why` says so */
    size_t pending;
};
/* Texts are borrowed until the next tick. */
void cluster_get_status(const struct cluster *cluster, struct cluster_status *status);
/* All nodes that are known, this one first, the rest by name. Borrowed until the next tick. */
size_t cluster_list_nodes(const struct cluster *cluster, const struct cluster_node **nodes);
