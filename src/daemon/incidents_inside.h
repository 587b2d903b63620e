/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of incidents share: keeping (incidents_kept.c), writing down and telling
 * (incidents_written.c), looking (incidents.c). Private to src/daemon. */
#pragma once

#include "base/worker.h"
#include "daemon/incidents.h"

struct event;
struct reader;
struct store_object;

struct kept_incident {
    struct worker_job job; /* the first, so that one is the other: it looks */
    struct incidents *all;
    struct kept_incident *next; /* the latest first */
    struct incident what;
    struct incident found; /* by the look */
    struct reader *reader;
    bool is_looking, has_looked;
    bool is_predicting;           /* the job is that: what happens to it is told meanwhile */
    bool is_to_judge, is_judging; /* objectives once more: as soon as the job is free; the job is that */
    bool is_held;                 /* safety rules keep answers there now; a word of the latest look */
    double told_share;            /* of resolvers that have left: as it was written down last */
};

/* A look at how resolvers leave regions that were lost: of all of them, at once. */
enum { INCIDENT_DRAINS_MAX = 16 };
struct incident_drains {
    struct worker_job job; /* the first */
    struct incidents *all;
    size_t count;
    struct {
        char id[INCIDENT_ID_SIZE], target[INCIDENT_NAME_SIZE + 8];
        int64_t span_ms[2];
        struct incident_drain found; /* began_ms 0: there is none */
    } items[INCIDENT_DRAINS_MAX];
};

struct incidents {
    struct server *server;
    struct kept_incident *first;
    struct event *timer;
    struct incident_drains drains;
    bool is_measuring;      /* those are under way */
    int64_t measure_due_ms; /* monotonic: not before */
};

struct kept_incident *incidents_keep(struct incidents *all, const struct incident *what);
struct kept_incident *incidents_find(const struct incidents *all, const char *id);
/* The one of a target that goes on; NULL: none does. */
struct kept_incident *incidents_find_open(const struct incidents *all, enum health_kind kind,
                                          const char *name);
/* ---- incidents_written.c ---- */

void incidents_drop(struct incidents *all, struct kept_incident *kept);
/* Into the store; and events, too. `turn`: what has become of it. */
void incidents_write_down(struct incidents *all, const struct incident *what, const char *turn);
void incidents_tell(struct incidents *all, const struct incident *what, const char *turn);

/* ---- incidents_measure.c ---- */

/* When answers were to leave, and when they had. Returns whether there is news. */
bool incidents_measure(struct kept_incident *kept);
/* Measure what has been told of as lost, and how resolvers leave. */
void incidents_follow_course(struct incidents *all);

/* For store_list(): `all` is a struct incidents. */
bool incidents_read_one(void *all, const struct store_object *object);
