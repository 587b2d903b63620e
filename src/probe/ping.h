/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sockets that all pings of an engine share, one per address family, and who waits for which reply. A
 * reply is found by its number in one step, and is taken only from the address that was asked and with the
 * random octets that went there: late ones, second ones and those that others make up meet nobody. ICMP
 * errors about a request come back likewise, by the error queue of the socket: ip(7), IP_RECVERR.
 *
 * A socket is a ping socket (net.ipv4.ping_group_range) or, where that is not allowed, a raw one
 * (CAP_NET_RAW), which a filter in the kernel keeps from hearing what is not ours. All calls come from the
 * engine's thread. */
#pragma once

#include "base/addr.h"
#include "base/clock.h"
#include "probe/ping_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;

enum ping_state {
    PING_UNSENT,
    PING_UNDER_WAY,
    PING_ANSWERED,
    PING_REFUSED, /* the network says that there is no way to it */
};

/* One request. In the caller's memory, where it stays while it is under way. */
struct ping_packet {
    struct ping_packet *next; /* of those with the same number */
    void *owner;
    uint64_t dice;
    int64_t sent_us; /* monotonic */
    uint32_t rtt_us; /* of an answered one; without the time for which the reply waited for us */
    uint16_t seq;
    uint8_t state; /* enum ping_state */
    struct addr to;
};

struct ping_hooks {
    /* Something came for that owner, whose packets say what; octets of a reply, or NULL. */
    void (*heard)(void *owner, const void *bytes, size_t len);
};

struct ping;

/* Returns owned. Opens nothing yet. Borrows base and clock. */
struct ping *ping_new(struct event_base *base, const struct clock *clock, const struct ping_hooks *hooks);
void ping_free(struct ping *ping); /* nobody waits any more; NULL is fine */

/* Owner, dice and address are there; `message` is what was sent. Returns 0 or the negative errno of why this
 * host cannot; -EPERM: neither kind of socket is allowed. */
int ping_send(struct ping *ping, struct ping_packet *packet, uint8_t message[PING_SIZE]);
/* Nobody waits for it any more; that it is not under way is fine. */
void ping_forget(struct ping *ping, struct ping_packet *packet);
/* What has come and was not yet looked at is heard now. */
void ping_look(struct ping *ping);
/* Have replies been lost since, because they came faster than we read them? */
bool ping_was_overrun(struct ping *ping, enum addr_family family, int64_t since_us);
