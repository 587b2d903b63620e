/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A reload, for reload.c and for what compiles a view and holds it (reload_hold.c). Private to src/daemon. */
#pragma once

#include "daemon/reload.h"
#include "operate/rules.h"
#include "past/bundle.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct documents_load;
struct event;
struct operate_comparison;
struct snapshot;
struct targets;
struct vantages_news;
struct view;
struct view_succession;
struct view_zone_update;

/* Owned by the loader thread until it has written to the eventfd, then by the control thread. */
struct reload {
    struct server *server;
    pthread_t thread;
    int fd;
    struct event *finished;
    const struct view *previous;
    ptrdiff_t zone_index; /* one zone of the running view; -1: everything */
    struct view_zone_update *update;
    uint64_t fingerprint; /* of its content, if somebody copies it */
    uint64_t generation;
    size_t cache_count;
    struct view *view;
    struct view_succession *succession; /* of that view */
    struct targets *targets;            /* likewise */
    struct vantages_news *news;         /* likewise */
    struct reload *next;                /* that waits for its turn */
    struct documents_load *documents;
    bool is_dry, is_edit;
    bool may_be_same, is_same;          /* nothing has changed: reload_same.c */
    bool is_refused;                    /* an edit, because of what it would make */
    enum role role, needed;             /* of who brings it, and what it needs beyond that; NONE: nothing */
    struct admin_overruling overruling; /* in the arena */
    struct operate_rules rules;         /* likewise: what safety rules say of it */
    bool is_start;                      /* nobody asks them */
    bool is_against_rules;              /* it is refused for that, unless it is a dry run */
    bool is_loading;                    /* its thread is there */
    bool is_storing;                    /* the store has what is read */
    /* What is compiled does not serve before that is said (reload_hold.c): it was compiled, or could not be.
     * NULL: it serves at once. */
    void (*keep)(struct reload *reload);
    char bundle[BUNDLE_ID_SIZE]; /* of that: what it is compiled from */
    int store_error;             /* of that */
    struct report *report;
    struct snapshot *before;            /* of a dry run, else NULL */
    ptrdiff_t told_zone;                /* that a dry run is asked about; -1: all */
    size_t limit;                       /* of what is told of changes */
    struct operate_comparison *changes; /* in the arena; NULL: not known */
    struct arena *arena;                /* of the reload */
    int64_t started_us;
    void (*done)(void *argument, const struct admin_reload_result *result);
    void *argument;
};

/* ---- reload_same.c ---- */

/* What is asked for may be answered by looking whether anything has changed. */
bool reload_may_be_same(const struct server *server, const struct admin_reload *asked);
/* Nothing has: what changes for traffic is known, and there is no view. On the loader thread. */
bool reload_find_same(struct reload *reload);
void reload_install_same(struct reload *reload);

/* ---- reload_rules.c ---- */

void reload_copy_overruling(struct reload *reload, const struct admin_overruling *from);
/* What safety rules say of a view that would serve, before anything is stored. On the loader thread. */
void reload_judge_rules(struct reload *reload, const struct view *next);
/* It has ended: that rules were overridden, or what is not loaded because of them. */
void reload_tell_rules(const struct reload *reload, const char *what, bool good);

/* ---- reload.c ---- */

/* Of what serves now. */
struct reload *reload_new(struct server *server, const struct admin_reload *asked,
                          void (*done)(void *argument, const struct admin_reload_result *result),
                          void *argument);
int reload_launch(struct reload *reload); /* takes it: 0, or an error */
/* What was compiled is taken on from here, on the loader thread, and installed. 0, or an error: nothing has
 * begun. */
int reload_go_on(struct reload *reload);
void reload_free(struct reload *reload);    /* without its view */
void reload_reclaim(struct reload *reload); /* likewise, when there is time */
void reload_start_next(struct server *server);
