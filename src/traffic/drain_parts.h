/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What drains are made of. Private to drain.c and drain_look.c. */
#pragma once

#include "traffic/drain.h"

enum { HOST_REGIONS = 4 };

/* Numbers by address: chains. */
struct drain_index {
    uint32_t *buckets, *next; /* number + 1; 0: the end */
    size_t bucket_count, room;
};

struct lately {
    uint32_t region, seconds;
    int64_t seen_ms, until_ms;
};

struct host {
    struct addr addr;
    uint32_t number;
    struct lately lately[HOST_REGIONS];
};

struct member {
    struct addr addr;
    bool is_back;
    uint32_t number, seconds;
    int64_t seen_ms, until_ms, asked_ms; /* asked_ms 0: not yet */
};

struct drain {
    uint64_t id;
    uint32_t region;
    unsigned share;
    int64_t at_ms;
    char cause[TRAFFIC_DRAIN_TEXT];
    struct member *members;
    size_t member_count, member_capacity;
    struct drain_index by_addr;
};

struct traffic_drains {
    struct host *hosts;
    size_t room, host_count;
    struct drain_index by_addr;
    char **regions;
    size_t region_count, region_capacity;
    struct drain *items[TRAFFIC_DRAINS_MAX]; /* the oldest first */
    size_t count;
    uint64_t last_id;
};

void drain_index_init(struct drain_index *index, size_t room);
void drain_index_fini(struct drain_index *index);
void drain_index_clear(struct drain_index *index);
void drain_index_add(struct drain_index *index, const struct addr *addr, uint32_t number);
