/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What drains are made of. Private to drain.c and drain_look.c. */
#pragma once

#include "traffic/drain.h"

/* What is known of a host: so many places of each level, those of a group of names beside those of all. */
enum { HOST_REGIONS = 6, HOST_AZS = 6, HOST_ENDPOINTS = 12, HOST_PLACES = 24, DRAIN_GROUPS_MAX = 64 };

/* Numbers by address: chains. */
struct drain_index {
    uint32_t *buckets, *next; /* number + 1; 0: the end */
    size_t bucket_count, room;
};

struct lately {
    uint64_t key; /* 0: nothing */
    int64_t seen_ms;
    uint32_t until_after_ms; /* its TTL is over so long after that */
    uint32_t seconds;
};

struct host {
    struct addr addr;
    uint32_t number;
    struct lately lately[HOST_PLACES];
};

struct member {
    struct addr addr;
    bool is_back;
    uint32_t number, seconds;
    int64_t seen_ms, until_ms, asked_ms; /* asked_ms 0: not yet */
};

struct drain {
    uint64_t id, key;
    enum traffic_level level;
    unsigned share;
    int64_t at_ms;
    char target[TRAFFIC_DRAIN_TARGET], names[TRAFFIC_DRAIN_TEXT], cause[TRAFFIC_DRAIN_TEXT];
    uint64_t groups[DRAIN_GROUPS_MAX]; /* of names that it is about */
    size_t group_count;                /* 0: of all */
    struct member *members;
    size_t member_count, member_capacity;
    struct drain_index by_addr;
};

struct traffic_drains {
    struct host *hosts;
    size_t room, host_count;
    struct drain_index by_addr;
    struct drain *items[TRAFFIC_DRAINS_ALL]; /* the oldest first */
    size_t count;
    uint64_t last_id;
};

void drain_index_init(struct drain_index *index, size_t room);
void drain_index_fini(struct drain_index *index);
void drain_index_clear(struct drain_index *index);
void drain_index_add(struct drain_index *index, const struct addr *addr, uint32_t number);
