/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The world in which a scenario is run: what there is, and what time it is. Below scenario_run.c (the steps
 * that do something) and scenario_expect.c (those that look). */
#pragma once

#include "scenario.h"

#include "base/random.h"
#include "conf/server.h"
#include "conf/topology.h"
#include "health/health.h"
#include "probe/schedule.h"
#include "view/view.h"

#include <stdarg.h>
#include <stdbool.h>

enum { SCENARIO_WALL_MS = 1000000000 }; /* ahead of the monotonic time */

/* The checks of a monitor, once they run. */
struct scenario_checks {
    struct schedule schedule;
    int64_t next_us, started_us, ends_us; /* ends_us: of the one under way; 0: none is */
    enum health_outcome meets;            /* what they end with */
    unsigned made;                        /* since somebody asked */
};

struct scenario_world {
    const struct scenario *scenario;
    const struct scenario_step *step;
    const char *without;           /* a key that is left out of documents; NULL: none is */
    struct conf_vantages quorums;  /* of the server's document */
    const struct json_t *document; /* what `topology` is read from; borrowed from the scenario */
    char *why;
    enum scenario_end end;
    struct conf_topology *topology;
    struct view_monitor *monitors;
    size_t monitor_count;
    struct health *health;
    bool has_quorums, runs;
    struct random random;
    int64_t now_ms;
    struct scenario_checks *checks;       /* of monitors */
    unsigned *changes[HEALTH_REGION + 1]; /* of what answers follow, by object */
    struct health_vantage_plan vantages[HEALTH_VANTAGES_MAX];
    bool silent[HEALTH_VANTAGES_MAX];
    size_t vantage_count;
};

/* Objects that a name stands for: ENDPOINT[/CHECK][/FAMILY], an az or a region. */
struct scenario_target {
    enum health_kind kind;
    uint32_t index;
    ptrdiff_t check;             /* -1: all */
    enum health_family family;   /* ANY: both */
    uint32_t first, last, count; /* monitors that are meant: of those from the first to before the last */
};

/* Both return false. */
bool scenario_break(struct scenario_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool scenario_miss(struct scenario_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool scenario_find_target(struct scenario_world *w, const char *word, struct scenario_target *target);
bool scenario_is_meant(const struct scenario_world *w, const struct scenario_target *target, size_t monitor);
int scenario_find_vantage(const struct scenario_world *w, const char *name); /* its place; -1: none */

/* The pair of two regions or azs, the first two words. */
bool scenario_find_lag(struct scenario_world *w, const char *const *words, ptrdiff_t *lag);
bool scenario_find_outcome(struct scenario_world *w, const char *word, enum health_outcome *outcome);

/* ---- time ---- */

int64_t scenario_wall(const struct scenario_world *w);
void scenario_pass(struct scenario_world *w, int64_t to_ms);
/* What follows from what was just done, at once. */
void scenario_follow(struct scenario_world *w);
void scenario_keep_alive(struct scenario_world *w); /* vantages that are not silent */
void scenario_observe(struct scenario_world *w, uint32_t monitor, enum health_outcome outcome);

/* ---- life ---- */

/* Of scenario, random and why. false: its documents are broken. */
bool scenario_open(struct scenario_world *w, const char *without);
void scenario_close(struct scenario_world *w);
/* What there is by that document, in place of what was (which is whoever's else it was copied to): topology,
 * monitors, health and what is counted of them. false: the document is broken, and nothing is there. */
bool scenario_load(struct scenario_world *w, const struct json_t *document);
void scenario_unload(struct scenario_world *w);
void scenario_listen(struct scenario_world *w); /* count changes, from now on */
/* The checks of one monitor begin, by their schedule. */
void scenario_begin_checks(struct scenario_world *w, size_t monitor);

/* ---- anew (scenario_anew.c) ---- */

/* Another topology; and the end of the server, of which the next one knows what was written down. */
bool scenario_reload(struct scenario_world *w, const char *const *words);
bool scenario_restart(struct scenario_world *w, const char *const *words);

/* The words behind "expect". */
bool scenario_expect(struct scenario_world *w, const char *const *words);
