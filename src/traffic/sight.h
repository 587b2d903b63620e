/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a DNS thread notes of clients, for another thread that looks later: a ring per DNS thread, written by
 * that thread alone, read by one other at a time. Nobody waits: what does not fit is lost, and counted.
 *
 * Two samples of the same stream. By host: all answers of steered names to hosts whose number (a hash of the
 * address) is below a limit, so that of these hosts nothing is missed. By turn: one of so many queries, of
 * whoever comes. Both are set by the reader, so that there is as much to read as it can bear: as long as
 * little is asked, every host and every query. */
#pragma once

#include "base/addr.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIGHTS_ROOM = 8192, SIGHTS_RECENT_BITS = 8, SIGHTS_RECENT = 1 << SIGHTS_RECENT_BITS };

struct sight {
    uint8_t address[16];
    uint32_t at_ms;      /* wall, modulo 2^32 */
    uint32_t ttl;        /* s, of what was answered */
    uint32_t endpoint;   /* that the answer led to: index in the topology of the view; SIGHT_NOWHERE */
    uint32_t generation; /* of that view, modulo 2^32 */
    uint16_t turns;      /* by turn: stands for so many queries; by host: 0 */
    uint8_t family;      /* enum addr_family */
    uint8_t group;       /* of names: 1 + index in that topology; 0: of none */
};

#define SIGHT_NOWHERE UINT32_MAX

/* What tells a note by host from another: whose are the same are noted once. */
struct sights_mark {
    uint64_t host[2]; /* IPv6: the address; of IPv4 the number is all of it */
    uint64_t where;   /* sights_get_where() */
    uint64_t moment;  /* sights_get_moment(), the family, and in the last octet the group of names */
};

enum { SIGHTS_MOMENT_V6 = 1 << 8, SIGHTS_MOMENT_BITS = 9 };

/* Set by the reader for all threads. */
struct sights_sample {
    _Atomic uint32_t below; /* numbers of hosts */
    _Atomic uint32_t every; /* at least 1 */
};

struct sights {
    /* Of the writer. */
    const struct sights_sample *sample;
    uint32_t countdown;                       /* queries until the next turn */
    struct sights_mark recent[SIGHTS_RECENT]; /* of this second, so that nobody fills the ring alone */
    _Atomic uint64_t lost;
    _Atomic uint32_t written;
    /* Of the reader. */
    _Atomic uint32_t read __attribute__((aligned(64)));
    struct sight ring[SIGHTS_ROOM];
} __attribute__((aligned(64)));

/* Zeroed pages, which take memory when they are first used. The sample outlives them. */
struct sights *sights_new(const struct sights_sample *sample);
void sights_free(struct sights *sights); /* NULL is fine */

/* The number of a host, from four octets of its address that tell it from others: all of IPv4, of IPv6 the
 * second half of its /64, whose hosts are in the sample together. */
static inline uint32_t sights_number(const uint8_t octets[4])
{
    uint32_t number;
    memcpy(&number, octets, sizeof number);
    return number * 0x9e3779b1u;
}

static inline uint32_t sights_get_below(const struct sights *sights)
{
    return atomic_load_explicit(&sights->sample->below, memory_order_relaxed);
}

/* So many queries more were answered, with their clients at hand. Returns which of them has the next turn,
 * from `from` on; count: none. */
static inline size_t sights_find_turn(struct sights *sights, size_t from, size_t count)
{
    uint32_t left = (uint32_t)(count - from);
    if (__builtin_expect(sights->countdown >= left, 1)) {
        sights->countdown -= left;
        return count;
    }
    size_t at = from + sights->countdown;
    sights->countdown = atomic_load_explicit(&sights->sample->every, memory_order_relaxed) - 1;
    return at;
}

/* A second, and the state of health in it: after a switch everything is noted anew. */
static inline uint64_t sights_get_moment(uint32_t second, uint64_t generation)
{
    return (uint64_t)second << 32 | (uint32_t)generation << SIGHTS_MOMENT_BITS;
}

/* A host, and the endpoint that it is led to. */
static inline uint64_t sights_get_where(uint32_t number, uint32_t endpoint)
{
    return (uint64_t)number << 32 | endpoint;
}

/* Marks next to each other have places far from each other. */
static inline struct sights_mark *sights_find_place(struct sights *sights, uint64_t seed)
{
    return &sights->recent[seed * 0x9e3779b97f4a7c15u >> (64 - SIGHTS_RECENT_BITS)];
}

/* The same for IPv6, whose address is more than its number. */
bool sights_take_mark_v6(struct sights *sights, uint64_t where, uint64_t moment,
                         const struct sockaddr *client);

/* Is a mark of the host with this address the first of its kind? Then a note is due. Hosts that ask for names
 * of several endpoints have a place for each. */
static inline __attribute__((always_inline)) bool
sights_take_mark(struct sights *sights, uint64_t where, uint64_t moment, const struct sockaddr *client)
{
    if (__builtin_expect(client->sa_family != AF_INET, 0)) {
        return sights_take_mark_v6(sights, where, moment, client);
    }
    struct sights_mark *known = sights_find_place(sights, where);
    if (__builtin_expect(known->where == where && known->moment == moment, 1)) {
        return false;
    }
    known->where = where;
    known->moment = moment;
    return true;
}

/* By host, what was answered. */
void sights_note(struct sights *sights, const struct sight *sight);
/* By turn. */
void sights_note_turn(struct sights *sights, const struct addr *addr, uint64_t now_ms);

/* By one reader at a time: the next one, or NULL; and leave it behind. */
const struct sight *sights_peek(const struct sights *sights);
void sights_pass(struct sights *sights);
