/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What views consist of, for src/view only. A view (view.h) is a set of pointers for those who read; here are
 * the owners behind them, each shared by reference count:
 *
 *   ground   what one load made and no reload of one zone changes: documents, topology, databases
 *   content  the zones with the policies and names that belong to them, over a ground. Immutable once it is
 *            published, but that an unsteered zone may be exchanged in its table (view_install_zone)
 *   state    what changes while it serves, over a ground: health, addresses of hosts, renditions, and what is
 *            listed of zones
 *   caches   choices of DNS threads, for one steer set and one health table
 *
 * A view with another state over the same content is a copy (view_copy), and costs no more than its state. */
#pragma once

#include "view/view.h"

#include <pthread.h>
#include <stdatomic.h>

struct arena;

enum { VIEW_TURN = 64 }; /* objects that are looked at in one turn at the lock: some 10 µs */

struct view_ground {
    _Atomic uint32_t holders;
    struct conf_server *server;
    struct conf_topology *topology;
    struct geo_db **geo; /* held */
    size_t geo_count;
    struct view_monitor *monitors;
    struct tsig_keys *keys;
    struct view_acls *acls;
    struct limiter *limiter; /* held */
    struct view_seen *seen;
    struct arena *arena;
};

/* Which policies have an endpoint as a member: those of endpoint e are policies[starts[e]..starts[e + 1]]. */
struct view_memberships {
    _Atomic uint32_t holders;
    size_t endpoint_count, policy_count; /* of what it was made */
    uint32_t *starts, *policies;
};

/* A steer set that several contents have in common. */
struct view_set {
    _Atomic uint32_t holders;
    struct steer_set *set;
    struct view_memberships *memberships; /* held; of the set, or of the one that it extends */
};

/* Texts of the names of a zone that was read alone. */
struct view_texts {
    _Atomic uint32_t holders;
    struct arena *arena;
};

/* Somebody reads a content without being a reader to QSBR. */
struct view_hold {
    struct view_hold *next;
    uint64_t since; /* of the content's sequence */
};

/* A zone that was exchanged, and that those who hold the content since before may still find. */
struct view_retired {
    struct view_retired *next;
    struct zone *zone;
    uint64_t at;
};

struct view_content {
    _Atomic uint32_t holders;
    struct view_ground *ground;
    struct zone_table *zones;
    struct view_set *set;
    struct view_name *names;
    struct view_texts **texts; /* of each zone; NULL: all names are the ground's */
    size_t zone_count;
    pthread_mutex_t lock; /* of what follows; held for a moment, by any thread */
    uint64_t sequence;
    struct view_hold *holds; /* the latest first */
    struct view_retired *retired;
};

struct view_state {
    _Atomic uint32_t holders;
    struct view_ground *ground;
    struct health *health;
    struct view_host *hosts;
    size_t host_count;
    struct view_primary *primaries;
    size_t primary_count;
    struct view_zone *zone_list;
};

struct view_caches {
    _Atomic uint32_t holders;
    struct steer_cache **items;
    size_t count;
};

/* ---- content.c ---- */

void view_hold_ground(struct view_ground *ground);
void view_release_ground(struct view_ground *ground);
struct view_content *view_new_content(const struct view *view); /* of the parts that the view has; owned */
void view_hold_content(struct view_content *content);
void view_release_content(struct view_content *content); /* NULL is fine */

/* From now on the view may be read by those who are no readers to QSBR. */
void view_begin_hold(struct view *view);
void view_end_hold(const struct view *view); /* before it goes away */

/* What is new of one zone. */
struct view_zone_news {
    size_t index;
    struct zone *zone;
    struct view_name *names; /* sorted */
    size_t name_count;
    struct arena *texts;     /* of the names */
    struct steer_set *steer; /* that extends the one there is; NULL: the same */
};
/* Give the view a content of its own that differs in this one zone. Takes zone, texts and set. */
void view_succeed_content(struct view *next, const struct view_zone_news *news);
/* The zone was exchanged, and no reader has it any more: free it when nobody holds the content since before.
 */
void view_retire_zone(struct view_content *content, struct zone *zone);

struct view_caches *view_new_caches(const struct steer_set *steer, size_t count); /* owned */
struct view_caches *view_hold_caches(struct view_caches *caches);
void view_release_caches(struct view_caches *caches);                /* NULL is fine */
void view_set_caches(struct view *view, struct view_caches *caches); /* takes them */

/* ---- state.c ---- */

struct view_state *view_new_state(struct view *view); /* of the parts that the view has; holds its ground */
void view_hold_state(struct view_state *state);
void view_release_state(struct view_state *state); /* NULL is fine */

/* ---- view.c ---- */

/* The owners of everything that was put into the view; from now on view_free() is all that it takes. */
void view_seal(struct view *view);
/* Another view of the same parts: content and state are held, caches are not taken along. */
struct view *view_share(const struct view *view);

/* ---- unchanged.c ---- */

void view_free_seen(struct view_seen *seen); /* NULL is fine */

/* ---- hosts.c, primary.c ---- */

void view_free_hosts(struct view_host *hosts, size_t count);
/* For another state. */
struct view_host *view_copy_hosts(const struct view_host *hosts, size_t count, struct lock *lock);
/* What is known of a host of the same name. Returns whether endpoints have to follow: view_apply_host(). */
bool view_carry_host(struct view_host *to, const struct view_host *from);
/* Words and monitors of an endpoint follow what is known of its host, if it has one. */
void view_apply_host(struct view *view, uint32_t endpoint, int64_t wall_ms);
void view_free_primaries(struct view_primary *primaries, size_t count);
