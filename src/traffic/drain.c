/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drain.h. Hosts are a table of fixed size with the last few regions of each. A drain copies those that
 * are its members, so it does not matter to it who is forgotten later. DNS threads read a clock
 * that may be some milliseconds behind, and a switch is told when it has happened: who was led elsewhere just
 * before it was told came after it. */
#include "config.h"

#include "traffic/drain.h"

#include "traffic/drain_parts.h"

#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK_MS = 20, MERGE_MS = 1000, REGIONS_STEP = 16 };

struct traffic_drains *traffic_drains_new(size_t hosts_max)
{
    struct traffic_drains *drains = memory_alloc(sizeof *drains);
    drains->room = hosts_max;
    drains->hosts = memory_map(hosts_max * sizeof *drains->hosts);
    drain_index_init(&drains->by_addr, hosts_max);
    return drains;
}

static void free_drain(struct drain *drain)
{
    drain_index_fini(&drain->by_addr);
    free(drain->members);
    free(drain);
}

void traffic_drains_free(struct traffic_drains *drains)
{
    if (drains == NULL) {
        return;
    }
    for (size_t i = 0; i < drains->count; i++) {
        free_drain(drains->items[i]);
    }
    for (size_t i = 0; i < drains->region_count; i++) {
        free(drains->regions[i]);
    }
    free(drains->regions);
    drain_index_fini(&drains->by_addr);
    memory_unmap(drains->hosts, drains->room * sizeof *drains->hosts);
    free(drains);
}

uint32_t traffic_drains_number(struct traffic_drains *drains, const char *region)
{
    for (size_t i = 0; i < drains->region_count; i++) {
        if (strcmp(drains->regions[i], region) == 0) {
            return (uint32_t)i;
        }
    }
    drains->regions =
        memory_grow(drains->regions, drains->region_count, &drains->region_capacity, sizeof(char *));
    drains->regions[drains->region_count] = memory_copy_text(region);
    return (uint32_t)drains->region_count++;
}

/* ---- indexes ---- */

static size_t find_bucket(const struct drain_index *index, const struct addr *addr)
{
    uint64_t hash = hash_finish(hash_bytes(HASH_START, addr->bytes, sizeof addr->bytes));
    return hash & (index->bucket_count - 1);
}

void drain_index_init(struct drain_index *index, size_t room)
{
    index->bucket_count = 1;
    while (index->bucket_count < room) {
        index->bucket_count *= 2;
    }
    index->buckets = memory_map(index->bucket_count * sizeof *index->buckets);
    index->next = memory_map((room + 1) * sizeof *index->next);
    index->room = room;
}

void drain_index_fini(struct drain_index *index)
{
    memory_unmap(index->buckets, index->bucket_count * sizeof *index->buckets);
    memory_unmap(index->next, (index->room + 1) * sizeof *index->next);
}

void drain_index_clear(struct drain_index *index)
{
    memset(index->buckets, 0, index->bucket_count * sizeof *index->buckets);
}

void drain_index_add(struct drain_index *index, const struct addr *addr, uint32_t number)
{
    size_t bucket = find_bucket(index, addr);
    index->next[number] = index->buckets[bucket];
    index->buckets[bucket] = number + 1;
}

static struct host *find_host(const struct traffic_drains *drains, const struct addr *addr)
{
    uint32_t at = drains->by_addr.buckets[find_bucket(&drains->by_addr, addr)];
    while (at != 0 && !addr_equal(&drains->hosts[at - 1].addr, addr)) {
        at = drains->by_addr.next[at - 1];
    }
    return at == 0 ? NULL : &drains->hosts[at - 1];
}

static struct member *find_member(const struct drain *drain, const struct addr *addr)
{
    uint32_t at = drain->by_addr.buckets[find_bucket(&drain->by_addr, addr)];
    while (at != 0 && !addr_equal(&drain->members[at - 1].addr, addr)) {
        at = drain->by_addr.next[at - 1];
    }
    return at == 0 ? NULL : &drain->members[at - 1];
}

/* ---- hosts ---- */

static struct host *take_host(struct traffic_drains *drains, const struct addr *addr, uint32_t number)
{
    struct host *host = find_host(drains, addr);
    if (host == NULL && drains->host_count < drains->room) {
        assert(drains->hosts != NULL); /* there is room */
        host = &drains->hosts[drains->host_count];
        *host = (struct host){.addr = *addr, .number = number};
        for (int i = 0; i < HOST_REGIONS; i++) {
            host->lately[i].region = TRAFFIC_NO_REGION;
        }
        drain_index_add(&drains->by_addr, addr, (uint32_t)drains->host_count++);
    }
    return host;
}

/* What is known of a region, or of the one longest ago, which gives way. */
static struct lately *take_lately(struct host *host, uint32_t region)
{
    struct lately *oldest = &host->lately[0];
    for (int i = 0; i < HOST_REGIONS; i++) {
        if (host->lately[i].region == region) {
            return &host->lately[i];
        }
        oldest = host->lately[i].seen_ms < oldest->seen_ms ? &host->lately[i] : oldest;
    }
    *oldest = (struct lately){.region = region};
    return oldest;
}

static void note_answer(struct host *host, uint32_t region, int64_t at_ms, uint32_t ttl_s)
{
    struct lately *lately = take_lately(host, region);
    int64_t until_ms = at_ms + (int64_t)ttl_s * 1000;
    if (lately->seen_ms < at_ms - TRAFFIC_DRAIN_WINDOW_MS) {
        lately->seconds = 0;
    }
    lately->seconds++;
    lately->seen_ms = at_ms > lately->seen_ms ? at_ms : lately->seen_ms;
    lately->until_ms = until_ms > lately->until_ms ? until_ms : lately->until_ms;
}

/* ---- drains ---- */

static void add_member(struct traffic_drains *drains, struct drain *drain, const struct host *host,
                       const struct lately *lately)
{
    struct member *member = find_member(drain, &host->addr);
    if (member == NULL && drain->member_count < drains->room) {
        drain->members =
            memory_grow(drain->members, drain->member_count, &drain->member_capacity, sizeof *drain->members);
        member = &drain->members[drain->member_count];
        *member = (struct member){.addr = host->addr, .number = host->number};
        drain_index_add(&drain->by_addr, &host->addr, (uint32_t)drain->member_count++);
    }
    if (member != NULL) {
        member->seconds = lately->seconds;
        member->seen_ms = lately->seen_ms;
        member->until_ms = lately->until_ms;
    }
}

void traffic_drains_see(struct traffic_drains *drains, const struct addr *addr, uint32_t number,
                        uint32_t region, int64_t at_ms, uint32_t ttl_s)
{
    struct host *host = take_host(drains, addr, number);
    if (host != NULL && region != TRAFFIC_NO_REGION) {
        note_answer(host, region, at_ms, ttl_s);
    }
    for (size_t i = 0; i < drains->count; i++) {
        struct drain *drain = drains->items[i];
        bool is_there = region == drain->region;
        bool is_before = at_ms <= drain->at_ms - (is_there ? 0 : SLACK_MS);
        if (is_before) {
            if (is_there && host != NULL && at_ms > drain->at_ms - TRAFFIC_DRAIN_WINDOW_MS) {
                add_member(drains, drain, host, take_lately(host, region));
            }
        } else if (at_ms < drain->at_ms + TRAFFIC_DRAIN_OPEN_MS) {
            struct member *member = find_member(drain, addr);
            if (member != NULL && member->asked_ms == 0) {
                member->asked_ms = at_ms > drain->at_ms ? at_ms : drain->at_ms;
                member->is_back = is_there;
            }
        }
    }
}

static void drop_oldest(struct traffic_drains *drains)
{
    free_drain(drains->items[0]);
    drains->count--;
    memmove(drains->items, drains->items + 1, drains->count * sizeof(struct drain *));
}

void traffic_drains_begin(struct traffic_drains *drains, const char *region, int64_t at_ms, unsigned share,
                          const char *cause)
{
    uint32_t number = traffic_drains_number(drains, region);
    for (size_t i = 0; i < drains->count; i++) {
        const struct drain *earlier = drains->items[i];
        if (earlier->region == number && earlier->share >= share &&
            llabs(at_ms - earlier->at_ms) < MERGE_MS) {
            return;
        }
    }
    if (drains->count == TRAFFIC_DRAINS_MAX) {
        drop_oldest(drains);
    }
    struct drain *drain = memory_alloc(sizeof *drain);
    drain->id = ++drains->last_id;
    drain->region = number;
    drain->at_ms = at_ms;
    drain->share = share;
    snprintf(drain->cause, sizeof drain->cause, "%s", cause);
    drain_index_init(&drain->by_addr, drains->room);
    drains->items[drains->count++] = drain;
    for (size_t i = 0; i < drains->host_count; i++) {
        const struct host *host = &drains->hosts[i];
        for (int k = 0; k < HOST_REGIONS; k++) {
            const struct lately *lately = &host->lately[k];
            if (lately->region == number && lately->seen_ms > at_ms - TRAFFIC_DRAIN_WINDOW_MS) {
                add_member(drains, drain, host, lately);
            }
        }
    }
}

/* ---- bounds ---- */

static void index_hosts(struct traffic_drains *drains)
{
    drain_index_clear(&drains->by_addr);
    for (size_t i = 0; i < drains->host_count; i++) {
        drain_index_add(&drains->by_addr, &drains->hosts[i].addr, (uint32_t)i);
    }
}

static bool is_seen(const struct host *host, int64_t after_ms)
{
    bool seen = false;
    for (int i = 0; i < HOST_REGIONS; i++) {
        seen |= host->lately[i].seen_ms > after_ms;
    }
    return seen;
}

static void keep_hosts(struct traffic_drains *drains, uint32_t below, int64_t after_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < drains->host_count; i++) {
        if (drains->hosts[i].number < below && is_seen(&drains->hosts[i], after_ms)) {
            drains->hosts[kept++] = drains->hosts[i];
        }
    }
    drains->host_count = kept;
    index_hosts(drains);
}

void traffic_drains_limit(struct traffic_drains *drains, uint32_t below)
{
    keep_hosts(drains, below, INT64_MIN);
    for (size_t i = 0; i < drains->count; i++) {
        struct drain *drain = drains->items[i];
        size_t kept = 0;
        for (size_t m = 0; m < drain->member_count; m++) {
            if (drain->members[m].number < below) {
                drain->members[kept++] = drain->members[m];
            }
        }
        drain->member_count = kept;
        drain_index_clear(&drain->by_addr);
        for (size_t m = 0; m < kept; m++) {
            drain_index_add(&drain->by_addr, &drain->members[m].addr, (uint32_t)m);
        }
    }
}

void traffic_drains_tidy(struct traffic_drains *drains, int64_t now_ms)
{
    keep_hosts(drains, UINT32_MAX, now_ms - TRAFFIC_DRAIN_WINDOW_MS);
}

size_t traffic_drains_count_hosts(const struct traffic_drains *drains)
{
    return drains->host_count;
}

bool traffic_drains_any_open(const struct traffic_drains *drains, int64_t now_ms)
{
    return drains->count != 0 && now_ms < drains->items[drains->count - 1]->at_ms + TRAFFIC_DRAIN_OPEN_MS;
}
