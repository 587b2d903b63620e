/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parts of the machine of cluster.h, and what they share. Each part has one step, which cluster_tick()
 * calls until nothing changes; what etcd answers is noted by its callbacks, which only set fields and ask for
 * a tick. Private to src/cluster. */
#pragma once

#include "base/arena.h"
#include "cluster/cluster.h"
#include "cluster/member.h"
#include "etcd/etcd.h"

enum {
    READ_MS = 2000,  /* deadline of what reads */
    WRITE_MS = 2000, /* … and of what writes */
    BEAT_ASK_MS = 1500,
    PAUSE_MS = 200,      /* before something is tried again */
    SESSION_S = 5,       /* lease of turn, work and filling */
    PRESENCE_S = 30,     /* lease of claim and node */
    ALIVE_S = 2,         /* … of alive: a node that dies is known to be gone with it */
    RETURN_MS = 500,     /* so long after that it is: etcd looks for what is over every 500 ms, and who lives
                          * may have been late */
    MARKS_S = 7 * 86400, /* … of marks: each lives for two thirds of that at least */
    MARGIN_MS = 1000,    /* an exclusive lease counts for so much less here */
    QUIET_MS = 5000,     /* so long nothing is heard of a node whose name is taken over */
    FETCH_LIMIT = 20,    /* entries of one answer */
    PAGE_LIMIT = 200,    /* objects of one answer */
    STUCK_MS = 2000,     /* the head is known to be ahead for so long, and no entry comes */
    LOOK_MS = 1000,      /* how often one that is estranged looks again */
    KEY_SIZE = 2200,
    LATELY = 64,
    MARKS_LATELY = 256,
    FILL_CHUNK_MAX = 100,
    GONE_MAX = 16,
};

#define UNTIMED INT64_MIN

/* One thing that is asked of etcd, one at a time. */
struct asked {
    uint64_t number;    /* 0: nothing is under way */
    bool has_failed;    /* there is to be a pause */
    int64_t not_before; /* monotonic */
};

enum heard { HEARD_YES, HEARD_NO /* a condition did not hold */, HEARD_NOTHING /* that helps */ };

struct lease {
    struct cluster *cluster;
    int64_t ttl_s, id; /* 0: none */
    int64_t granted_s; /* etcd may give more: its election time-out bounds it from below */
    bool is_exclusive; /* what is had with it only one may have: it ends here before it does at etcd */
    int64_t asked_ms, until_ms, next_ms;
    struct asked grant, keep;
};

/* A key that one of all nodes has, as far as it is known. */
struct held {
    bool is_there, is_read;
    char text[CLUSTER_HOLDER_SIZE]; /* its value */
    struct cluster_holder who;      /* of that, if is_read */
    int64_t lease, revision;        /* of etcd, when it was so */
};

struct queued { /* an entry to be applied */
    struct arena *arena;
    struct cluster_entry entry;
    struct queued *next;
};

enum estrangement {
    ESTRANGED_NOT,
    ESTRANGED_EMPTY,
    ESTRANGED_OTHER,
    ESTRANGED_BEHIND,
    ESTRANGED_FOREIGN /* what this node has would go, and nobody has said that it may */
};

struct follow {
    bool needs_sync;  /* everything is to be read, and a new watch to be begun */
    bool needs_fetch; /* … what is behind the tail */
    bool is_synced;   /* the tail was found in what etcd has */
    bool is_sync;     /* what is asked now */
    struct asked ask;
    uint64_t watch;
    bool is_watch_lost;
    int64_t watch_revision;       /* told by it */
    size_t limit;                 /* of entries in one answer */
    struct cluster_position tail; /* behind the last one of the queue */
    struct queued *first, **last;
    bool is_applying, is_applied, is_adopting;
    uint64_t applies;                       /* hooks that were called */
    struct cluster_position lately[LATELY]; /* positions of the tail, by seq modulo */
    bool has_head, is_head_bad;
    struct cluster_position head;
    int64_t known_ms;                 /* nothing was behind the tail then, at least; 0: not known */
    int64_t head_revision, behind_ms; /* the head is ahead of the tail since then; 0: it is not */
    int64_t revision, asked_revision; /* of etcd: the highest seen; then, when this was asked */
    int64_t asked_ms;
    uint64_t cluster_id; /* of etcd; 0: not seen */
    enum estrangement estranged;
    int64_t looked_ms;
    char why[200];
};

enum flight { FLIGHT_NONE, FLIGHT_SENT, FLIGHT_OPEN /* it may have had effect or not */ };
enum write_fate { FATE_NONE, FATE_WRITTEN_BY_OWNER };

struct write {
    struct cluster_write *first, **last, *finished, **finished_last;
    enum flight flight;
    struct cluster_write *owner; /* of what is in flight; NULL: pending.c */
    struct cluster_entry entry;  /* in flight; its texts are the owner's */
    char *text;
    struct cluster_position before;
    char turn[CLUSTER_HOLDER_SIZE]; /* the turn that it needs; "": none */
    bool has_mark;                  /* "mark/" is to be written */
    bool is_open; /* one of its requests was not answered, and may have had effect or will */
    struct asked ask;
    uint64_t marks;        /* that were made up */
    uint64_t wins, losses; /* of what was submitted */
};

struct waiting { /* for the turn */
    uint64_t number;
    uint32_t patience_ms;
    int64_t until_ms;
    cluster_turn_fn *taken;
    void *context;
    struct waiting *next;
};

enum turn_state { TURN_NONE, TURN_ASKED, TURN_HELD };

struct turn {
    enum turn_state state;
    struct waiting *first, **last;
    uint64_t user; /* number of who was told that it has it; 0: nobody */
    uint64_t numbers, takes;
    char mine[CLUSTER_HOLDER_SIZE]; /* what is asked for or held */
    int64_t lease, since_ms, given_ms, retry_ms;
    uint64_t head_seq; /* when it was taken */
    struct held seen;
    struct asked ask, drop;
};

struct claim {
    struct held seen;
    char mine[CLUSTER_HOLDER_SIZE];
    int64_t lease; /* asked with */
    bool is_mine;
    struct asked ask;
    bool has_rival, is_heard /* a beat of it, since the last step */, is_refused;
    uint64_t rival_run, rival_beat, rival_beat_run;
    int64_t rival_ms;       /* it was heard */
    int64_t rival_first_ms; /* … first */
    char why[200];
    char *member;        /* what etcd has of this name (member.h), as it was seen last; NULL: nothing */
    bool is_member_read; /* since the start */
    bool is_shut;        /* the name is not this machine's, by that */
    bool only_looks;     /* what is asked now */
    int64_t looked_ms;
    const char *shut_why; /* static; NULL: it is not shut */
};

struct awaiting { /* what was said to be in force */
    uint64_t number, seq;
    enum cluster_acknowledge policy;
    uint32_t deadline_ms;
    int64_t until_ms;
    cluster_spread_fn *done;
    void *context;
    struct awaiting *next;
};

struct compaction {
    bool is_begun; /* this node has had the work for some time */
    int64_t next_ms;
    char seen[32], mine[32]; /* what stands at "compact", as far as it is known; what is asked for */
    struct asked ask;
};

struct nodes {
    struct cluster_node list[CLUSTER_NODES_MAX]; /* this one first; heard_ms INT64_MIN: since the last step */
    size_t count;
    struct asked beat;
    bool has_beaten;
    int64_t beat_ms, beat_revision;  /* sent last, and what was seen by then */
    bool is_told;                    /* nothing has changed since */
    bool tells;                      /* what was sent last: else it only looks */
    int64_t told_ms, told_leases[2]; /* when and with which leases it told; told_ms: also if it failed */
    uint64_t term;                   /* of etcd's leader; 0: not known */
    unsigned eager;                  /* so many more are to come one a second, for who compares clocks */
    struct awaiting *first;
    uint64_t next_number;
    bool has_changed;
    uint64_t gone[GONE_MAX]; /* runs whose names were taken away: what comes late of them is none; a ring */
    size_t gone_next;
};

struct touched { /* by somebody else's entry */
    char *kind, *key;
    uint64_t seq;
    char node[CLUSTER_NAME_MAX + 1];
    uint64_t mark; /* of that entry */
    int64_t at_ms;
};

struct pend {
    struct arena *arena;
    struct cluster_pending what;
    bool *is_settled; /* ops */
    bool has_gap;     /* what others said since then is not known */
    struct cluster_conflict *conflicts;
    size_t conflict_count, conflict_capacity;
    struct pend *next;
};

enum pending_stage { PENDING_IDLE, PENDING_READING, PENDING_LOOKING, PENDING_JUDGED };

struct pending {
    struct pend *first, **last;
    size_t count;
    enum pending_stage stage;
    struct asked ask;
    bool is_reading, has_table;
    uint64_t from, read, until; /* the table tells of what came behind `from` */
    struct touched *touched;
    size_t touched_count, touched_capacity;
    size_t chunk, first_op, end_op; /* of the first one */
    size_t limit;                   /* of entries in one answer */
    bool is_terse;
    struct arena *arena; /* of ops, and what is looked at */
    struct store_op ops[CLUSTER_OPS_MAX];
    size_t op_count;
    struct cluster_position judged_at;
    uint64_t marks[MARKS_LATELY]; /* of the latest entries, a ring */
    size_t mark_count;
};

enum fill_stage {
    FILL_NONE,
    FILL_COLLECT, /* what there is here */
    FILL_BEGIN,
    FILL_WIPE,
    FILL_PUT,
    FILL_END,
    FILL_TAKE,   /* what there is in etcd */
    FILL_HANDED, /* to the owner */
};

/* Whether this node has what the others have: heal.c. */
struct heal {
    bool has_clock, is_due;
    int64_t clock_ms;   /* by how much the wall clock was ahead of the monotonic one */
    int64_t differs_ms; /* since then; 0: it does not */
    int64_t wait_ms, next_ms;
};

/* Overrides that etcd has and that are over. */
struct ended {
    int64_t next_ms;
    struct arena *arena; /* of the round under way; NULL: there is none */
    const char *after;   /* the last key that was read; NULL: none */
    bool has_more;
    struct cluster_position at; /* when they were read */
    const char *keys[FILL_CHUNK_MAX];
    size_t count;
    struct asked ask;
};

struct fill {
    enum fill_stage stage;
    bool is_again; /* FILL_TAKE: at the position that this node has; else nothing comes of it */
    bool replaces, is_asked, is_offered, is_written, is_over;
    struct arena *arena;
    struct cluster_object *objects;
    size_t wiped /* prefixes */, count, capacity, put, put_next;
    const char *after; /* FILL_TAKE: the last key that was read; NULL: none */
    size_t limit;      /* … of objects in one answer */
    struct cluster_position position;
    char mine[CLUSTER_HOLDER_SIZE];
    uint64_t takes;
    struct held seen;
    struct asked ask;
    char *doomed[FILL_CHUNK_MAX];
    size_t doomed_count;
    int result;
    char why[128];
    cluster_mend_fn *done;
    void *context;
};

struct cluster {
    struct etcd *etcd;
    struct cluster_hooks hooks;
    char node[CLUSTER_NAME_MAX + 1], prefix[CLUSTER_NAME_MAX + 16];
    uint64_t run, run_before, member;
    int64_t now_ms, wall_ms, due_ms;
    bool is_ticking, again;
    bool is_reached;
    int64_t full_until_ms; /* etcd has said that it is full: it answers what only reads all the same */
    char away_why[ETCD_WHY_SIZE];
    bool has_position;
    struct cluster_position at;
    struct lease session, presence, alive, marks;
    struct compaction compaction;
    struct claim claim;
    struct follow follow;
    struct fill fill;
    struct heal heal;
    struct ended ended;
    struct write write;
    struct pending pending;
    struct turn turn;
    struct held work;
    bool wants_work, had_work;
    struct asked work_ask;
    struct memo *memos, *memos_heard; /* to be written; to be told */
    int64_t memo_revision;
    struct nodes nodes;
    enum cluster_phase phase;
    int64_t phase_ms;
    char why[256];
    bool has_changed;
};

/* ---- common.c ---- */

void cluster_note(struct cluster *cluster);               /* there is something to do at once */
void cluster_due(struct cluster *cluster, int64_t at_ms); /* … then */
bool cluster_is_ready(struct cluster *cluster, struct asked *asked);
void cluster_call_off(struct cluster *cluster, struct asked *asked);
const char *cluster_key(const struct cluster *cluster, char key[KEY_SIZE], const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *cluster_strip(const struct cluster *cluster, const char *key); /* "": it is none of ours */
const struct etcd_kv *cluster_find(const struct cluster *cluster, const struct etcd_answer *answer,
                                   const char *key); /* without the prefix */
int64_t cluster_time(const struct cluster *cluster, int64_t *until_ms, uint32_t within_ms);
uint64_t cluster_make_mark(uint64_t run, uint64_t number); /* not 0 */
/* kv: NULL: it is not there. Returns false if more is known already. */
bool cluster_set_held(struct held *held, const struct etcd_kv *kv, int64_t revision);
void cluster_read_held(const struct cluster *cluster, const struct etcd_answer *answer, const char *key,
                       struct held *held);
bool cluster_is_ours(const struct cluster *cluster, const struct held *held);
/* What each callback does first. */
enum heard cluster_hear(struct cluster *cluster, const struct etcd_answer *answer);
/* What is read was too much at once: less of it, and again. */
void cluster_shrink(const struct etcd_answer *answer, size_t *limit);
void cluster_compare_revision(struct cluster *cluster, int64_t seen, int64_t revision);
void cluster_see_revision(struct cluster *cluster, int64_t revision);

/* ---- lease.c, claim.c ---- */

void cluster_lease_step(struct cluster *cluster);
void cluster_lease_fini(struct cluster *cluster);
void cluster_ignore(void *context, const struct etcd_answer *answer);
void cluster_claim_step(struct cluster *cluster);
void cluster_claim_hear(struct cluster *cluster, const struct cluster_node *node);
void cluster_claim_see_alive(struct cluster *cluster, uint64_t run); /* our name's "alive/" has that run */
/* What an answer has of whose this name is, if that was asked for. Returns whether it is news. */
bool cluster_claim_read(struct cluster *cluster, const struct etcd_answer *answer);
const char *cluster_member_key(const struct cluster *cluster, char key[KEY_SIZE]);
void cluster_claim_fini(struct cluster *cluster);

bool cluster_is_caught_up(const struct cluster *cluster);
bool cluster_fill_is_idle(const struct cluster *cluster);
/* This node has what it was told, and nothing that others were not told. */
bool cluster_is_at_rest(const struct cluster *cluster);
bool cluster_has_work(const struct cluster *cluster);

/* ---- chain.c, watch.c, follow.c ---- */

void cluster_set_estranged(struct cluster *cluster, enum estrangement estranged, const char *why);
void cluster_follow_init(struct cluster *cluster);
void cluster_follow_fini(struct cluster *cluster);
void cluster_follow_step(struct cluster *cluster);
void cluster_follow_apply(struct cluster *cluster);
/* What is at "head"; NULL: nothing. */
void cluster_follow_head(struct cluster *cluster, const struct etcd_kv *kv, int64_t revision);
/* An entry, wherever it comes from. Returns whether it is the next one, and taken. */
bool cluster_follow_take(struct cluster *cluster, const char *text, size_t len);
void cluster_follow_wrote(struct cluster *cluster, int64_t revision); /* the head is what the tail is */
void cluster_watch_begun(void *context, int64_t revision);
void cluster_watch_changed(void *context, const struct etcd_change *changes, size_t count, int64_t revision);
void cluster_watch_lost(void *context, const char *why);
void cluster_watch_ended(void *context, int error, const char *why);

/* ---- flight.c, write.c ---- */

void cluster_end_flight(struct cluster *cluster);
/* It was not written, and by then nothing is under way any more that could. */
void cluster_lose_flight(struct cluster *cluster);
/* What etcd has does not have what it follows: whether it was written is open for ever. */
void cluster_abandon_flight(struct cluster *cluster);
/* Out of the queue; `done` is called by cluster_write_tell(). */
void cluster_finish(struct cluster *cluster, struct cluster_write *done, int error);

void cluster_write_init(struct cluster *cluster);
void cluster_write_fini(struct cluster *cluster);
void cluster_write_step(struct cluster *cluster);
void cluster_write_tell(struct cluster *cluster);
/* The entry behind the tail: is it what is in flight? */
enum write_fate cluster_write_judge(struct cluster *cluster, const struct cluster_entry *entry);
void cluster_write_won(struct cluster *cluster); /* it is, and the tail is behind it now */
/* An entry of pending.c, to be kept until it is in flight no more; false: it is too long. */
bool cluster_write_pending(struct cluster *cluster, struct cluster_entry *entry);

/* ---- turn.c ---- */

void cluster_turn_init(struct cluster *cluster);
void cluster_turn_fini(struct cluster *cluster);
void cluster_turn_step(struct cluster *cluster);
void cluster_work_step(struct cluster *cluster);

/* ---- compact.c ---- */

void cluster_compact_step(struct cluster *cluster);
void cluster_compact_fini(struct cluster *cluster);

/* ---- memo.c ---- */

void cluster_memo_step(struct cluster *cluster);
void cluster_memo_fini(struct cluster *cluster);
void cluster_memo_take(struct cluster *cluster, const char *key, const struct etcd_kv *kv);
void cluster_memo_read(struct cluster *cluster, const struct etcd_answer *answer);

/* ---- nodes.c ---- */

void cluster_nodes_init(struct cluster *cluster, const char *software);
void cluster_nodes_fini(struct cluster *cluster);
void cluster_nodes_step(struct cluster *cluster);
void cluster_nodes_take(struct cluster *cluster, const char *name, const struct etcd_kv *kv);
void cluster_nodes_read(struct cluster *cluster, const struct etcd_answer *answer);

/* ---- known.c ---- */

size_t cluster_nodes_find(const struct nodes *nodes, const char *name); /* where it is, or would be */
void cluster_nodes_forget(struct cluster *cluster, size_t at);
/* This node's clock was set forward by so much. */
void cluster_nodes_set_clock(struct cluster *cluster, int64_t step_ms);
bool cluster_nodes_is_gone(const struct nodes *nodes, uint64_t run);
/* An entry of whoever: nodes whose names it takes away are gone. */
void cluster_nodes_hear(struct cluster *cluster, const struct cluster_entry *entry);
/* What is at "alive/NAME"; NULL: nothing. */
void cluster_nodes_take_alive(struct cluster *cluster, const char *name, const struct etcd_kv *kv);
/* All of "alive/", as it was at at_ms or later. */
void cluster_nodes_read_alive(struct cluster *cluster, const struct etcd_answer *answer, int64_t at_ms);

/* ---- since.c, pending.c ---- */

void cluster_forget_touched(struct cluster *cluster);
struct touched *cluster_find_touched(const struct pending *pending, const struct store_op *op);

void cluster_pending_init(struct cluster *cluster);
void cluster_pending_fini(struct cluster *cluster);
void cluster_pending_step(struct cluster *cluster);
void cluster_pending_hear(struct cluster *cluster, const struct cluster_entry *entry);
void cluster_pending_lose(struct cluster *cluster);

/* ---- heal.c ---- */

void cluster_heal_step(struct cluster *cluster);
/* At rest, and all nodes that are heard of have the same overrides. */
bool cluster_agrees(const struct cluster *cluster);

/* ---- ended.c ---- */

void cluster_ended_step(struct cluster *cluster);
void cluster_ended_fini(struct cluster *cluster);

/* ---- fill.c ---- */

void cluster_fill_create(struct cluster *cluster);
void cluster_fill_take(struct cluster *cluster);
void cluster_fill_take_again(struct cluster *cluster);
void cluster_fill_taken(struct cluster *cluster); /* the owner has what was handed to it */
void cluster_fill_fini(struct cluster *cluster);
void cluster_fill_step(struct cluster *cluster);
