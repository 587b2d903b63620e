/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the host names of endpoints resolve to at present. Written by the thread that publishes, from what it
 * is told; read by DNS threads on the way, without lock or copy.
 *
 * A host's addresses are one immutable block, exchanged as a whole. Which families of them an endpoint has is
 * told by its health word too, so that choices follow by the generation of the health table. Order of a
 * change: the words lose a family before its addresses go and get it after they came, with a grace period in
 * between; so who was chosen because it has addresses of a family finds some. */
#pragma once

#include "view/view.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VIEW_ADDRESSES_MAX = 8, /* per host and family */
    VIEW_STALE_TTL_S = 30,  /* of addresses that could not be confirmed in time: RFC 8767 section 4 */
    VIEW_FRESH_TTL_S = 5,   /* of those about to be confirmed: they are not looked up more often than that */
};

struct lock;

enum view_family { VIEW_V4, VIEW_V6, VIEW_FAMILIES };

/* Immutable, but for who holds it: a view, and copies of that. */
struct view_addresses {
    struct addr items[VIEW_FAMILIES][VIEW_ADDRESSES_MAX];
    uint16_t count[VIEW_FAMILIES];
    _Atomic uint32_t holders;
};

enum view_host_state {
    VIEW_HOST_PENDING, /* "pending": not answered yet */
    VIEW_HOST_GOOD,    /* "good" */
    VIEW_HOST_FAILING, /* "failing": the latest attempt failed; the last good addresses, if any, are kept */
};
enum { VIEW_HOST_STATES = VIEW_HOST_FAILING + 1 };

/* What was heard of one family. */
struct view_news {
    const struct addr *addresses;
    size_t count; /* of longer lists the first VIEW_ADDRESSES_MAX */
    enum view_host_state state;
    const char *error;   /* a constant; NULL: none */
    int64_t answered_ms; /* wall time of the last good answer; 0: none yet */
    uint32_t until_s;    /* wall time up to which its TTL reaches */
};

struct view_host {
    const struct conf_host *conf;
    const uint32_t *endpoints; /* whose host it is */
    size_t endpoint_count;
    const char *loop; /* the steered name that it leads back to, so that it is not looked up; NULL: none */
    _Atomic(const struct view_addresses *) addresses; /* never NULL */
    _Atomic uint32_t until_s[VIEW_FAMILIES];          /* as in view_news; 0: past, and not confirmed */
    struct view_news told[VIEW_FAMILIES]; /* of the thread that publishes; `addresses` is not kept */
};

static inline const char *view_host_state_text(enum view_host_state state)
{
    static const char *const texts[] = {
        [VIEW_HOST_PENDING] = "pending", [VIEW_HOST_GOOD] = "good", [VIEW_HOST_FAILING] = "failing"};
    return texts[state];
}

/* Of both families together: failing if one is, pending if one is. */
enum view_host_state view_host_state(const struct view_host *host);

/* It was asked for, and has no addresses at all. */
bool view_host_is_unresolved(const struct view_host *host, const struct view_addresses *addresses);

/* One host, and what is new of it. */
struct view_host_update {
    size_t host;
    struct view_news news[VIEW_FAMILIES];
};

/* Make it so: addresses, words, and which monitors have something to observe. By the thread that publishes.
 * Takes the lock of the application for moments (NULL: nobody else has the view), and waits for readers
 * without it where addresses change. Returns how many hosts have other addresses or monitors now than before:
 * the prober has to be told. */
size_t view_update_hosts(struct view *view, const struct view_host_update *updates, size_t count,
                         int64_t wall_ms, struct lock *lock);

/* ---- readers: online, or the thread that publishes ---- */

static inline const struct view_addresses *view_get_addresses(const struct view *view, uint32_t host)
{
    return atomic_load_explicit(&view->hosts[host].addresses, memory_order_acquire);
}

/* The TTL that they may be given. */
static inline uint32_t view_get_host_ttl(const struct view *view, uint32_t host, enum view_family family,
                                         uint32_t now_s)
{
    uint32_t until_s = atomic_load_explicit(&view->hosts[host].until_s[family], memory_order_relaxed);
    if (until_s == 0) {
        return VIEW_STALE_TTL_S;
    }
    return until_s >= now_s + VIEW_FRESH_TTL_S ? until_s - now_s : VIEW_FRESH_TTL_S;
}
