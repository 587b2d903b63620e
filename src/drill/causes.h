/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens in a drill: causes, each of which begins at a time, concerns something and may end. From them
 * follows, at any time, how a check ends and which requests of clients fail. Pure; the same for the same
 * seed, whatever is asked in between.
 *
 * Of several causes that concern the same thing at once the worst decides. One that says RECOVERED ends all
 * that began before it, for what it concerns. A place, or an endpoint, that is lost is so for checks and for
 * clients; what concerns a check or a vantage is seen by checks alone. What concerns a link is seen by checks
 * that are made from one side of it, and by clients who are led by what that side sees.
 *
 * Who makes checks is a vantage, which has a number: 0 is the server itself. */
#pragma once

#include "base/arena.h"
#include "conf/topology.h"
#include "health/outcome.h"
#include "health/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum drill_what {
    DRILL_PLACE,   /* a region, az or endpoint */
    DRILL_CHECK,   /* a check, of whatever endpoint */
    DRILL_VANTAGE, /* the sight of a vantage, or what it says */
    DRILL_LINK,    /* what a place is from somewhere */
    DRILL_COPY,    /* what a region or az replicates to another one */
};

enum drill_how {
    DRILL_LOST,      /* "lost", "refused": outcome says how checks end */
    DRILL_SLOW,      /* "slow": answers come after slow_ms */
    DRILL_FLAPPING,  /* "flapping": lost for down_ms, well for up_ms, and so on */
    DRILL_PARTIAL,   /* "partial": a share of the endpoints is lost, or of checks and requests fails */
    DRILL_SILENT,    /* "silent": of a vantage: it says nothing any more, and goes on looking */
    DRILL_LAG,       /* "lag" */
    DRILL_RECOVERED, /* "recovered" */
};

struct drill_cause {
    int64_t at_ms, until_ms; /* since the start of the drill; until: INT64_MAX: for good */
    enum drill_what what;
    enum health_kind kind; /* of a place, or of the one that a link leads to */
    uint32_t index;        /* that place; the check; the lag of the machine */
    uint32_t from;         /* of a vantage and a link: who is concerned, a bit for each number */
    /* Of a link: by endpoint, is it seen by nobody but that side, so that its clients go by it? NULL: it is
     * no matter of clients. Borrowed. */
    const bool *led;
    enum drill_how how;
    enum health_outcome outcome; /* of LOST, FLAPPING and PARTIAL: how a check of it fails */
    int64_t slow_ms, up_ms, down_ms;
    double share;            /* of PARTIAL */
    bool is_share_of_checks; /* else of endpoints */
    double lag_ms, growth;   /* of LAG: at its begin, and how much more per millisecond */
    const char *text;        /* "region:us-east"; borrowed */
};

/* The short form of one. */
struct drill_loss {
    enum health_kind kind;
    uint32_t index;
};
/* All of them at 0, for good; outcome: NONE: TIMEOUT. As many, in the arena. */
struct drill_cause *drill_list_losses(const struct conf_topology *topology, const struct drill_loss *losses,
                                      size_t count, enum health_outcome outcome, struct arena *arena);

struct drill_causes {
    const struct conf_topology *topology;
    const struct drill_cause *items; /* by at_ms */
    size_t count;
    uint64_t seed;
};

/* Does it concern this endpoint, as clients have it? */
bool drill_cause_covers(const struct drill_causes *causes, const struct drill_cause *cause,
                        uint32_t endpoint);
/* Does it change how this check (index) of this endpoint ends, where the server itself makes it? */
bool drill_cause_touches(const struct drill_causes *causes, const struct drill_cause *cause,
                         uint32_t endpoint, uint32_t check);

/* A check that somebody makes. */
enum { DRILL_LOCAL = 0 };
#define DRILL_CONTROL UINT32_MAX /* in the place of an endpoint: a control target, which is nowhere */
struct drill_look {
    uint32_t vantage, endpoint, check;
};
bool drill_cause_touches_look(const struct drill_causes *causes, const struct drill_cause *cause,
                              const struct drill_look *look);

struct drill_result {
    enum health_outcome outcome;
    int64_t took_ms;
    bool is_chance; /* the next one of the same check may end otherwise although nothing has changed */
};

/* How a check of an endpoint ends that begins at a time, by what was the case until then: what changes at
 * that very moment it does not see. `round`: a number of the check, which chance hangs on. */
struct drill_result drill_causes_check(const struct drill_causes *causes, uint32_t endpoint, uint32_t check,
                                       int64_t at_ms, uint64_t round);
/* The same of a check that anybody makes. */
struct drill_result drill_causes_look(const struct drill_causes *causes, const struct drill_look *look,
                                      int64_t at_ms, uint64_t round);
/* The vantages that say nothing from that time on, a bit for each. */
uint32_t drill_causes_find_silent(const struct drill_causes *causes, int64_t at_ms);

/* Of requests that clients send to an endpoint from a time on: the share that fails, 0..1, and after how long
 * others are answered. */
struct drill_service {
    double fails;
    int64_t slow_ms;
};
struct drill_service drill_causes_serve(const struct drill_causes *causes, uint32_t endpoint, int64_t at_ms);
/* Likewise of the endpoint itself, whatever the ways to it are: what it cannot do any more. */
double drill_causes_lose(const struct drill_causes *causes, uint32_t endpoint, int64_t at_ms);

/* How far a copy lags behind at a time: ms; below 0: nothing is said of it by any cause. */
double drill_causes_lag(const struct drill_causes *causes, uint32_t lag, int64_t at_ms);

/* The next time, at `from_ms` or later, at which a cause begins, ends or turns; INT64_MAX: none does. */
int64_t drill_causes_next(const struct drill_causes *causes, int64_t from_ms);
enum drill_turn { DRILL_TURN_NONE, DRILL_TURN_BEGINS, DRILL_TURN_ENDS };
/* What a cause does at that time: RECOVERED, and the up of a flap, are ends. */
enum drill_turn drill_cause_turns(const struct drill_cause *cause, int64_t at_ms);
