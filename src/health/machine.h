/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The inside of the health machine, shared by the files of src/health only.
 *
 * Regions, azs and endpoints are nodes of one shape: each counts the verdicts of what is below it (monitors,
 * endpoints, azs), so that a result climbs by counters and never by scanning. The words of the table are the
 * truth about observed and desired; a node remembers what was last told about itself, which is how a change
 * is noticed. What a wide change means for those below is noticed and told later, in turns (tell.c); until
 * then it is derived from the words, and its time from those that changed lately (since.c). */
#pragma once

#include "base/arena.h"
#include "base/memory.h"
#include "health/health.h"
#include "health/override_inside.h"
#include "health/results_inside.h"
#include "health/stay_inside.h"

#include <stdlib.h>

enum { HEALTH_KINDS = HEALTH_REGION + 1 };

/* What each has. What few ever have something to say of is in columns of its own. */
struct health_monitor {
    uint64_t identity;
    int64_t checked_ms, judged_ms;
    int64_t suspected_ms; /* monotonic: if `says` is SUSPECT, since when */
    int64_t answered_ms;  /* likewise: when it answered the last time */
    int64_t result_ms;    /* likewise: when it had a result that says anything; 0: never */
    uint32_t endpoint, duration_us;
    uint32_t rule;     /* 1 + index of it; 0: none */
    uint32_t stale_ms; /* without a result for so long nothing is known of it now; 0: for ever */
    uint64_t recent;   /* the latest results, a bit for each that failed, the newest lowest */
    uint16_t rise, fall, detail, streak;
    uint8_t window;      /* how many of those count, of which `fall` are too many; 0: the streak does */
    uint8_t role;        /* enum health_role */
    uint8_t families;    /* that it speaks for: a bit for each of enum health_family */
    bool failing;        /* of the results that streak counts */
    bool idle;           /* counts nowhere */
    bool inherited;      /* the verdict is its az's, region's or endpoint's: one success changes it */
    bool left_unhealthy; /* it is idle, and was unhealthy when it was used the last time */
    bool untried;    /* nothing was established since the start: its first result decides, and until `fall`
                        failures in a row did, one success is enough to change that */
    uint8_t verdict; /* enum health_observed */
    uint8_t outcome; /* enum health_outcome */
    uint8_t says;    /* enum health_says: of steerd's own sight */
    uint8_t own;     /* if a quorum judges: enum health_observed, what its own results say; else UNKNOWN */
    bool is_judged;  /* by a quorum of vantages, and not by its own results alone */
    bool disputed;   /* likewise: somebody who counts does not agree with the verdict, or may not any more */
    bool restored;   /* what it says is from before the start: nothing was heard of it since */
    bool doubted;    /* likewise, or from before we were held up, and no result has confirmed or changed it
                        since: no opinion */
    bool is_told;    /* its results are what others say: no matter of our sight, nor of other vantages' */
};

/* The latest report to a monitor that is reported to, which is told as well. */
struct health_report {
    int64_t ends_ms; /* monotonic: until when it counts; 0: not known, or over */
    int64_t time_ms; /* as it said, wall; 0: it did not */
    uint64_t seq;    /* likewise */
    bool is_news;    /* it was not written down yet (push_news) */
};

struct health_certificate {
    int64_t ends_s; /* of the one that was seen, since 1970; 0: none was */
    bool is_near;   /* that was told */
};

/* What came of results, wherever that is kept. */
struct health_history {
    struct health_monitor monitor; /* without what the plan says */
    struct health_stay stay;
    struct health_report report; /* but for is_news */
    struct health_certificate certificate;
};

/* What those say that have a say: monitors in a family of their endpoint, endpoints in their az, azs in their
 * region. */
struct health_tally {
    uint32_t members, healthy, unhealthy;
    uint32_t wavering;  /* of monitors: whose latest results speak against their verdict */
    uint32_t inherited; /* monitors: also in unhealthy; others: only here */
};

/* Monitors of a family: by enum health_role, without those that are watched. A machine has a column for each
 * family and role, most of which nobody writes to. */
struct health_ballot {
    struct health_tally tallies[HEALTH_WATCHED];
};

/* What a parent counts of an endpoint or az: a verdict, or that all there is of one was inherited from the
 * parent or above, which nobody may be held by who is asked for its own. */
enum health_standing { HEALTH_STANDS_INHERITED = HEALTH_OBSERVED_UNHEALTHY + 1 };

struct health_node {
    const char *name;
    int64_t since_ms;  /* before `change`: that it was in the state `was` */
    int64_t change_ms; /* when that was */
    uint64_t change;   /* the latest that was looked at: all before are in what stands here */
    struct health_ramp ramp;
    uint32_t parent;                   /* of an endpoint its az, of an az its region */
    uint32_t first_child, child_count; /* endpoints: monitors; others: in children[] of the kind below */
    uint32_t override_at;              /* 1 + index in overrides; 0: none */
    uint32_t told_verdicts;            /* of the word: HEALTH_WORD_VERDICTS */
    uint16_t at_least;                 /* endpoints: struct health_need */
    uint8_t was;                       /* enum health_state */
    uint8_t counted;                   /* as what, in the tally of its parent: enum health_standing */
    uint8_t told_state, told_by;       /* struct health_effective */
    bool together;
};

/* What azs and regions have besides. */
struct health_group {
    struct health_tally tally; /* of children */
    uint32_t lost_from;        /* unhealthy members that make this one unhealthy */
    uint32_t rule;
    struct health_stay stay;
    int64_t queue_ms;
    uint64_t turns[HEALTH_STATES]; /* how often it became so */
    bool was_up;                   /* it was observed as healthy at some time */
    bool was_lost;                 /* before the reload, and nothing was found out in there since */
};

struct health_load {
    struct health_load_status status; /* but for the share, which the word has */
    int64_t ttl_ms;                   /* as reported; 0: max_age of the plan */
    int64_t begun_ms, ends_ms;        /* monotonic time of the report, and until when it counts */
    int64_t noted_ms;                 /* likewise: when it was noted in the diary */
    bool told_sheds;
};

/* One object of a machine. */
struct health_place {
    enum health_kind kind;
    uint32_t index;
};

/* Objects whose turn to be told is yet to come: a ring, each once. */
struct health_line {
    uint32_t *items;
    bool *waits;       /* by index */
    uint8_t *outcomes; /* by index: enum health_outcome of the cause */
    uint32_t first, count, size;
};

/* The endpoints of an az that are being told. */
struct health_walk {
    uint32_t az, next, end; /* of children[] */
    enum health_outcome outcome;
};

/* A word of an az or region as it was before a change that is not told to the end. */
struct health_past {
    uint64_t change;
    int64_t wall_ms;
    enum health_kind kind;
    uint32_t index, before;
};

enum { HEALTH_PASTS = 64 };

/* What changed since somebody began to watch: each object once, until it is taken. Room for all of them. The
 * journal of a carrier has whatever changed; the diary of who keeps the machine (record.h) leaves out results
 * that say what the one before said. */
struct health_journal {
    bool *noted[HEALTH_KINDS];
    struct health_place *places;
    size_t count;
};

/* Through all monitors that are reported to, a turn at a time. Zeroed: nothing is known, begin anew. */
struct health_push_round {
    int64_t next_ms;  /* monotonic: before this no report grows too old */
    int64_t least_ms; /* the same of those that were looked at in this round */
    uint32_t at;      /* the next one, of the frame's pushes; 0: no round is under way */
};

/* Several monitors that change as one, HEALTH_HEAR_MAX at most: what is told when all words are stored. */
struct health_batch {
    bool changed;
    size_t count;
    struct health_place places[HEALTH_HEAR_MAX];
    uint8_t outcomes[HEALTH_HEAR_MAX]; /* enum health_outcome */
};

struct health {
    struct health_table table;
    struct health_marks exits, ttls; /* of the table */
    struct health_scopes scopes;     /* likewise */
    int64_t wall_ms;                 /* of the change under way */
    int64_t now_ms;                  /* monotonic */
    int64_t offset_ms;               /* of the wall clock to that, when it was looked at last */
    bool watches_wavering;
    struct health_node *nodes[HEALTH_KINDS];
    struct health_group *groups[HEALTH_KINDS]; /* [ENDPOINT]: unused */
    uint32_t counts[HEALTH_KINDS];
    uint32_t *by_name[HEALTH_KINDS];  /* indices sorted by name */
    uint32_t *children[HEALTH_KINDS]; /* [ENDPOINT]: endpoints by az; [AZ]: azs by region; [REGION]: unused */
    double *lost_at[HEALTH_KINDS];    /* of azs and regions */
    uint64_t *addressed;              /* of endpoints */
    struct health_kin *kin;           /* of monitors */
    struct health_load **loads;       /* of endpoints, in the arena; NULL: nothing was ever said of one */
    const struct health_load_plan **load_plans; /* of endpoints; equal ones are there once */
    struct health_tally *ballots[HEALTH_FAMILIES][HEALTH_WATCHED]; /* of endpoints: of monitors */
    int64_t shed_ms; /* monotonic: when answers began to follow other loads */
    bool has_shed;   /* they did, at some time */
    struct health_push_round pushes;
    uint32_t *push_news; /* monitors, each once, whose reports are not in the diary's records yet */
    uint32_t push_news_count;
    int64_t next_load_ms; /* monotonic: before this no load grows too old, and none waits; 0: none does */
    struct health_monitor *monitors;
    uint32_t monitor_count;
    struct health_stay *monitor_stays; /* of monitors, as what follows */
    int64_t *queued_ms;                /* when it is looked at whether it stays; 0: it is not */
    struct health_report *reports;
    struct health_certificate *certificates;
    struct health_results *results; /* of monitors, held; NULL: they are not kept */
    struct health_override_entry *overrides;
    size_t override_count, override_capacity;
    uint64_t override_changes;
    uint64_t override_hashes; /* of all of them, added up */
    struct health_dues dues;
    struct health_dues next_dues; /* while the clock is shifted: those of the overrides that are done with */
    struct health_dormants **dormants; /* by hash, NULL: none; NULL: there are none at all */
    size_t dormant_count;
    int64_t dormant_due_ms; /* 0: nothing ever happens to them */
    uint64_t dormant_changes;
    struct health_place *woken; /* whose override was dormant before the last reload */
    size_t woken_count, woken_capacity;
    struct health_listener listener;
    void (*saw)(void *context,
                uint32_t monitor); /* of what our own results say; NULL: nobody wants to know */
    void *saw_context;
    struct health_line untold[HEALTH_KINDS]; /* [ENDPOINT]: azs whose endpoints are */
    struct health_walk walk;
    struct health_past pasts[HEALTH_PASTS]; /* the oldest first */
    unsigned past_count;
    bool is_filled; /* words are its history: else they are only being put there */
    bool delivering;
    bool is_joining;                        /* what changes has changed elsewhere: that is no turn */
    uint64_t endpoint_turns[HEALTH_STATES]; /* like those of groups, of all together */
    struct health_stay_queue stays;
    struct health_stay_queue ramps;
    int64_t undone_ms;          /* while the brake takes back what fell: what went down since then did not */
    bool is_first;              /* the result under way is the first one after a start */
    bool keeps_stays;           /* what is read of another machine: its rules are not known here */
    struct health_brake *brake; /* NULL: none */
    struct health_opinions *opinions; /* NULL: the plan has no quorums */
    struct health_lags *lags;         /* NULL: none */
    struct health_guards *guards;     /* likewise */
    struct health_batch *batch;       /* under way; NULL: each change is one */
    struct health_journal *journal;   /* of a carrier; NULL: nobody watches */
    struct health_journal *diary;     /* of who keeps the machine; likewise */
    struct arena *arena;              /* nodes, monitors, words */
    struct health_frame *frame;       /* held: what the plan says, and no result changes */
};

/* Names, their order, children and shares: copies of a machine have it in common. */
struct health_frame {
    _Atomic uint32_t holders;
    struct health_rule *rules;
    struct health_ramp_plan *ramps;
    struct arena *arena;
    const char **groups; /* of names */
    size_t group_count;
    uint32_t *pushes; /* monitors that are reported to */
    uint32_t push_count;
    struct health_push_plan *push_plans; /* of all monitors; NULL: none is */
    struct health_quorums quorums;       /* count 0: none */
};

static inline struct health_effective health_node_get_told(const struct health_node *node)
{
    return (struct health_effective){(enum health_state)node->told_state, (enum health_decider)node->told_by};
}

static inline void health_node_note_told(struct health_node *node, struct health_effective told)
{
    node->told_state = (uint8_t)told.state;
    node->told_by = (uint8_t)told.decided_by;
}

/* What is known of the load of an endpoint. */
static inline const struct health_load *health_load_get(const struct health *health, uint32_t endpoint)
{
    static const struct health_load none = {.ttl_ms = 0};
    return health->loads[endpoint] == NULL ? &none : health->loads[endpoint];
}

/* Likewise, to be changed. */
static inline struct health_load *health_load_make(struct health *health, uint32_t endpoint)
{
    if (health->loads[endpoint] == NULL) {
        health->loads[endpoint] = arena_alloc(health->arena, sizeof(struct health_load));
    }
    return health->loads[endpoint];
}

static inline void health_journal_note(struct health_journal *journal, enum health_kind kind, uint32_t index)
{
    if (journal != NULL && !journal->noted[kind][index]) {
        journal->noted[kind][index] = true;
        journal->places[journal->count++] = (struct health_place){kind, index};
    }
}

static inline void health_note(struct health *health, enum health_kind kind, uint32_t index)
{
    health_journal_note(health->journal, kind, index);
    health_journal_note(health->diary, kind, index);
}

/* Room for all objects of a machine with so many of each kind; and the end of it. */
static inline void health_journal_init(struct health_journal *journal, const uint32_t counts[HEALTH_KINDS])
{
    size_t all = 0;
    *journal = (struct health_journal){.count = 0};
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        journal->noted[kind] = memory_alloc_array(counts[kind], sizeof(bool));
        all += counts[kind];
    }
    journal->places = memory_alloc_array(all, sizeof *journal->places);
}

static inline void health_journal_fini(struct health_journal *journal)
{
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        free(journal->noted[kind]);
    }
    free(journal->places);
}

/* family: of endpoints, else HEALTH_ANY */
static inline struct health_outage *health_outage_at(const struct health *health, enum health_kind kind,
                                                     uint32_t index, enum health_family family)
{
    const struct health_table *table = &health->table;
    return kind == HEALTH_ENDPOINT ? &table->endpoints_outage[index][family]
           : kind == HEALTH_AZ     ? &table->azs_outage[index]
                                   : &table->regions_outage[index];
}

static inline void health_outage_copy(struct health_outage *to, const struct health_outage *from)
{
    _Atomic uint64_t *const all[] = {&to->left_ms, &to->back_ms, &to->before_left_ms, &to->before_back_ms};
    const _Atomic uint64_t *const was[] = {&from->left_ms, &from->back_ms, &from->before_left_ms,
                                           &from->before_back_ms};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint64_t ms = atomic_load_explicit(was[i], memory_order_relaxed);
        if (atomic_load_explicit(all[i], memory_order_relaxed) != ms) { /* most were never out: no page */
            atomic_store_explicit(all[i], ms, memory_order_relaxed);
        }
    }
}

static inline _Atomic uint32_t *health_word_at(const struct health *health, enum health_kind kind,
                                               uint32_t index)
{
    _Atomic uint32_t *words = kind == HEALTH_ENDPOINT ? health->table.endpoints
                              : kind == HEALTH_AZ     ? health->table.azs
                                                      : health->table.regions;
    return &words[index];
}

static inline uint32_t health_word_get(const struct health *health, enum health_kind kind, uint32_t index)
{
    return atomic_load_explicit(health_word_at(health, kind, index), memory_order_relaxed);
}

/* Only the owner writes, so a plain read-modify-write of the word is enough.
 * verdicts: of HEALTH_WORD_VERDICTS. One store. */
void health_word_set_verdicts(struct health *health, enum health_kind kind, uint32_t index,
                              uint32_t verdicts);
/* What an override brings: in force, or planned only, then nothing is desired yet. */
struct health_effect {
    enum health_desired desired;
    bool planned, is_scoped;
    uint32_t exit, ttl; /* 0: as policies have it */
    uint64_t groups;    /* is_scoped: whom it is about, … */
    uint32_t wish;      /* … and what it wants (struct health_scope); 0 while it is planned */
};

/* One store, and before it those of exit, TTL and scope. */
void health_word_set_desired(struct health *health, enum health_kind kind, uint32_t index,
                             const struct health_effect *effect);
void health_word_set_shed(struct health *health, uint32_t endpoint, unsigned level);
/* Of the words with that in it: its ramp. */
void health_word_set_ramp(struct health *health, enum health_kind kind, uint32_t index, uint32_t ramp);
void health_word_set_wavers(struct health *health, uint32_t endpoint, uint32_t wavers);
void health_word_set_resolved(struct health *health, uint32_t endpoint, uint32_t resolved);
/* After all words of one change were stored (the first one began it): readers that see the new generation see
 * them. */
void health_table_advance(struct health *health);
/* ---- mark.c: exits and TTLs of the table ---- */

void health_marks_add(struct health *health, struct health_marks *marks);
uint32_t health_mark_get(const struct health_marks *marks, enum health_kind kind, uint32_t index);
/* Within a change of the table. */
void health_mark_store(struct health_marks *marks, enum health_kind kind, uint32_t index, uint32_t mark);

/* ---- scope.c: scopes of the table ---- */

void health_scopes_add(struct health *health);
/* Likewise within a change. */
void health_scope_store(struct health *health, enum health_kind kind, uint32_t index,
                        const struct health_effect *effect);
void health_scope_get(const struct health *health, enum health_kind kind, uint32_t index, uint64_t *groups,
                      uint32_t *wish);
bool health_scope_differs(const struct health *health, enum health_kind kind, uint32_t index,
                          const struct health_effect *effect);
/* What an override wants as words have it: a drain, or a share of one. */
uint32_t health_scope_wish(const struct health_override *override);
/* Where it sends what it moves off (health_exit_make()); 0: as policies have it. */
uint32_t health_find_exit(const struct health *health, const struct health_override *what);

/* What the words say about one object, with the deciders of its kind. */
struct health_effective health_find_effective(const struct health *health, enum health_kind kind,
                                              uint32_t index);

/* What `from` knew of the load of an endpoint. */
void health_carry_load(struct health *to, uint32_t endpoint, const struct health *from, uint32_t old);

/* All counters, roll-ups and words' verdicts anew from the monitors' verdicts. */
void health_rebuild(struct health *health);

/* What its own results say, whoever judges it. */
static inline enum health_observed health_find_own(const struct health_monitor *monitor,
                                                   const struct health_stay *stay)
{
    return monitor->is_judged   ? (enum health_observed)monitor->own
           : monitor->inherited ? HEALTH_OBSERVED_UNKNOWN
           : stay->is_ready     ? HEALTH_OBSERVED_HEALTHY
                                : (enum health_observed)monitor->verdict;
}

/* What the next result of its own is counted on. */
static inline enum health_observed health_get_own(const struct health_monitor *monitor)
{
    return (enum health_observed)(monitor->is_judged ? monitor->own : monitor->verdict);
}

/* How a monitor is reported to; of one that is checked all is 0. */
static inline const struct health_push_plan *health_get_push_plan(const struct health *health,
                                                                  uint32_t monitor)
{
    static const struct health_push_plan none = {.ttl_ms = 0};
    const struct health_push_plan *plans = health->frame->push_plans;
    return plans == NULL ? &none : &plans[monitor];
}

/* Had it no result for so long that nothing is known of it now? Its verdict stands all the same. */
static inline bool health_is_stale(const struct health_monitor *monitor, int64_t now_ms)
{
    return !monitor->idle && monitor->stale_ms != 0 && monitor->result_ms != 0 &&
           now_ms - monitor->result_ms > monitor->stale_ms;
}

static inline unsigned health_count_failures(const struct health_monitor *monitor)
{
    unsigned shift = (unsigned)HEALTH_WINDOW_MAX - monitor->window;
    return monitor->window == 0 ? 0 : (unsigned)__builtin_popcountll(monitor->recent << shift);
}

/* Do its results say that it is down? */
static inline bool health_is_ill(const struct health_monitor *monitor)
{
    return monitor->window == 0 ? monitor->failing && monitor->streak >= monitor->fall
                                : health_count_failures(monitor) >= monitor->fall;
}

/* Are they enough for what was down to be up again? */
static inline bool health_is_well(const struct health_monitor *monitor)
{
    return monitor->window == 0 ? !monitor->failing && monitor->streak >= monitor->rise
                                : health_count_failures(monitor) < monitor->fall;
}

/* It has failed often enough, which is once after a start, and yet that does not count. */
static inline bool health_is_held(const struct health_monitor *monitor)
{
    enum health_observed own = health_get_own(monitor);
    bool is_first = monitor->untried && own == HEALTH_OBSERVED_UNKNOWN;
    return own != HEALTH_OBSERVED_UNHEALTHY && monitor->failing && (is_first || health_is_ill(monitor));
}

/* ---- own.c ---- */

/* Of what we see now, whoever judges it. */
enum health_observed health_find_seen(const struct health *health, uint32_t monitor);
/* Before a change of what our own results say, and after it: who watches that is told, if it is another. */
enum health_observed health_see_own(const struct health *health, uint32_t monitor);
void health_follow_own(struct health *health, uint32_t monitor, enum health_observed before);
void health_tell_own(struct health *health, uint32_t monitor);

/* ---- quorum.c ---- */

void health_opinions_add(struct health *health, const struct health_quorums *quorums);
void health_opinions_add_like(struct health *health); /* by its frame */
void health_opinions_free(struct health *health);
/* What others said of it does not hold any more. */
void health_opinions_forget(struct health *health, uint32_t monitor);
/* Who judges the monitor may have changed. */
void health_opinions_follow(struct health *health, uint32_t monitor);
/* By the opinions that count; UNKNOWN: there are too few, or it hangs on some that are awaited. */
enum health_observed health_opinions_judge(const struct health *health, uint32_t monitor);
/* Does one of them not agree with the verdict, or may it not any more? */
bool health_opinions_differ(const struct health *health, uint32_t monitor);
/* A quorum judges. Returns whether the verdict changed. */
bool health_opinions_settle(struct health *health, uint32_t monitor);

/* ---- history.c ---- */

/* Columns of monitors, which take memory where they are written to. */
void health_history_add(struct health *health);
struct health_history health_history_get(const struct health *health, uint32_t monitor);
/* What the plan says stays. */
void health_history_put(struct health *health, uint32_t monitor, const struct health_history *history);

/* ---- judge.c ---- */

/* Its opinions, or what they count, are others. */
void health_judge_again(struct health *health, uint32_t monitor, enum health_outcome outcome);

/* ---- opinion.c ---- */

/* Those who look at `from` look at `to`; and what they say of a monitor, UINT32_MAX: nothing. Not exact: that
 * one asked something else. */
void health_opinions_share(struct health *to, const struct health *from);
void health_opinions_carry(struct health *to, uint32_t monitor, const struct health *from, uint32_t old,
                           bool is_exact);

/* ---- batch.c ---- */

/* From here on changes of up to HEALTH_HEAR_MAX monitors are one generation. */
void health_batch_begin(struct health *health, struct health_batch *batch);
void health_batch_note(struct health_batch *batch, const struct health_place *place,
                       enum health_outcome outcome);
void health_batch_end(struct health *health);

/* ---- observe.c ---- */

/* What it says is another after `alter`. */
void health_alter_monitor(struct health *health, uint32_t monitor, enum health_outcome outcome,
                          void (*alter)(struct health *health, uint32_t monitor));

/* Another verdict for a monitor, by no result of its own. */
void health_turn_monitor(struct health *health, uint32_t monitor, enum health_observed verdict,
                         int64_t wall_ms);
/* What is inside an az or region counts otherwise. */
void health_climb(struct health *health, enum health_kind kind, uint32_t index, int64_t wall_ms);

/* Another history for a monitor, as if its results had come here; since when is the caller's to say. */
void health_replace_monitor(struct health *health, uint32_t monitor, const struct health_history *history,
                            int64_t wall_ms);

/* Of an az or region: it is lost until something is found out in there. */
void health_set_was_lost(struct health *health, enum health_kind kind, uint32_t index, bool was_lost,
                         int64_t wall_ms);

/* ---- since.c ---- */

/* The number of the change under way: what the generation is going to be. */
static inline uint64_t health_next_change(const struct health *health)
{
    uint64_t generation = atomic_load_explicit(&health->table.generation, memory_order_relaxed);
    return (generation & ~HEALTH_CHANGING) + 1;
}

/* A word is about to change in what states follow from. */
void health_remember(struct health *health, enum health_kind kind, uint32_t index);
/* Wall time at which the state became what it is. */
int64_t health_find_since(const struct health *health, enum health_kind kind, uint32_t index);
/* It is in its state since then. */
void health_set_since(struct health *health, enum health_kind kind, uint32_t index, int64_t since_ms);

/* ---- tell.c ---- */

void health_add_lines(struct health *health);
/* Those of `from`, instead of its own; endpoints: of all together. */
void health_take_turns(struct health *to, enum health_kind kind, uint32_t index, const struct health *from,
                       uint32_t old);
/* Something changed at (kind, index) and maybe below; the table has been updated. An endpoint is told at
 * once. */
void health_settle(struct health *health, enum health_kind kind, uint32_t index, enum health_outcome outcome);
/* Tell of all regions and azs that are to be told. */
void health_tell_wide(struct health *health);
/* The end of a change: tell of the rest, or if the listener takes turns, of some of it. */
void health_deliver(struct health *health);
