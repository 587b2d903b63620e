/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A simulation that runs, and what its parts do with it: simulate.c lets time pass, checks.c makes checks,
 * phases.c knows what begins and ends when, follow.c looks at answers, hear.c writes down what the health
 * machine tells. Where several vantages look lookouts.c knows what they think. Inside of src/drill. */
#pragma once

#include "drill/answers.h"
#include "drill/causes.h"
#include "drill/drill.h"
#include "health/opinion.h"
#include "view/view.h"

/* Checks are of a monitor, made by the server itself; or, from the number of monitors on, of a lookout. */
struct run_check {
    int64_t ends_ms, starts_ms;
    uint32_t monitor, round; /* the round-th check since something happened to it, from 1 */
    struct drill_result result;
};

struct run_event {
    struct drill_event what;
    int rank;
};

struct run_monitor {
    uint64_t count;    /* of checks so far */
    int64_t failed_ms; /* since the start: since when all fail; -1: the last one did not */
    bool is_pending;   /* it has a check in the heap */
    bool is_left_out;  /* it is not checked, or was down when the drill began */
};

/* One vantage looks at one target: a monitor; or a control target, behind the monitors. */
struct run_lookout {
    uint32_t vantage, target;
};

/* In real time: what is said of it, where that is not what the vantage says by itself. */
struct run_sight {
    struct health_opinion real; /* while it is said */
    bool is_down, is_said;      /* it is to be down; and that is what is said */
    uint8_t outcome;            /* enum health_outcome, then */
};

/* Where nobody looks but the server itself nothing of this is there. */
struct run_vantages {
    const struct drill_vantage *items; /* of the document */
    size_t count;
    struct run_lookout *lookouts; /* to which something happens; by vantage and target */
    size_t lookout_count;
    struct health *eyes; /* what they think: a monitor for each of them */
    uint8_t *thought;    /* enum health_observed: of each vantage of each target */
    uint32_t silent;     /* a bit for each number */
    /* In real time, where `thought` is not there: */
    struct run_sight *sights; /* by lookout; NULL: in virtual time */
    uint32_t hushed;          /* of the silent, those that are so by the document */
    uint32_t unsaid;          /* that think of something anew, and could not say it */
    uint32_t returned;        /* that are not hushed any more, and have to say all */
    int64_t wall_ms;          /* now */
    int64_t beat_ms;          /* when they say next that they are alive; INT64_MAX: nobody does */
    int64_t due_ms;           /* when that somebody is silent changes something; likewise */
};

/* A switchover that the drill does (moves.c), and what is to be done about it at `turn_ms`. */
enum run_deed { RUN_NOTHING, RUN_EXECUTE, RUN_REFUSE, RUN_STEP, RUN_HOLD, RUN_ROLL_BACK, RUN_GIVE_UP };

struct run_move {
    const struct drill_move *of;
    struct switchover *what; /* in the arena of the report */
    int64_t due_ms;          /* it is looked at then; INT64_MAX: never again */
    enum run_deed deed;
    uint64_t generation; /* of the table, when it was looked at last */
    char by[SWITCHOVER_FINDING_SIZE], why[SWITCHOVER_NOTE_SIZE]; /* what was found wrong last */
    const char *refused; /* it was not executed, in words; NULL: it was, or may be yet */
};

/* What was done by it. */
struct run_note {
    int64_t at_ms;
    const char *text; /* in the arena */
};

struct run {
    const struct view *view;
    const struct conf_topology *topology;
    const struct drill_scenario *scenario;
    struct drill_causes causes;
    struct health *health;
    struct drill_answers *answers;
    struct view_monitor *monitors;
    struct run_monitor *states; /* of those, and of lookouts */
    size_t monitor_count;
    struct run_vantages vantages;
    struct run_check *heap; /* the earliest first */
    size_t heap_count;
    struct drill_decider decider; /* of the last answers that changed in a loss */
    int64_t now_ms, wall_ms; /* since the start; wall time of the start, by which overrides start and end */
    int64_t began_ms;        /* monotonic, as the machine has it */
    int64_t until_ms;        /* when it ends; INT64_MAX: when no check is pending */
    int64_t turn_ms;         /* when something begins or ends next; INT64_MAX: nothing does */
    int64_t lags_ms;         /* when lags are told of next; likewise */
    uint64_t generation;     /* of the table, when answers were looked at last */
    bool *is_lost;           /* by endpoint: in this phase */
    struct drill_phase *phases; /* the last one is now */
    size_t phase_count, phase_capacity;
    size_t changed;      /* answers, each time that they did */
    struct arena *arena; /* of the report */
    struct run_event *events;
    size_t event_count, event_capacity;
    size_t events_most, left_out; /* 0: as many as there are; and how many are not kept */
    struct run_move *moves;
    bool leaves_moves; /* somebody else puts what they want, where the machine hears of it */
    size_t move_count;
    struct run_note *notes;
    size_t note_count, note_capacity;
    char *news;   /* what begins or ends, between two phases; owned */
    bool is_back; /* it is ends only */
};

/* ---- hear.c ---- */

/* Of what happens at once, causes come before consequences. The machine tells regions first. */
enum run_rank {
    RUN_ENDPOINT = HEALTH_ENDPOINT,
    RUN_AZ = HEALTH_AZ,
    RUN_REGION = HEALTH_REGION,
    RUN_CONSEQUENCE
};

void run_add_event(struct run *run, enum run_rank rank, bool is_detail, const char *text);
/* Of those from `first` on. */
void run_sort_events(struct run *run, size_t first);
void run_listen(struct run *run);
void run_list_events(const struct run *run, struct drill_report *report);

/* ---- checks.c ---- */

void run_start_checks(struct run *run);
/* Something began or ended now: what it touches is checked, from the worst moment on. */
void run_wake_checks(struct run *run, const struct drill_cause *cause);
void run_wake_check(struct run *run, uint32_t number, const struct drill_cause *cause); /* one of them */
/* The first of those that end. Returns whether it made the verdict fall, or come back. */
bool run_end_check(struct run *run);
/* Everything that ends at the earliest time. */
void run_end_checks(struct run *run);

/* ---- lookouts.c ---- */

/* Others look as well. */
static inline bool run_has_vantages(const struct run *run)
{
    return run->vantages.count != 0;
}

/* Who makes a check, and of what. */
struct drill_look run_find_look(const struct run *run, uint32_t number);
/* They are there, and the machine knows of them; before anything is observed. */
void run_introduce_vantages(struct run *run);
/* What they think at the start, and have said. */
void run_open_lookouts(struct run *run);
void run_close_lookouts(struct run *run);
/* The state of who makes these checks: of the server itself what its own results say. */
void run_get_sight(const struct run *run, uint32_t number, struct health_monitor_status *status);
/* Does it look, and is there anything to see? */
bool run_looks(const struct run *run, size_t lookout);
/* A check of a lookout has ended now. */
void run_end_look(struct run *run, const struct run_check *check);
/* Somebody falls silent now, or speaks again. */
void run_turn_silence(struct run *run);
/* When the next thing happens of itself; INT64_MAX: nothing does. And that it does. */
int64_t run_find_beat(const struct run *run);
void run_follow_beat(struct run *run);

void run_open_sights(struct run *run); /* instead, in real time: where something happens */

/* ---- sights.c: lookouts in real time ---- */

/* How long it takes after now until that vantage makes a check that it makes so often. */
int64_t run_find_delay(const struct run *run, uint32_t number, int64_t interval_ms);
/* A lookout thinks so now, were it not for what happens in reality. */
void run_think(struct run *run, uint32_t lookout, const struct health_monitor_status *status);
/* What one says in reality, HEALTH_HEAR_MAX at most; with what happens in the drill it is heard. */
void run_hear(struct run *run, unsigned vantage, const struct health_heard *heard, size_t count);
void run_hear_alive(struct run *run, unsigned vantage, bool is_new);
/* These are silent in reality. */
void run_set_silent(struct run *run, uint32_t silent);
/* What the document says of silence now. */
void run_turn_hush(struct run *run);

/* ---- moves.c ---- */

void run_open_moves(struct run *run);
void run_close_moves(struct run *run);
/* When something begins or ends, or a switchover is to be looked at, from then on. */
int64_t run_find_turn(const struct run *run, int64_t from_ms);
/* What is to be done at `turn_ms` is found out, on a copy of the health: the lock is taken for moments (NULL:
 * nobody else has it). */
void run_look_moves(struct run *run, struct lock *lock);
/* That it is done: now. The machine is led. */
void run_do_moves(struct run *run);
bool run_moves(const struct run_move *move); /* has it set out, and is not over? */
/* What others desire of a target that one of them moves is what that comes back to. False: none does. */
bool run_keep_before(struct run *run, enum health_kind kind, const struct health_status *target,
                     const struct health_override *is);

/* ---- phases.c ---- */

/* What begins or ends at `turn_ms`: the end of a phase, the begin of the next one, and its checks. */
void run_turn(struct run *run);
/* What the phase that is now did to answers is marked. Returns whether anything begins or ends then. */
bool run_end_phase(struct run *run);
void run_begin_phase(struct run *run);
void run_mark_answers(struct run *run);

/* ---- follow.c ---- */

void run_note_check(struct run *run, uint32_t monitor, const struct drill_result *result);
/* The same, by somebody else; NULL: by the server itself. */
void run_note_look(struct run *run, uint32_t endpoint, const char *vantage,
                   const struct drill_result *result);
/* Answers are looked at if the table has changed. */
void run_follow_answers(struct run *run, int64_t interval_ms, const struct drill_decider *decider);
void run_note_change(struct run *run, size_t changed, const struct drill_decider *decider);
/* By a switchover: nobody had to decide that. Looks, if the table has changed; and notes what was seen. */
void run_follow_moves(struct run *run);
void run_note_moved(struct run *run, size_t changed);
void run_tell_lags(struct run *run);

/* ---- conclude.c ---- */

void run_make_report(const struct run *run, struct drill_report *report);
