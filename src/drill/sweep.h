/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Many drills: the loss of every az, every region, and every pair of azs and of regions, one after the other,
 * each from the start. What comes of it is a table of risks: which losses break an objective, where capacity
 * runs out, and which names hang on a single place. */
#pragma once

#include "drill/drill.h"

/* One loss. */
struct drill_risk {
    const char *lost; /* "az:us-east-1a", "region:us-east, region:eu-west" */
    bool is_pair;
    const char **reasons; /* why it failed; none: it did not */
    size_t reason_count;
    size_t names_changed;
    size_t unserved_count;  /* answers that were served before */
    int64_t recovery_ms;    /* decision + TTL; -1: nothing changes */
    double failed_share;    /* of requests */
    int64_t failed_last_ms; /* -1: none fails */
    const char *region;     /* with the highest use of what is left of its capacity; NULL: not known */
    double use;
};

/* A name that has no healthy answer when this one place is lost. */
struct drill_single {
    const char *name, *lost;
};

enum { DRILL_SWEEP_MAX = 1000 };

struct drill_sweep {
    const struct drill_risk *risks; /* those that fail first, else in the order of the topology */
    size_t risk_count, failed_count;
    size_t left_out;                    /* pairs beyond DRILL_SWEEP_MAX losses */
    const struct drill_single *singles; /* by the narrowest place, in the order of names */
    size_t single_count;
};

/* `document` says how long each drill lasts, who the clients are and what the objectives are; its events do
 * not count, nor which names must move. Returns 0, ERROR_INVALID (no topology) or ERROR_CANCELLED. All in the
 * arena. */
int drill_sweep(const struct view *view, const struct drill_document *document, struct progress *progress,
                struct arena *arena, struct drill_sweep *sweep);

/* Returns owned. */
char *drill_write_sweep_json(const struct drill_sweep *sweep);
char *drill_write_sweep_text(const struct drill_sweep *sweep);
