/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The health state machine: observations and overrides in, health table out. Pure: no I/O, no clock, no log;
 * time is an argument. Verdicts come from consecutive results (rise/fall) of each monitor (one check of one
 * address of one endpoint). A family of an endpoint is unhealthy when any of its monitors is, healthy when
 * all are (or as its endpoint combines them: struct health_need), and like the other one if it has none. The
 * endpoint as a whole is unhealthy when both families are, healthy when one is. An az is lost when the share
 * of its unhealthy endpoints reaches lost_at, a region likewise over its azs. A verdict that is inherited
 * from an az or region (see health_carry) does not count there. Overrides never touch what is observed and do
 * not count in a roll-up.
 *
 * Not thread-safe: one owner, or a lock of the caller around every call. Only the table may be read by
 * others. */
#pragma once

#include "health/brake.h"
#include "health/guard.h"
#include "health/lag.h"
#include "health/opinion.h"
#include "health/outcome.h"
#include "health/ramp.h"
#include "health/stay.h"
#include "health/table.h"

#include <stddef.h>
#include <stdint.h>

/* ---- what there is (the caller's; copied by health_new) ---- */

struct health_monitor_plan {
    uint32_t endpoint;
    uint16_t rise, fall;
    uint64_t identity; /* of what is observed and how: equal identity keeps its history in health_carry() */
    uint8_t families;  /* whose verdict it has a part in: 1 << enum health_family, or-ed; 0: both */
};

/* A monitor that goes by what others say: it is reported to (push.c), or looks at what they wrote. */
struct health_push_plan {
    uint32_t ttl_ms;   /* how long a report counts; 0: it is none, it is checked */
    bool absent_fails; /* nobody reporting for so long is a failure; else nothing is known then */
    bool is_told;      /* it is checked, but what comes of that is what others say, as of reports */
};

/* Who is who after a reload, apart from identity. */
struct health_kin {
    uint64_t
        subject;    /* of what a monitor observes, whoever asks: an address, a host name; 0: like no other */
    uint64_t check; /* of who asks */
};

/* What a monitor is to its endpoint. */
enum health_role {
    HEALTH_REQUIRED, /* "required": without it the family is not healthy */
    HEALTH_COUNTED,  /* "counted": one of those of which so many are needed */
    HEALTH_WATCHED,  /* "monitoring_only": it never counts */
};

/* How an endpoint combines its monitors. */
struct health_need {
    uint16_t at_least; /* so many of a family that are required or counted; there may be fewer in one. 0: 1 */
    bool together;     /* one family that fails takes the other one along */
};

struct health_endpoint_plan {
    const char *name;
    uint32_t az;
};

struct health_az_plan {
    const char *name;
    uint32_t region;
    double lost_at;
};

struct health_region_plan {
    const char *name;
    double lost_at;
};

/* From `low` on an endpoint sheds weight, from `high` on all of it; linear in between. */
struct health_load_plan {
    bool is_given;
    double low, high;   /* low < high */
    int64_t max_age_ms; /* what was reported longer ago is no load at all; above 0 */
};

struct health_plan {
    const struct health_region_plan *regions;
    size_t region_count;
    const struct health_az_plan *azs;
    size_t az_count;
    const struct health_endpoint_plan *endpoints;
    size_t endpoint_count;
    const struct health_monitor_plan *monitors; /* sorted by endpoint */
    size_t monitor_count;
    const struct health_load_plan *loads;  /* of endpoints; NULL: none, and no load counts */
    const struct health_kin *kin;          /* of monitors; NULL: they are like no other */
    const struct health_brake_plan *brake; /* NULL: none */
    /* Of endpoints, hashes of all their addresses: one of another name that has it was renamed. 0: it is like
     * no other; NULL: all are. */
    const uint64_t *addressed;
    const struct health_push_plan *pushes;   /* of monitors; NULL: all are checked */
    const struct health_rules *rules;        /* NULL: none */
    const struct health_need *needs;         /* of endpoints; NULL: {0} for all */
    const uint8_t *roles;                    /* enum health_role of monitors; NULL: all are required */
    const struct health_quorums *quorums;    /* NULL: nobody looks but ourselves */
    const struct health_lags_plan *lags;     /* NULL: none */
    const struct health_ramps *ramps;        /* NULL: none */
    const struct health_guards_plan *guards; /* NULL: nothing is ever forbidden */
    const char *const *groups;               /* of names: what they are called */
    size_t group_count;                      /* up to HEALTH_GROUPS_MAX */
};

/* ---- the machine ---- */

/* One change of what answers follow, or of what was observed, of one object. Told when the table and all
 * objects are up to date: regions first, then azs, then endpoints. The listener may look, but not change the
 * machine. What changes again before it is told is told once, as it is then. */
struct health_change {
    enum health_kind kind;
    uint32_t index;
    const char *name;                                     /* borrowed from the machine */
    enum health_observed observed_before, observed_after; /* of endpoints: as a whole */
    enum health_observed families_before[HEALTH_FAMILIES], families_after[HEALTH_FAMILIES];
    struct health_effective before, after;
    enum health_outcome outcome; /* of the observation that caused it; NONE for overrides */
};

enum {
    HEALTH_REASON_SIZE = 256,
    HEALTH_ACTOR_SIZE = 64,
    HEALTH_PEER_SIZE = 64,
    HEALTH_TO_SIZE = 256,
    HEALTH_NAMES_SIZE = 256
};

enum health_load_source { HEALTH_LOAD_NONE, HEALTH_LOAD_FROM_CHECK, HEALTH_LOAD_PUSHED };
const char *health_load_source_text(enum health_load_source source); /* "check" "push"; NULL for none */

/* The latest that an endpoint said of its load. */
struct health_load_status {
    enum health_load_source source; /* NONE: nothing that counts now */
    double value;                   /* as reported last, if ever */
    double shed;                    /* 0..1: as answers follow it now */
    int64_t reported_ms, until_ms;  /* wall time of the report, and until when it counts; 0: never */
    char actor[HEALTH_ACTOR_SIZE];  /* who says to have pushed it; "" for checks */
    char peer[HEALTH_PEER_SIZE];    /* who the kernel says it was; likewise */
};

/* An endpoint begins or ends to shed weight. */
struct health_shed_change {
    const char *name; /* borrowed from the machine */
    const struct health_load_status *load;
};

/* An override whose time has come, told before the changes that it brings; or whose target went or came. */
enum health_turn {
    HEALTH_TURN_STARTED, /* "started": it was planned and is in force now */
    HEALTH_TURN_EXPIRED, /* "expired": it was in force and is not any more */
    HEALTH_TURN_MISSED,  /* "missed": it expired without ever having been in force: the clock leapt */
    HEALTH_TURN_DORMANT, /* "dormant": a reload took its target away */
    HEALTH_TURN_WOKEN,   /* "woken": a reload brought it back */
};

struct health_override_turn {
    enum health_kind kind;
    const char *name; /* borrowed from the machine */
    const struct health_override *override;
    enum health_turn turn;
};

const char *health_turn_text(enum health_turn turn);

struct health_listener {
    void *context;
    void (*changed)(void *context, const struct health_change *change);       /* NULL: nobody listens */
    void (*turned)(void *context, const struct health_override_turn *turn);   /* likewise */
    void (*shed)(void *context, const struct health_shed_change *change);     /* likewise */
    void (*braked)(void *context, const struct health_brake_change *change);  /* likewise */
    void (*stayed)(void *context, const struct health_stay_change *change);   /* likewise */
    void (*heard)(void *context, const struct health_vantage_change *change); /* likewise */
    void (*lagged)(void *context, const struct health_lag_change *change);    /* likewise */
    void (*ramped)(void *context, const struct health_ramp_change *change);   /* likewise */
    void (*held)(void *context, const struct health_hold_change *change);     /* likewise */
    /* After a change of more than HEALTH_TURN objects: health_tell() is to be called until nothing is left.
     * NULL: everything is told before a change returns. */
    void (*more)(void *context);
};

enum { HEALTH_TURN = 32 };

struct health;

/* Everything unknown, no override. Times: any monotonic and wall milliseconds. Returns owned. */
struct health *health_new(const struct health_plan *plan, int64_t wall_ms);
void health_free(struct health *health);
void health_set_listener(struct health *health, const struct health_listener *listener);

/* Tell of up to `max` objects whose change is not told yet. Words, states and times are right without that.
 * Returns whether there are more. */
bool health_tell(struct health *health, size_t max);

/* Does anything follow HEALTH_WORD_WAVERS? Else a change of it makes no new generation. Default: no. */
void health_watch_wavering(struct health *health, bool watched);

/* The table that follows this machine; lives as long as it. */
const struct health_table *health_get_table(const struct health *health);

/* Take over what `from` knows: overrides, `since` and resolved families by name, monitor history by identity,
 * verdicts by what is observed (carry.c says when). Roll-ups and the table of `to` are computed anew and the
 * listener is not called. To be called before `to` is used. `from` stays. */
void health_carry(struct health *to, const struct health *from, int64_t wall_ms);

/* `from` has looked at the same until a moment ago and knows better: what it knows of monitors counts, with
 * all that follows. `to` is in use, and goes on. */
void health_adopt(struct health *to, const struct health *from, int64_t wall_ms);

/* ---- the same in short steps, while `from` goes on (carry.c) ----
 *
 * Calls marked [lock] need both machines for themselves, all others only `to`, which nobody else uses yet:
 * new, watch [lock], step [lock] until nothing is left, settle, catch_up [lock] until little is left, and at
 * last, under one lock with what follows, catch_up of everything and end. */
struct health_carrier;

/* An endpoint was taken over again. */
struct health_carrier_hook {
    void *context;
    void (*carried)(void *context, uint32_t endpoint); /* NULL: nobody wants to know */
};

struct health_carrier *health_carrier_new(struct health *to, struct health *from, int64_t wall_ms);
void health_carrier_set_hook(struct health_carrier *carrier, const struct health_carrier_hook *hook);
/* From now on what changes in `from` is noted. Without it a carrier makes a copy of what was met. */
void health_carrier_watch(struct health_carrier *carrier);
/* Take over the next `count` objects. Returns whether there are more. */
bool health_carrier_step(struct health_carrier *carrier, size_t count);
/* All that follows from it. */
void health_carrier_settle(struct health_carrier *carrier);
/* Take over again up to `count` objects that changed since, once `from` has told of them. Returns how many
 * are left; while it has not told all, nobody knows. */
size_t health_carrier_catch_up(struct health_carrier *carrier, size_t count);
/* [lock], if watch was called: what is left is not taken over. */
void health_carrier_end(struct health_carrier *carrier);
void health_carrier_free(struct health_carrier *carrier); /* after its end; NULL is fine */

/* A machine of the same plan that knows nothing. Reads only what no result changes, so it needs no lock. */
struct health *health_new_like(const struct health *from);

/* One check result; health_follow_brake() is to follow. LOCAL_ERROR is recorded and changes nothing; STALE
 * makes what is healthy unknown. From
 * unknown one success makes healthy, `fall` failures make unhealthy. */
void health_observe(struct health *health, uint32_t monitor, enum health_outcome outcome, int64_t wall_ms,
                    uint32_t duration_us, uint16_t detail);
/* We were held up: what our own results say is no opinion (opinion.h) before one has confirmed or changed it.
 * The verdict stands. */
void health_doubt(struct health *health);
/* A monitor has seen a certificate that ends at `end_s`, which is soon or not. Changes nothing else. Returns
 * whether the latter is new. */
bool health_note_certificate(struct health *health, uint32_t monitor, int64_t end_s, bool is_near);

/* ---- checks that others make ---- */

struct health_push {
    bool up;
    int64_t ttl_ms;  /* how long it counts; 0: as the plan says */
    int64_t time_ms; /* wall: when it was found out, as the reporter says; it counts from then. 0: just now */
    uint64_t seq;    /* of the reporter; rises; 0: he does not count */
};

/* A report to a monitor of such a plan. A seq that is lower than the last one is taken once that has expired,
 * and so is a time if the last one lies ahead of `wall_ms`. Only one that is taken changes anything. */
enum health_push_fate health_push(struct health *health, uint32_t monitor, const struct health_push *push,
                                  int64_t wall_ms, int64_t now_ms);
/* What is too old: absent_fails: a failure, ABSENT, and again after each further ttl; else STALE: one that is
 * healthy becomes unknown, and one that is unhealthy stays so, for silence moves no answer. At most some
 * dozens at a time: returns whether there are more to be looked at. To be called at least once a second. */
bool health_expire_pushes(struct health *health, int64_t wall_ms, int64_t now_ms);

/* ---- endpoints that are a host name ---- */

/* There is something to observe (so it begins), or not: a monitor that is not used has no say, and forgets
 * what it knew. One that begins is unknown; but where it was unhealthy when it was used the last time, or its
 * endpoint is, it is unhealthy until it knows better, as those are that inherit that from an az. Returns
 * whether that is new. */
bool health_use_monitor(struct health *health, uint32_t monitor, bool used, int64_t wall_ms);
/* What was observed is elsewhere now: monitors of one endpoint, each `step` behind the one before, are not
 * used any more, and others, likewise, go on from what they knew. False, and nothing happens, unless all of
 * `from` are used and none of `to` is. */
struct health_move {
    uint32_t from, to, step, count;
};
bool health_move_monitors(struct health *health, const struct health_move *move, int64_t wall_ms);
/* Which families of addresses the endpoint's name resolves to: of HEALTH_WORD_RESOLVED. A new generation also
 * if they are the same ones: the addresses are not. */
void health_set_resolved(struct health *health, uint32_t endpoint, uint32_t resolved);
/* Take over both from a machine of the same plan. */
void health_copy_resolved(struct health *to, const struct health *from);

/* ---- load ---- */

struct health_load_report {
    double load; /* 0 or more, in the unit of the watermarks */
    enum health_load_source source;
    int64_t ttl_ms;           /* how long it counts; 0: the endpoint's max_age */
    const char *actor, *peer; /* NULL for checks */
};

/* An endpoint said how loaded it is; the latest word counts. Words change only where the share that is shed
 * moves by a step (1 of HEALTH_SHED_ALL) or more, and for all endpoints together at most once in
 * HEALTH_SHED_PACE_MS: what comes sooner waits for the next report or health_expire_loads(). Ages and paces
 * are of the monotonic time `now_ms`. ERROR_NOT_FOUND or 0. */
enum { HEALTH_SHED_PACE_MS = 1000 };
int health_report_load(struct health *health, uint32_t endpoint, const struct health_load_report *report,
                       int64_t wall_ms, int64_t now_ms);
/* It is not known any more. */
int health_forget_load(struct health *health, uint32_t endpoint, int64_t wall_ms, int64_t now_ms);
/* Forget loads that are too old, follow those that waited. */
void health_expire_loads(struct health *health, int64_t wall_ms, int64_t now_ms);
/* What it would shed, 0..1, were this reported now (for dry runs). */
double health_foresee_shed(const struct health *health, uint32_t endpoint, double load);

/* ---- overrides ---- */

struct health_override {
    enum health_desired desired;
    uint8_t share;      /* of a drain: percent of the weight that is, 1..99, as a ramp withholds it; 0: all */
    int64_t set_ms;     /* wall */
    int64_t starts_ms;  /* wall: planned for then; 0: in force from the beginning */
    int64_t expires_ms; /* wall, after starts_ms; 0: never */
    bool starts_by_duration, expires_by_duration; /* from then on, or from the start: follows no clock */
    /* Answers that follow it live at most so long, in force or planned; up to HEALTH_TTL_MAX_S. */
    bool has_ttl;
    uint32_t ttl_s;
    char reason[HEALTH_REASON_SIZE];
    char actor[HEALTH_ACTOR_SIZE]; /* who says to want it */
    char peer[HEALTH_PEER_SIZE];   /* who the kernel says it was, "uid:1000(alice)"; "": nobody */
    /* Of a drain: the region or az that answers go to which came from there alone; "": as policies have it,
     * as also where there is none of this name, or it does not serve. */
    char to[HEALTH_TO_SIZE];
    /* Of a drain: the groups of names that it is about, "shop,pay"; "": of all names. One that is not there
     * has no names. */
    char names[HEALTH_NAMES_SIZE];
};

/* What words say: drained in part it goes on being served, and so is what is drained for some names only. */
static inline enum health_desired health_override_desired(const struct health_override *override)
{
    return override->share != 0 || override->names[0] != '\0' ? HEALTH_DESIRED_AUTO : override->desired;
}

/* The groups of a list such as "shop,pay", a bit each; *missing: the length of the first that is not there,
 * which *at is set to, else 0. Both may be NULL. */
uint64_t health_find_groups(const struct health *health, const char *names, const char **at, size_t *missing);
/* Does a list have all groups of another one? */
bool health_names_include(const char *names, const char *others);

/* "drain", "drain of 25 %". */
enum { HEALTH_OVERRIDE_TEXT_SIZE = 24 };
const char *health_override_text(const struct health_override *override,
                                 char text[HEALTH_OVERRIDE_TEXT_SIZE]);

/* Would putting it end, for somebody, one that is in force? See health_set_override(). */
bool health_override_collides(const struct health *health, enum health_kind kind, uint32_t index,
                              const struct health_override *override);

/* Set or replace (desired AUTO removes, and so does one that has expired already). One that is planned is on
 * record, and in the word as HEALTH_WORD_PLANNED, but is not desired yet. Returns 0, ERROR_NOT_FOUND for an
 * index that does not exist, or ERROR_CONFLICT for one with a start where an override is in force: it would
 * have to end now, or by itself at an unexpected time; or for one about some names where one in force is
 * about others, too: these would be let back by it. */
int health_set_override(struct health *health, enum health_kind kind, uint32_t index,
                        const struct health_override *override, int64_t wall_ms);
/* Put one that was in force, or planned (`planned`), when it was written down: its start is not judged again
 * but that it may have come meanwhile. Without a target it lies dormant: ERROR_NOT_FOUND. ERROR_INVALID: it
 * has expired, and nothing is put. */
int health_restore_override(struct health *health, enum health_kind kind, const char *name,
                            const struct health_override *override, bool planned, int64_t wall_ms);
/* When an override is in force. */
struct health_spell {
    enum health_kind kind;
    uint32_t index;
    enum health_desired desired;
    int64_t from_ms, until_ms; /* wall; INT64_MIN: it is; INT64_MAX: for ever */
    uint64_t
        groups;    /* of names that are drained, a bit each; then `desired` is AUTO: nothing is for others */
    uint8_t share; /* of a drain in part, percent; then `desired` is AUTO, too. 0: it is whole */
    uint32_t exit; /* where a drain sends what it moves off: health_exit_make(); 0: as policies have it */
};

/* By any thread. */
struct health_spell health_find_spell(const struct health *health, enum health_kind kind, uint32_t index,
                                      const struct health_override *override);

size_t health_count_overrides(const struct health *health); /* in force and planned */
/* Of them all, those from `first` on, up to `count`. Returns how many. */
size_t health_list_spells(const struct health *health, size_t first, struct health_spell *spells,
                          size_t count);
/* Which override of which object it is, whatever its times are on which machine: all but when it starts and
 * ends, and whether that is a length. The same on all machines. */
uint64_t health_hash_override(enum health_kind kind, const char *name, const struct health_override *what);
/* Of all that there are, in force, planned and dormant, added up: in no order. 0: there are none. */
uint64_t health_hash_overrides(const struct health *health);
/* Grows when one is put, removed or moved in time: what was listed at an equal number still holds. */
uint64_t health_count_override_changes(const struct health *health);
/* The table's words and exits as they are, for whoever assumes something: by any thread, without the lock.
 * Outages and what is forbidden are borrowed from it. Returns owned: free(). */
struct health_table *health_copy_words(const struct health_table *table);
/* As if this was in force, and nothing else on that object; times are the caller's business. */
void health_assume(struct health_table *copy, const struct health_spell *spell);
/* Nobody has come back a moment ago: what is withheld from now on is what is assumed. */
void health_assume_no_ramps(struct health_table *copy);
/* In force or planned (health_status says which); NULL if there is none; borrowed until the next call that
 * changes overrides. */
const struct health_override *health_get_override(const struct health *health, enum health_kind kind,
                                                  uint32_t index);
bool health_is_overridden(const struct health *health, enum health_kind kind, uint32_t index); /* in force */
/* Do what is due by now, as one change: planned overrides start, others end. What has started stays so if the
 * clock is set back. Returns how many there were. Of more than HEALTH_CLOCK_TURN those that were due first:
 * to be called until it is 0, by whoever holds a lock with turns in between. */
enum { HEALTH_CLOCK_TURN = 64 };
size_t health_follow_turn(struct health *health, int64_t wall_ms);
/* All of it. */
size_t health_follow_clock(struct health *health, int64_t wall_ms);
/* The wall clock was set by so much: what was given as a duration keeps its length. Returns whether anything
 * was. */
bool health_override_shift(struct health_override *override, bool planned, int64_t by_ms);
/* The same for all that a machine holds. In turns, *done is 0 at
 * first; overrides may not change in between but by this. Returns whether there is more. */
bool health_shift_clock(struct health *health, int64_t by_ms, size_t *done);
/* The wall clock was set back: nothing came back a moment ago, as far as anybody knows. In turns likewise. */
bool health_forget_outages(struct health *health, size_t *done);
/* Wall time of the next start or end of an override, 0 if there is none. */
int64_t health_next_due(const struct health *health);

/* ---- overrides whose target is gone ---- */

/* A reload that takes an object away leaves its override dormant: it does nothing, expires when it would
 * have, and holds again after one that brings an object of the name back. There is no limit: each was ordered
 * once, and takes about as much memory as one in force. */

struct health_dormant {
    enum health_kind kind;
    const char *name; /* borrowed until the next call that changes overrides */
    const char *heir; /* an endpoint that has its addresses now; NULL: none, or it is not new */
    struct health_override what;
    bool planned; /* its start is yet to come */
    bool is_new;  /* since the last reload */
};

size_t health_count_dormant(const struct health *health);
/* One after the other, in no order; NULL: that was all. The cursor is {0} at first; overrides may not change
 * in between if all are to be seen. */
struct health_dormant_cursor {
    size_t block, at;
};
const struct health_dormant *health_next_dormant(const struct health *health,
                                                 struct health_dormant_cursor *cursor);
/* Behind the one of that name; false: there is none. */
bool health_seek_dormant(const struct health *health, enum health_kind kind, const char *name,
                         struct health_dormant_cursor *cursor);
const struct health_dormant *health_find_dormant(const struct health *health, enum health_kind kind,
                                                 const char *name); /* NULL: there is none */
/* Returns whether there was one. */
bool health_forget_dormant(struct health *health, enum health_kind kind, const char *name);
/* Tell the listener which became dormant, and which woke, when this machine took over. */
void health_tell_carried(const struct health *health);

/* ---- looking ---- */

/* How the monitors stand that decide about a family of an endpoint. */
struct health_combination {
    uint32_t members, healthy, need; /* members: those that count; need: as many at least */
    uint32_t required, required_healthy;
};

struct health_status {
    const char *name; /* borrowed */
    enum health_observed observed;
    enum health_observed families[HEALTH_FAMILIES]; /* endpoints: observed of each */
    enum health_desired desired;
    bool planned; /* there is an override, but its time is yet to come */
    struct health_effective
        effective;               /* azs: decided_by is VERDICT (roll-up of its own), AZ_OVERRIDE,
                                    REGION_OVERRIDE or REGION_LOST; regions: VERDICT or REGION_OVERRIDE */
    int64_t since_ms;            /* wall time at which the effective state became what it is */
    enum health_outcome outcome; /* endpoints: the latest result (of the failing monitor if one fails) */
    uint16_t detail;             /* endpoints: HTTP status of that result, or 0 */
    uint32_t duration_us;        /* endpoints: how long that check took */
    int64_t checked_ms;          /* endpoints: wall time of the latest result; 0: none yet */
    int64_t judged_ms; /* endpoints: of the latest of that check that was no LOCAL_ERROR; likewise */
    bool held;         /* endpoints: a check has failed often enough, but for the brake */
    bool restored;     /* endpoints: that check has not ended since the start, what is known of it is older */
    struct health_load_status load;                          /* endpoints */
    struct health_combination combinations[HEALTH_FAMILIES]; /* endpoints */
    bool stale;        /* endpoints: that check has had no result for so long that nothing is known now */
    int64_t silent_ms; /* endpoints: for how long; 0: it never had one */
    bool is_judged;    /* endpoints: a quorum of vantages judges that check, see opinion.h */
    uint32_t telling;  /* endpoints: its monitor, if there is any */
    struct health_stay_status stay;
    struct health_ramp_status ramp; /* its own; see health_find_withheld() for what counts of an endpoint */
    uint32_t members, members_unhealthy; /* azs: endpoints that have monitors; regions: azs that have such
                                            endpoints: those that the roll-up counts */
    uint32_t members_healthy, lost_from; /* of those; with so many unhealthy ones it is lost */
    bool is_inherited;                   /* azs and regions: nobody in it has a verdict of its own */
    bool was_up; /* azs and regions: observed as healthy at some time, as far as this process knows */
};

/* Returns 0 or ERROR_NOT_FOUND. */
int health_get_status(const struct health *health, enum health_kind kind, uint32_t index,
                      struct health_status *status);
/* How often it became each state since the machine was new, or those that it took over from; of endpoints:
 * all of them together, whatever the index. What came about by taking over is none. */
void health_get_turns(const struct health *health, enum health_kind kind, uint32_t index,
                      uint64_t turns[HEALTH_STATES]);
/* That was counted elsewhere. */
void health_add_turns(struct health *health, enum health_kind kind, uint32_t index,
                      const uint64_t turns[HEALTH_STATES]);
/* How many there are of a kind. */
size_t health_count(const struct health *health, enum health_kind kind);
ptrdiff_t health_find(const struct health *health, enum health_kind kind, const char *name); /* -1: none */

/* Monitors, for detail views and for drills. */
struct health_monitor_status {
    uint32_t endpoint;
    enum health_role role;
    enum health_observed verdict;
    enum health_outcome outcome;
    uint16_t detail, streak; /* streak: equal results in a row, saturating */
    bool idle;               /* nothing is observed */
    bool inherited;          /* the verdict is that of its az, region or endpoint: it has none of its own */
    bool held;               /* it has failed often enough, but for the brake */
    bool restored;           /* what it says is from before the start: nothing was heard of it since */
    bool doubted;            /* likewise, or from before we were held up: health_doubt() */
    bool stale;        /* it has had no result for so long that nothing is known now; the verdict stands */
    int64_t silent_ms; /* for how long; 0: it never had one */
    uint32_t duration_us;
    int64_t checked_ms, judged_ms; /* the latest; the latest that was no LOCAL_ERROR */
    int64_t certificate_s;         /* when the certificate that was seen ends, since 1970; 0: none was */
    bool certificate_near;         /* that is soon */
    uint16_t rise, fall;
    uint8_t window, failures; /* of so many results, if that is not 0, these are failures */
    bool failing;             /* of the results that the streak counts */
    bool untried;             /* nothing was established since the start */
    struct health_stay_status stay;
};

/* What has to happen next for a verdict to change. */
struct health_outlook {
    enum health_observed to; /* UNKNOWN: nothing is observed, so nothing does */
    bool by_failure;         /* by failures in a row, else by successes */
    unsigned have, need;     /* of them */
};
struct health_outlook health_find_outlook(const struct health_monitor_status *status);
/* Do the latest results speak against this verdict (the monitor's, or one of somebody else's making) and were
 * not enough yet? Then it hangs on the next one. */
bool health_hangs(const struct health_monitor_status *status, enum health_observed verdict);
/* Why the verdict is what it is, and what has to happen, as a line: "3 failures in a row, 1 of 2 successes in
 * a row to become healthy". Cut off if it does not fit. */
enum { HEALTH_WHY_SIZE = 160 };
void health_write_why(const struct health_monitor_status *status, char text[HEALTH_WHY_SIZE]);
/* The same of an az or region, and what decides instead, if something does: "2 of 3 azs are lost, lost from 2
 * on; 1 has to come back". */
void health_write_group_why(enum health_kind kind, const struct health_status *status,
                            char text[HEALTH_WHY_SIZE]);
/* By failures or recoveries of what is in it; UNKNOWN: nothing in it is checked. */
struct health_outlook health_find_group_outlook(const struct health_status *status);
/* Those in it that are counted as unhealthy, up to `max` of the kind below. Returns how many. */
size_t health_list_missing(const struct health *health, enum health_kind kind, uint32_t index, uint32_t *list,
                           size_t max);
const char *health_role_text(enum health_role role);
/* "1 of 3 checks healthy, 2 are needed" */
void health_write_combination(const struct health_combination *combination, char text[HEALTH_WHY_SIZE]);
size_t health_monitor_count(const struct health *health);
/* The server starts, and nobody has been answered yet: the first result of every monitor of which nothing is
 * known decides, so that nobody is sent to what is known to fail. A failure that decided so is taken back by
 * one success, as long as it was not repeated `fall` times. And overrides are there as they were: rules
 * (guard.h) that rested since another machine's records were carried over count again. */
void health_begin(struct health *health);
int health_get_monitor(const struct health *health, uint32_t monitor, struct health_monitor_status *status);
/* The monitor that explains what is observed of one family of an endpoint: 0, or ERROR_NOT_FOUND if none has
 * it.
 */
int health_get_telling(const struct health *health, uint32_t endpoint, enum health_family family,
                       struct health_monitor_status *status);
