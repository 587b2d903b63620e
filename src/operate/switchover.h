/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A switchover: a recorded, reversible movement of traffic off regions, azs or endpoints. Pure: a state, the
 * verbs that lead to others, and what overrides each state wants; who carries them out, keeps them and asks
 * for time is somebody else.
 *
 *   planned -execute-> (lowering ->) moving -(steps)-> moved -verify-> verified -commit-> unprotected
 * -reprotect-> protected protected -failback-> returning -(steps)-> returned -verify-> return_verified
 * -commit-> closed
 *
 * Until it is committed it may be sent to another destination, with nothing on its way back in between; what
 * was verified is not any more. And rollback undoes it: of the way there to what was before, of the way back
 * to protected. Nothing is committed that was not verified a moment ago. What is unprotected is so until the
 * data flow back in real time, or an operator says that they need not. */
#pragma once

#include "health/health.h"
#include "operate/subject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum switchover_state {
    SWITCHOVER_PLANNED,         /* nothing has moved */
    SWITCHOVER_LOWERING,        /* nor yet: resolvers are told to ask again soon; it moves when they have */
    SWITCHOVER_MOVING,          /* in steps */
    SWITCHOVER_MOVED,           /* the source is drained */
    SWITCHOVER_VERIFIED,        /* likewise, and what was looked at is good */
    SWITCHOVER_UNPROTECTED,     /* committed; nothing stands by */
    SWITCHOVER_PROTECTED,       /* the source follows the destination */
    SWITCHOVER_RETURNING,       /* in steps */
    SWITCHOVER_RETURNED,        /* nothing is drained any more */
    SWITCHOVER_RETURN_VERIFIED, /* likewise, and what was looked at is good */
    SWITCHOVER_CLOSED,          /* all is over: */
    SWITCHOVER_ROLLED_BACK,
    SWITCHOVER_CANCELLED, /* before anything had moved */
    SWITCHOVER_STATES
};

enum switchover_verb {
    SWITCHOVER_EXECUTE,
    SWITCHOVER_VERIFY,
    SWITCHOVER_COMMIT,
    SWITCHOVER_ROLL_BACK,
    SWITCHOVER_REPROTECT,
    SWITCHOVER_FAIL_BACK,
    SWITCHOVER_CANCEL,
    SWITCHOVER_CLOSE,    /* the source stays drained, by overrides like any others */
    SWITCHOVER_RESUME,   /* of steps that are held: what holds them is accepted, or is over */
    SWITCHOVER_REDIRECT, /* to another destination, until it is committed */
    SWITCHOVER_VERBS
};

const char *switchover_state_text(enum switchover_state state); /* "planned" … "return_verified" … */
const char *switchover_verb_text(enum switchover_verb verb);    /* "execute" … "rollback" … */
int switchover_parse_state(const char *text, enum switchover_state *state); /* 0 or ERROR_NOT_FOUND */
int switchover_parse_verb(const char *text, enum switchover_verb *verb);    /* likewise */

enum {
    SWITCHOVER_ID_SIZE = 64,
    SWITCHOVER_TARGETS_MAX = 64,
    SWITCHOVER_STEPS_MAX = 16,
    SWITCHOVER_NAME_SIZE = 256,
    SWITCHOVER_ASKER_SIZE = 96,
    SWITCHOVER_NOTES_MAX = 64,
    SWITCHOVER_NOTE_SIZE = 256,
    SWITCHOVER_FINDING_SIZE = 72,         /* "rule:NAME" */
    SWITCHOVER_ACCEPTED_SIZE = 4096,      /* a list of such, with what they were about */
    SWITCHOVER_FRESH_MS = 15 * 60 * 1000, /* how long it is good that something was verified */
};

/* What traffic is moved off, and what was desired of it before. */
struct switchover_target {
    enum health_kind kind;
    char name[SWITCHOVER_NAME_SIZE];
    bool had_override;
    bool was_planned; /* that one was yet to start */
    struct health_override before;
};

/* What somebody, or time, did. */
struct switchover_note {
    enum switchover_state state; /* after it */
    int64_t wall_ms;
    char what[24]; /* a verb; "step", "moved": time */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    char text[SWITCHOVER_NOTE_SIZE]; /* what was found, or accepted; "": nothing to tell */
};

struct switchover {
    char id[SWITCHOVER_ID_SIZE];
    enum switchover_state state;
    bool is_emergency; /* one step, and no questions */
    bool lowers_ttl;   /* before it moves, for as long as answers may be old then (ttl_s) */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    char to[SWITCHOVER_NAME_SIZE]; /* the region or az that is to take the traffic; "": as policies have it */
    char names[HEALTH_NAMES_SIZE]; /* groups of names that it is about; "": all */
    struct switchover_target *targets;   /* whoever keeps it owns them, and the notes */
    size_t target_count;                 /* up to SWITCHOVER_TARGETS_MAX */
    uint8_t steps[SWITCHOVER_STEPS_MAX]; /* percent that have moved, ascending, below 100; then all */
    size_t step_count;
    int64_t each_ms;              /* how long a step lasts; above 0 where there are steps */
    size_t step;                  /* of MOVING and RETURNING */
    uint32_t ttl_s;               /* the largest of answers that lead there, when it was planned */
    int64_t created_ms, since_ms; /* wall: of the state; … */
    int64_t step_ms;              /* … of the step */
    int64_t verified_ms;          /* of the latest good look; 0: none on this way */
    int64_t executed_ms;          /* wall: it began to move then; 0: it has not */
    bool stays_away;              /* it was closed where it was: what it drained stays so */
    bool asks_hooks;              /* commands are run before `asked_for`; nothing has moved yet */
    enum switchover_verb asked_for;
    char asker[SWITCHOVER_ASKER_SIZE]; /* who runs them, of several servers; "": this one */
    bool hooks_agreed;                 /* they were run before this way: where data are is theirs to say */
    /* No step is taken: the finding by which, "health", and in words; "": it is not held. Only on its way. */
    char held_by[SWITCHOVER_FINDING_SIZE], held[SWITCHOVER_NOTE_SIZE];
    int64_t held_ms; /* wall: since then; 0: it is not */
    /* Findings that hold no step of this way as long as they are about no more than they were when they were
     * accepted (subject.h): "health=1f0c9ab2@1,rule:two=@1,served=*"; "*": whatever they are about. */
    char accepted[SWITCHOVER_ACCEPTED_SIZE];
    uint32_t changes;              /* verbs and steps so far: the revision of what is shown */
    struct switchover_note *notes; /* room for SWITCHOVER_NOTES_MAX, the latest ones; NULL: none are taken */
    size_t note_count;
    uint64_t notes_lost; /* older ones */
};

/* A finding that is accepted. */
struct switchover_accepted {
    const char *name;
    const struct subject *subject; /* NULL: whatever it will be about */
};

/* Who wants a verb, and why. */
struct switchover_wish {
    enum switchover_verb verb;
    bool is_emergency; /* at once, and in one step: fail_back also while it is unprotected */
    const char *actor, *peer, *reason;
    const char *text;                           /* what was found; NULL: nothing to tell */
    const struct switchover_accepted *accepted; /* of those that lead on by steps */
    size_t accepted_count;
    bool hooks_agreed; /* commands were run before */
    const char *asker; /* of switchover_ask_hooks(); NULL: "" */
    const char *to;    /* of REDIRECT */
};

static inline bool switchover_is_over(const struct switchover *switchover)
{
    return switchover->state >= SWITCHOVER_CLOSED;
}

/* Is it neither here nor there, by what is desired? Not yet, and not any more, where it may set out. */
static inline bool switchover_has_set_out(const struct switchover *switchover)
{
    return switchover->state != SWITCHOVER_PLANNED && switchover->state != SWITCHOVER_UNPROTECTED &&
           switchover->state != SWITCHOVER_PROTECTED;
}

/* Would the verb be right now? 0, or ERROR_CONFLICT and why, in words. A verification that is too old is a
 * reason. Whether what was found is good is for the caller to say. */
enum { SWITCHOVER_WHY_SIZE = 256 };
int switchover_judge(const struct switchover *switchover, const struct switchover_wish *wish, int64_t wall_ms,
                     char why[SWITCHOVER_WHY_SIZE]);
/* Whether the verb leads anywhere from where it is; `is_emergency` as in a wish. */
bool switchover_allows(const struct switchover *switchover, enum switchover_verb verb, bool is_emergency);

/* Do it: one that was judged good. */
void switchover_do(struct switchover *switchover, const struct switchover_wish *wish, int64_t wall_ms);
/* Commands are run before a verb that was judged good (see herald/hooks.h): it stays where it is, and
 * whatever is done to it ends that. */
void switchover_ask_hooks(struct switchover *switchover, const struct switchover_wish *wish, int64_t wall_ms);
/* They are not run any more, and the verb is not done: "stopped", "interrupted", with the text of the wish.
 */
void switchover_end_hooks(struct switchover *switchover, const char *what, const struct switchover_wish *wish,
                          int64_t wall_ms);
/* Let time pass: the next steps that are due. Returns whether there was one. A clock that was set back, or by
 * years, makes no step early: who takes a step late begins the next one then. */
bool switchover_follow(struct switchover *switchover, int64_t wall_ms);
/* A step that is due is not taken, because of a finding; while TTLs are low they stay so. Steps go on with
 * switchover_follow(), by whoever has looked again. */
void switchover_hold(struct switchover *switchover, const char *by, const char *why, int64_t wall_ms);
bool switchover_is_held(const struct switchover *switchover);
/* And what of it? NULL: whatever it is about. */
bool switchover_has_accepted(const struct switchover *switchover, const char *finding,
                             const struct subject *subject);
/* One after the other: the name of what `at` (at first `accepted`) begins with, and the rest of the list. */
const char *switchover_read_accepted(const char *at, char name[SWITCHOVER_FINDING_SIZE]);
int64_t switchover_next_ms(const struct switchover *switchover); /* wall, of the next step; 0: none */
/* The wall clock was set by so much: its times go with it, and durations of what was desired before. */
void switchover_shift(struct switchover *switchover, int64_t by_ms);

/* Percent of the traffic that have moved off the targets: 0..100. */
unsigned switchover_get_share(const struct switchover *switchover);

/* What is desired of its targets before it moves them. */
void switchover_note_before(struct switchover *next, const struct health *health);
/* What is desired of a target now: a drain by this switchover, in part or in whole; what was before it; or
 * nothing (desired AUTO). `planned`: its start is yet to come. A drain that is planned while TTLs are low
 * never starts by itself, but by the step that was looked at. */
struct health_override switchover_want(const struct switchover *switchover, size_t target, bool *planned);
/* The names that its drain of a target is about: nobody is let back by a switchover of other names, it takes
 * theirs along, and all of them in one step. Where that is too long a list, it is of all names. */
void switchover_join_names(const struct switchover *switchover, size_t target, char names[HEALTH_NAMES_SIZE]);
