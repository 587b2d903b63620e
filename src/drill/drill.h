/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drill "simulate": the loss of regions, azs or endpoints computed in virtual time with the health and steering
 * code that serves, on a health machine of its own. Nothing of the live view or its health changes.
 *
 * The simulated prober follows the topology: each monitor is checked every interval; monitors of what is lost
 * fail with `failure` (a refusal is seen at once, a timeout after the check's timeout), all others succeed. The
 * first check after the loss comes at the worst moment: a whole interval after the loss (worst case), and the
 * report also gives the expected time (half an interval). */
#pragma once

#include "base/arena.h"
#include "health/health.h"
#include "view/view.h"

#include <stddef.h>
#include <stdint.h>

struct drill_loss {
    enum health_kind kind;
    uint32_t index;
};

struct drill_scenario {
    const struct drill_loss *losses;
    size_t loss_count;
    enum health_outcome failure; /* TIMEOUT (a dead host) or REFUSED (a dead process); default TIMEOUT */
    bool from_live; /* start from the live health (overrides, what is down already); else all is healthy */
};

/* Where the traffic of a name goes: shares by region, before and after. */
struct drill_share {
    const char *region; /* NULL: not to any endpoint (static records, no data, SERVFAIL) */
    double before, after; /* 0..1 */
};

struct drill_name {
    const char *name, *type, *class_label; /* class of clients; "default" where there is no geography */
    uint32_t ttl;
    const char *before, *after; /* source and tier, such as "tier us-east" or "fallback static" */
    bool changes;
    bool unserved; /* after: nothing healthy answers (fallback) */
    const struct drill_share *shares;
    size_t share_count;
    int64_t decided_ms; /* after the loss; -1: does not change */
};

struct drill_event {
    int64_t at_ms;    /* after the loss, worst case */
    const char *text; /* "first failed check of web-a (timeout)", "endpoint web-a unhealthy", "region us-east lost" … */
};

struct drill_report {
    const char **lost; /* "region:us-east" … */
    size_t lost_count;
    const struct drill_event *events;
    size_t event_count;
    const struct drill_name *names; /* each steered name, type and class; changed ones first */
    size_t name_count, changed_count, unserved_count;
    const struct drill_share *total; /* all names alike */
    size_t total_count;
    int64_t detection_ms; /* the first failed check, worst case */
    int64_t decision_ms;  /* the last verdict that changes an answer, worst case; -1: none changes */
    int64_t decision_expected_ms; /* on average over the moment of the loss */
    int64_t ttl_ms;       /* the largest TTL among changed names: caches follow by then */
    int64_t recovery_ms;  /* decision + ttl; -1: nothing to recover; meaningful if unserved_count is 0 */
    int64_t rto_ms;       /* objective from the topology; 0: none */
    bool meets_rto;
};

/* Returns 0, or ERROR_INVALID (a view without topology, no loss). The report lives in the arena. The caller holds
 * the health lock if from_live. */
int drill_simulate(const struct view *view, const struct drill_scenario *scenario, struct arena *arena,
                   struct drill_report *report);

/* The report as JSON text (returns owned, for free()) and as text for people. */
char *drill_write_json(const struct drill_report *report);
char *drill_write_text(const struct drill_report *report);
