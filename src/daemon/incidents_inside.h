/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of incidents share: keeping (incidents_kept.c), looking and telling (incidents.c). Private
 * to src/daemon. */
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
    bool is_predicting; /* the job is that: what happens to it is told meanwhile */
};

struct incidents {
    struct server *server;
    struct kept_incident *first;
    struct event *timer;
};

struct kept_incident *incidents_keep(struct incidents *all, const struct incident *what);
struct kept_incident *incidents_find(const struct incidents *all, const char *id);
/* The one of a target that goes on; NULL: none does. */
struct kept_incident *incidents_find_open(const struct incidents *all, enum health_kind kind,
                                          const char *name);
/* For store_list(): `all` is a struct incidents. */
bool incidents_read_one(void *all, const struct store_object *object);
