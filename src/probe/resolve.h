/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Host names of endpoints -> addresses, kept fresh: A and AAAA are asked for apart, each anew when its TTL
 * has run out. A failure (time-out, SERVFAIL, NXDOMAIN, …) keeps the last good addresses and is tried again
 * soon; only an answer, also one that says there are no records of the type (NODATA, RFC 2308), replaces
 * them. Whether an address is alive is for the checks to say.
 *
 * Runs on the event base of the caller, and calls back on its thread only. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

enum {
    RESOLVE_ADDRESSES_MAX = 8, /* per host and family; the lowest ones of longer answers */
    RESOLVE_TTL_MIN_S = 5,     /* whatever a TTL says, nobody is asked more often than that */
    RESOLVE_TTL_MAX_S = 3600,
    RESOLVE_RETRY_MAX_S = 30, /* after failures: 1 s, doubled up to this */
};

enum resolve_state {
    RESOLVE_PENDING, /* never answered, nothing failed yet */
    RESOLVE_GOOD,
    RESOLVE_FAILING, /* the latest attempt failed: what is known is the last good answer, if there is one */
};

/* Addresses of one family, sorted, so that equal sets are equal bytes. */
struct resolve_set {
    struct addr addresses[RESOLVE_ADDRESSES_MAX];
    size_t count;
    enum resolve_state state;
    int64_t answered_ms; /* wall time of the last good answer; 0: none yet */
    int64_t until_ms;    /* wall time up to which its TTL (within the limits above) reaches */
    const char *error;   /* of the latest failure, a constant; NULL: none */
};

struct resolve_host {
    const char *name; /* owned by the resolver */
    struct resolve_set v4, v6;
};

struct resolve_hooks {
    void *context;
    /* A host was answered for, or that failed: addresses, state and times may be other ones now. Must not
     * call back into the resolver. */
    void (*heard)(void *context, size_t host);
    const char *resolv_conf; /* borrowed; NULL: that of the system */
};

/* Since the resolver was opened. */
struct resolve_stats {
    uint64_t asked, answered, failed; /* queries; those that are in flight have been asked only */
    uint64_t looked_at; /* entries of the schedule: a few per query, whatever the number of hosts */
};

struct resolver;

/* servers: "192.0.2.1:53,[2001:db8::1]:53", or NULL for those of the system (resolv.conf). Returns 0 and
 * owned, or a negative error. */
int resolver_open(struct event_base *base, const char *servers, const struct resolve_hooks *hooks,
                  struct resolver **resolver);
/* Without any further call back. NULL is fine. */
void resolver_close(struct resolver *resolver);

/* Ask others from now on; those of the system are found anew if resolv.conf is not what it was (it is looked
 * at, and not opened else). The same ones: nothing happens. Queries in flight are asked again. 0 or a
 * negative error: nobody can be asked then, which fails like a server that is silent. */
int resolver_set_servers(struct resolver *resolver, const char *servers);
void resolver_get_stats(const struct resolver *resolver, struct resolve_stats *stats);

/* Replace the list, so many names at a time. Names that were in the old one keep what is known of them; each
 * should be there once. Until follow() returns that there is no more, `names` is borrowed; the first
 * resolver_count_hosts() of the new list have their place, and only those are heard of. */
void resolver_begin_hosts(struct resolver *resolver, const char *const *names, size_t count);
bool resolver_follow_hosts(struct resolver *resolver, size_t max);
size_t resolver_count_hosts(const struct resolver *resolver);
/* All of it. */
void resolver_set_hosts(struct resolver *resolver, const char *const *names, size_t count);
/* The wall clock was set by so much: times of what is known go along. */
void resolver_shift_clock(struct resolver *resolver, int64_t by_ms);
/* Of a host that nobody has answered for yet: what is known from elsewhere. It is asked for all the same. */
void resolver_remember(struct resolver *resolver, size_t index, const struct resolve_set *v4,
                       const struct resolve_set *v6);
const struct resolve_host *resolver_get_host(const struct resolver *resolver, size_t index);
