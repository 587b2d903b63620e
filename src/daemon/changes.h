/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What changes, as the server says it: into the one stream of events (events/stream.h), from which the log
 * and the metrics take it. Every function here may be called by any thread, under the health lock too. */
#pragma once

#include "base/buffer.h"
#include "base/log.h"
#include "events/stream.h"
#include "health/health.h"

struct bell;
struct changes;
struct teller;

struct changes *changes_new(void);
/* Only when the log has ended, which reads from it. NULL is fine. */
void changes_free(struct changes *changes);
/* Where the log takes its lines from. Before changes_open() there are none. */
const struct log_source *changes_get_source(struct changes *changes);
/* It rings when something is published, from changes_open() on, before which this is called. Borrowed. */
void changes_add_bell(struct changes *changes, struct bell *bell);
/* NULL before it is open. */
struct stream *changes_get_stream(const struct changes *changes);
/* Keep that many and some more. Before anything changes, and before any other thread may. */
void changes_open(struct changes *changes, size_t objects);

/* The teller is woken for what is not told at once. */
void changes_listen(struct changes *changes, struct teller *teller, struct health *health);
/* Overrides that start or end by themselves are told to one more, on the control thread under the health
 * lock. */
void changes_hook_turns(struct changes *changes,
                        void (*turned)(void *context, const struct health_override_turn *turn),
                        void *context);
/* That a copy is over its RPO, or not any more, or at another stage: by any thread, likewise. NULL: nobody.
 */
void changes_hook_lags(struct changes *changes, void (*lagged)(void *context), void *context);
/* That something that served is observed as lost (`what` "unhealthy"), or that the brake holds ("brake"): by
 * any thread, likewise. */
void changes_hook_failures(struct changes *changes,
                           void (*failed)(void *context, const char *what, const char *name), void *context);
void changes_tell_override(struct changes *changes, enum health_kind kind, const char *name,
                           const struct health_override *override);
/* Any. */
void changes_publish(struct changes *changes, const struct change *change);
/* A safety rule is violated, or is kept again (changes_rules.c). */
struct changes_rule {
    const char *name;
    bool is_violated;
    const char *why, *needs; /* needs: NULL: nothing */
};
void changes_tell_rule(struct changes *changes, const struct changes_rule *rule);
/* Somebody overrides rules, "room,slowly", by what he says of a target, or reads. */
struct changes_overriding {
    const char *target, *by;           /* "region:us", "drain"; "configuration", "reload" */
    const char *actor, *peer, *reason; /* NULL or "": not said */
};
void changes_tell_overridden(struct changes *changes, const char *rules,
                             const struct changes_overriding *overriding);
/* Somebody let it come back. */
/* A rule lets go what it holds in a region, since an operator said so. */
void changes_tell_released(struct changes *changes, const char *rule, const char *region,
                           const struct health_override *who);
void changes_tell_failback(struct changes *changes, enum health_kind kind, const char *name,
                           const struct health_override *who);
/* Somebody deleted a report of load. */
void changes_tell_forgotten(struct changes *changes, const char *endpoint,
                            const struct health_load_report *report);

struct changes_reload {
    const char *result, *what; /* "ok" "partial" "refused"; a zone, "all", or "documents" */
    uint64_t generation;
    size_t errors, warnings;
    int64_t duration_ms;
};
void changes_tell_reload(struct changes *changes, const struct changes_reload *reload);

/* What an https check saw of an endpoint: its certificate ends soon, or not any more. */
struct changes_certificate {
    const char *endpoint, *check, *family;
    int64_t ends_ms, days;
    bool is_near;
};
void changes_tell_certificate(struct changes *changes, const struct changes_certificate *certificate);

/* Of a host that checks as well. */
struct changes_vantage {
    const char *name, *turn;           /* "connected" … */
    const char *from, *was, *why;      /* NULL: there is none */
    size_t checks;                     /* 0 likewise */
    const char *actor, *peer, *reason; /* likewise */
};
void changes_tell_vantage(struct changes *changes, const struct changes_vantage *vantage);

/* Of a node of a cluster: "come", "gone"; of this one: its phase ("away" …), or "differs", "agrees"; and of
 * any server ("local" without a cluster): "cut_off", "in_touch", "withdrawn", "announced", "route_withdrawn",
 * "route_announced", "route_command_failed". */
struct changes_node {
    const char *name, *turn, *why;     /* why: NULL or "": not said */
    uint64_t seq;                      /* 0: not said */
    const char *actor, *peer, *reason; /* NULL or "": nobody has ordered it */
};
void changes_tell_node(struct changes *changes, const struct changes_node *node);

/* A bundle of configuration: "begun", "active", "failed", "cancelled" on all nodes; "ready", "cannot",
 * "serves" on this one. */
struct changes_bundle {
    const char *id, *turn, *why; /* why: NULL or "": not said, like what follows */
    const char *node, *node_why; /* this one ("ns1/feedbeef01234567" is fine), or the first that could not */
    const char *actor, *reason;
};
void changes_tell_bundle(struct changes *changes, const struct changes_bundle *bundle);

struct changes_switchover {
    const char *id, *before, *after; /* states; before NULL: it is new */
    unsigned share;                  /* percent that have moved */
    const char *held_by, *held;      /* its steps are held: the finding, and in words; "": they are not */
    const char *actor, *peer, *reason;
};
struct incident;
/* "lost", "back", "gone" */
void changes_tell_incident(struct changes *changes, const struct incident *incident, const char *turn);
void changes_tell_switchover(struct changes *changes, const struct changes_switchover *switchover);

struct changes_drill {
    const char *lost; /* the first one */
    size_t losses, names_changed, unserved;
    int64_t recovery_ms;
};
void changes_tell_drill(struct changes *changes, const struct changes_drill *drill);
/* One that clients see: "started", "whole" (all of them, from now on), "ended". */
struct changes_shadow {
    unsigned live;   /* percent of all clients that see it; 0: a shadow drill, of some clients */
    const char *why; /* it was aborted, in words; NULL: it was not */
    const char *id, *turn, *lost, *because; /* lost: the first one; because NULL: it has not ended */
    size_t losses, answers_changed;
    int64_t decision_ms, sampled,
        differences; /* decision_ms -1: no answer changed; sampled -1: nobody looked */
    const char *actor, *peer, *reason;
};
void changes_tell_shadow(struct changes *changes, const struct changes_shadow *shadow);
/* How it goes on: "step" (something begins or ends in it), "seen" (by the first check), "moved" (answers have
 * changed). */
struct changes_step {
    const char *id, *turn, *text; /* text: of a step; NULL: none */
    bool is_live;
    int64_t at_ms, duration_ms; /* since it began; and that it lasts */
    size_t answers_changed;     /* so far */
};
void changes_tell_step(struct changes *changes, const struct changes_step *step);
/* One that is done regularly: "met", "failed" (an objective was missed, or it could not run), "missed" (it
 * was not run at its time). */
struct changes_schedule {
    const char *name, *turn, *why, *report; /* why, report: "": none */
    int64_t due_ms;                         /* wall; 0: at no time */
    uint64_t count;                         /* so many were missed */
};
void changes_tell_schedule(struct changes *changes, const struct changes_schedule *schedule);
/* Copies of a zone hold something else under this serial. */
void changes_tell_rendition(struct changes *changes, const char *zone, uint32_t serial, size_t policies);
/* The addresses of a host name, of one family; no state but "failing" is a failure. */
void changes_tell_host(struct changes *changes, const char *host, const char *family, const char *state);

struct admin_refusal;
/* `untold`: before this one, since the last that was told. */
void changes_tell_access(struct changes *changes, const struct admin_refusal *refusal, uint64_t untold);

void changes_write_metrics(const struct changes *changes, struct buffer *out);
