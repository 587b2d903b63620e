/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drain.h. Hosts are a table of fixed size with the last few places of each. A drain copies those that
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

enum { SLACK_MS = 20, MERGE_MS = 1000 };

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
    drain_index_fini(&drains->by_addr);
    memory_unmap(drains->hosts, drains->room * sizeof *drains->hosts);
    free(drains);
}

uint64_t traffic_drains_key(const char *text)
{
    uint64_t key = hash_finish(hash_bytes(HASH_START, text, strlen(text)));
    return key == 0 ? 1 : key;
}

/* What leads to a place for names of a group. */
static uint64_t key_of_group(uint64_t key, uint64_t group)
{
    return hash_finish(key ^ group) | 1;
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
        drain_index_add(&drains->by_addr, addr, (uint32_t)drains->host_count++);
    }
    return host;
}

/* Where those of each level begin. */
static const int level_first[TRAFFIC_LEVELS + 1] = {0, HOST_REGIONS, HOST_REGIONS + HOST_AZS, HOST_PLACES};
_Static_assert(HOST_REGIONS + HOST_AZS + HOST_ENDPOINTS == HOST_PLACES, "all of them");

/* What is known of a place, or of the one longest ago, which gives way. */
static struct lately *take_lately(struct host *host, enum traffic_level level, uint64_t key)
{
    struct lately *oldest = &host->lately[level_first[level]];
    for (int i = level_first[level]; i < level_first[level + 1]; i++) {
        if (host->lately[i].key == key) {
            return &host->lately[i];
        }
        oldest = host->lately[i].seen_ms < oldest->seen_ms ? &host->lately[i] : oldest;
    }
    *oldest = (struct lately){.key = key};
    return oldest;
}

static int64_t get_until(const struct lately *lately)
{
    return lately->seen_ms + lately->until_after_ms;
}

static void note_answer(struct lately *lately, int64_t at_ms, uint32_t ttl_s)
{
    int64_t until_ms = at_ms + (int64_t)ttl_s * 1000, before_ms = get_until(lately);
    if (lately->seen_ms < at_ms - TRAFFIC_DRAIN_WINDOW_MS) {
        lately->seconds = 0;
    }
    until_ms = lately->seen_ms != 0 && before_ms > until_ms ? before_ms : until_ms;
    lately->seconds++;
    lately->seen_ms = at_ms > lately->seen_ms ? at_ms : lately->seen_ms;
    int64_t after_ms = until_ms - lately->seen_ms;
    lately->until_after_ms = after_ms < 0 ? 0 : after_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)after_ms;
}

static void note_place(struct host *host, const struct traffic_place *place, int64_t at_ms, uint32_t ttl_s)
{
    for (enum traffic_level level = TRAFFIC_OF_REGION; level < TRAFFIC_LEVELS; level++) {
        uint64_t key = place->keys[level];
        if (key != 0) {
            note_answer(take_lately(host, level, key), at_ms, ttl_s);
        }
        if (key != 0 && place->group != 0) {
            note_answer(take_lately(host, level, key_of_group(key, place->group)), at_ms, ttl_s);
        }
    }
}

/* ---- drains ---- */

/* Is it about names of this group? */
static bool is_about(const struct drain *drain, uint64_t group)
{
    size_t i = 0;
    while (i < drain->group_count && drain->groups[i] != group) {
        i++;
    }
    return drain->group_count == 0 || i < drain->group_count;
}

/* By all that is known: a host may have been led there for names of several groups. */
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
        int64_t until_ms = get_until(lately);
        member->seconds = lately->seconds > member->seconds ? lately->seconds : member->seconds;
        member->seen_ms = lately->seen_ms > member->seen_ms ? lately->seen_ms : member->seen_ms;
        member->until_ms = until_ms > member->until_ms ? until_ms : member->until_ms;
    }
}

/* One that was answered before, and is seen now. */
static void see_before(struct traffic_drains *drains, struct drain *drain, struct host *host,
                       const struct traffic_place *place)
{
    uint64_t key = drain->group_count == 0 ? drain->key : key_of_group(drain->key, place->group);
    add_member(drains, drain, host, take_lately(host, drain->level, key));
}

void traffic_drains_see(struct traffic_drains *drains, const struct addr *addr, uint32_t number,
                        const struct traffic_place *place, int64_t at_ms, uint32_t ttl_s)
{
    struct host *host = take_host(drains, addr, number);
    if (host != NULL) {
        note_place(host, place, at_ms, ttl_s);
    }
    for (size_t i = 0; i < drains->count; i++) {
        struct drain *drain = drains->items[i];
        bool is_meant = is_about(drain, place->group);
        bool is_there = is_meant && place->keys[drain->level] == drain->key;
        bool is_before = at_ms <= drain->at_ms - (is_there ? 0 : SLACK_MS);
        if (is_before) {
            if (is_there && host != NULL && at_ms > drain->at_ms - TRAFFIC_DRAIN_WINDOW_MS) {
                see_before(drains, drain, host, place);
            }
        } else if (is_meant && at_ms < drain->at_ms + TRAFFIC_DRAIN_OPEN_MS) {
            struct member *member = find_member(drain, addr);
            if (member != NULL && member->asked_ms == 0) {
                member->asked_ms = at_ms > drain->at_ms ? at_ms : drain->at_ms;
                member->is_back = is_there;
            }
        }
    }
}

/* If there are as many of the level as there may be. */
static void drop_oldest(struct traffic_drains *drains, enum traffic_level level)
{
    size_t count = 0, oldest = 0,
           most = level == TRAFFIC_OF_ENDPOINT ? TRAFFIC_DRAINS_ENDPOINTS : TRAFFIC_DRAINS_MAX;
    for (size_t i = drains->count; i-- > 0;) {
        bool is_same = drains->items[i]->level == level;
        count += is_same;
        oldest = is_same ? i : oldest;
    }
    if (count >= most) {
        free_drain(drains->items[oldest]);
        drains->count--;
        memmove(drains->items + oldest, drains->items + oldest + 1,
                (drains->count - oldest) * sizeof(struct drain *));
    }
}

static enum traffic_level level_of(const char *target)
{
    return strncmp(target, "region:", 7) == 0 ? TRAFFIC_OF_REGION
           : strncmp(target, "az:", 3) == 0   ? TRAFFIC_OF_AZ
                                              : TRAFFIC_OF_ENDPOINT;
}

static void read_groups(struct drain *drain)
{
    char name[TRAFFIC_DRAIN_TEXT];
    for (const char *at = drain->names; *at != '\0' && drain->group_count < DRAIN_GROUPS_MAX;) {
        size_t len = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)len, at);
        drain->groups[drain->group_count++] = traffic_drains_key(name);
        at += len + (at[len] == ',');
    }
}

static bool is_told_already(const struct traffic_drains *drains, const struct traffic_switch *what,
                            uint64_t key)
{
    for (size_t i = 0; i < drains->count; i++) {
        const struct drain *earlier = drains->items[i];
        if (earlier->key == key && earlier->share >= what->share &&
            strcmp(earlier->names, what->names) == 0 && llabs(what->at_ms - earlier->at_ms) < MERGE_MS) {
            return true;
        }
    }
    return false;
}

/* Of those that are known: who was led there lately? */
static void add_known(struct traffic_drains *drains, struct drain *drain, const struct host *host)
{
    for (int i = level_first[drain->level]; i < level_first[drain->level + 1]; i++) {
        const struct lately *lately = &host->lately[i];
        bool is_there = drain->group_count == 0 && lately->key == drain->key;
        for (size_t g = 0; g < drain->group_count && !is_there; g++) {
            is_there = lately->key == key_of_group(drain->key, drain->groups[g]);
        }
        if (is_there && lately->seen_ms > drain->at_ms - TRAFFIC_DRAIN_WINDOW_MS) {
            add_member(drains, drain, host, lately);
        }
    }
}

void traffic_drains_begin(struct traffic_drains *drains, const struct traffic_switch *what)
{
    uint64_t key = traffic_drains_key(what->target);
    if (is_told_already(drains, what, key)) {
        return;
    }
    struct drain *drain = memory_alloc(sizeof *drain);
    drain->id = ++drains->last_id;
    drain->key = key;
    drain->level = level_of(what->target);
    drain->at_ms = what->at_ms;
    drain->share = what->share;
    snprintf(drain->target, sizeof drain->target, "%s", what->target);
    snprintf(drain->names, sizeof drain->names, "%s", what->names);
    snprintf(drain->cause, sizeof drain->cause, "%s", what->cause);
    read_groups(drain);
    drop_oldest(drains, drain->level);
    drain_index_init(&drain->by_addr, drains->room);
    drains->items[drains->count++] = drain;
    for (size_t i = 0; i < drains->host_count; i++) {
        add_known(drains, drain, &drains->hosts[i]);
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
    for (int i = 0; i < HOST_PLACES; i++) {
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
