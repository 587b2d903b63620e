/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Owners of what views consist of, and how long they live: see content.h. */
#include "config.h"

#include "view/content.h"

#include "base/arena.h"
#include "base/limiter.h"
#include "base/memory.h"
#include "tsig/tsig.h"
#include "view/compile_internal.h"
#include "zone/zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void hold(_Atomic uint32_t *holders)
{
    atomic_fetch_add_explicit(holders, 1, memory_order_relaxed);
}

/* Was that the last one? */
static bool let_go(_Atomic uint32_t *holders)
{
    return atomic_fetch_sub_explicit(holders, 1, memory_order_acq_rel) == 1;
}

/* ---- ground ---- */

void view_hold_ground(struct view_ground *ground)
{
    hold(&ground->holders);
}

void view_release_ground(struct view_ground *ground)
{
    if (!let_go(&ground->holders)) {
        return;
    }
    for (size_t i = 0; i < ground->geo_count; i++) {
        geo_close_db(ground->geo[i]);
    }
    free(ground->geo);
    free(ground->monitors);
    tsig_keys_release(ground->keys);
    free(ground->acls);
    limiter_release(ground->limiter);
    view_free_seen(ground->seen);
    conf_free_topology(ground->topology);
    conf_free_server(ground->server);
    arena_free(ground->arena);
    free(ground);
}

static struct view_ground *new_ground(const struct view *view)
{
    struct view_ground *ground = memory_alloc(sizeof *ground);
    *ground = (struct view_ground){.holders = 1,
                                   .server = view->server,
                                   .topology = view->topology,
                                   .geo = view->geo,
                                   .geo_count = view->geo_count,
                                   .monitors = view->monitors,
                                   .keys = view->keys,
                                   .acls = view->acls,
                                   .limiter = view->limiter,
                                   .seen = view->seen,
                                   .arena = view->arena};
    return ground;
}

/* ---- caches ---- */

struct view_caches *view_new_caches(const struct steer_set *steer, size_t count)
{
    struct view_caches *caches = memory_alloc(sizeof *caches);
    *caches = (struct view_caches){
        .holders = 1, .items = memory_alloc_array(count, sizeof(struct steer_cache *)), .count = count};
    for (size_t i = 0; i < count; i++) {
        caches->items[i] = steer_cache_new(steer);
    }
    return caches;
}

struct view_caches *view_hold_caches(struct view_caches *caches)
{
    hold(&caches->holders);
    return caches;
}

void view_release_caches(struct view_caches *caches)
{
    if (caches == NULL || !let_go(&caches->holders)) {
        return;
    }
    for (size_t i = 0; i < caches->count; i++) {
        steer_cache_free(caches->items[i]);
    }
    free(caches->items);
    free(caches);
}

void view_set_caches(struct view *view, struct view_caches *caches)
{
    view_release_caches(view->own_caches);
    view->own_caches = caches;
    view->caches = caches->items;
    view->cache_count = caches->count;
}

/* ---- members ---- */

static uint32_t *fill_starts(const struct steer_policy *const *policies, size_t count, size_t endpoints)
{
    uint32_t *starts = memory_alloc_array(endpoints + 2, sizeof *starts);
    for (size_t i = 0; i < count; i++) {
        for (size_t m = 0; m < policies[i]->member_count; m++) {
            starts[policies[i]->members[m].endpoint + 2]++;
        }
    }
    for (size_t e = 2; e < endpoints + 2; e++) {
        starts[e] += starts[e - 1];
    }
    return starts;
}

/* starts[e + 1] is where the next policy of endpoint e goes, and in the end where those of e end. */
static struct view_memberships *new_memberships(const struct steer_set *set, size_t endpoints)
{
    struct view_memberships *made = memory_alloc(sizeof *made);
    size_t count = set == NULL || endpoints == 0 ? 0 : steer_set_count(set);
    const struct steer_policy *const *policies = count == 0 ? NULL : steer_set_policies(set);
    uint32_t *starts = fill_starts(policies, count, endpoints);
    *made = (struct view_memberships){
        .holders = 1,
        .endpoint_count = endpoints,
        .policy_count = count,
        .starts = starts,
        .policies = memory_alloc_array((size_t)starts[endpoints + 1] + 1, sizeof *made->policies)};
    for (size_t i = 0; i < count; i++) {
        for (size_t m = 0; m < policies[i]->member_count; m++) {
            made->policies[starts[policies[i]->members[m].endpoint + 1]++] = (uint32_t)i;
        }
    }
    return made;
}

static void release_memberships(struct view_memberships *memberships)
{
    if (let_go(&memberships->holders)) {
        free(memberships->starts);
        free(memberships->policies);
        free(memberships);
    }
}

const uint32_t *view_find_policies(const struct view *view, uint32_t endpoint, size_t *count, size_t *known)
{
    const struct view_memberships *memberships = view->content->set->memberships;
    const uint32_t *starts = memberships->starts;
    bool is_known = endpoint < memberships->endpoint_count;
    *known = is_known ? memberships->policy_count : 0;
    *count = is_known ? starts[endpoint + 1] - starts[endpoint] : 0;
    return memberships->policies + (is_known ? starts[endpoint] : 0);
}

/* ---- content ---- */

static void release_set(struct view_set *set)
{
    if (let_go(&set->holders)) {
        release_memberships(set->memberships);
        steer_set_free(set->set);
        free(set);
    }
}

static void release_texts(struct view_texts *texts)
{
    if (texts != NULL && let_go(&texts->holders)) {
        arena_free(texts->arena);
        free(texts);
    }
}

static void free_retired(struct view_retired *list)
{
    while (list != NULL) {
        struct view_retired *next = list->next;
        zone_release(list->zone);
        free(list);
        list = next;
    }
}

void view_release_content(struct view_content *content)
{
    if (content == NULL || !let_go(&content->holders)) {
        return;
    }
    zone_table_free(content->zones);
    release_set(content->set);
    free(content->names);
    for (size_t i = 0; content->texts != NULL && i < content->zone_count; i++) {
        release_texts(content->texts[i]);
    }
    free(content->texts);
    free_retired(content->retired);
    pthread_mutex_destroy(&content->lock);
    view_release_ground(content->ground);
    free(content);
}

void view_hold_content(struct view_content *content)
{
    hold(&content->holders);
}

static struct view_content *new_content(struct view_ground *ground, struct view_set *set)
{
    struct view_content *content = memory_alloc(sizeof *content);
    atomic_init(&content->holders, 1);
    pthread_mutex_init(&content->lock, NULL);
    content->ground = ground;
    content->set = set;
    return content;
}

/* Takes both. */
static struct view_set *new_set(struct steer_set *steer, struct view_memberships *memberships)
{
    struct view_set *set = memory_alloc(sizeof *set);
    *set = (struct view_set){.holders = 1, .set = steer, .memberships = memberships};
    return set;
}

struct view_content *view_new_content(const struct view *view)
{
    size_t endpoints = view->topology == NULL ? 0 : view->topology->endpoint_count;
    struct view_content *content =
        new_content(new_ground(view), new_set(view->steer, new_memberships(view->steer, endpoints)));
    content->zones = view->zones;
    content->names = view->names;
    content->zone_count = view->zone_count;
    return content;
}

/* The texts of each zone's names, with those of one zone replaced (taken over). */
static struct view_texts **succeed_texts(const struct view_content *old, size_t index, struct arena *arena)
{
    struct view_texts **texts = memory_alloc_array(old->zone_count, sizeof(struct view_texts *));
    for (size_t i = 0; i < old->zone_count; i++) {
        struct view_texts *same = old->texts == NULL || i == index ? NULL : old->texts[i];
        if (same != NULL) {
            hold(&same->holders);
            texts[i] = same;
        }
    }
    texts[index] = memory_alloc(sizeof *texts[index]);
    *texts[index] = (struct view_texts){.holders = 1, .arena = arena};
    return texts;
}

/* The names of all other zones and the new ones: both are sorted. */
static void merge_names(struct view *next, const struct view_zone_news *news)
{
    const struct view_name *old = next->names;
    const char *origin = next->zone_list[news->index].origin;
    struct view_name *merged = memory_alloc_array(next->name_count + news->name_count, sizeof *merged);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < next->name_count; i++) {
        if (strcmp(old[i].zone, origin) == 0) {
            continue;
        }
        while (at < news->name_count && view_compare_names(&news->names[at], &old[i]) < 0) {
            merged[count++] = news->names[at++];
        }
        merged[count++] = old[i];
    }
    while (at < news->name_count) {
        merged[count++] = news->names[at++];
    }
    next->names = merged;
    next->name_count = count;
}

void view_succeed_content(struct view *next, const struct view_zone_news *news)
{
    struct view_content *old = next->content;
    struct view_set *set = old->set;
    if (news->steer == NULL) {
        hold(&set->holders);
    } else {
        hold(&old->set->memberships->holders);
        set = new_set(news->steer, old->set->memberships);
    }
    view_hold_ground(old->ground);
    struct view_content *content = new_content(old->ground, set);
    content->zones = zone_table_copy(old->zones);
    content->zone_count = old->zone_count;
    content->texts = succeed_texts(old, news->index, news->texts);
    struct zone *before = zone_table_replace(content->zones, news->zone);
    assert(before != NULL); /* every zone of the list is in the table */
    zone_release(before);
    merge_names(next, news);
    content->names = next->names;
    next->zones = content->zones;
    next->steer = set->set;
    next->content = content;
    view_release_content(old);
}

/* ---- those who hold it ---- */

void view_begin_hold(struct view *view)
{
    struct view_content *content = view->content;
    struct view_hold *mine = memory_alloc(sizeof *mine);
    pthread_mutex_lock(&content->lock);
    *mine = (struct view_hold){.next = content->holds, .since = content->sequence};
    content->holds = mine;
    pthread_mutex_unlock(&content->lock);
    view->hold = mine;
}

static void unlink_hold(struct view_content *content, const struct view_hold *mine)
{
    struct view_hold **at = &content->holds;
    while (*at != mine) {
        at = &(*at)->next;
    }
    *at = mine->next;
}

/* Take out of the list what no holder has known. */
static struct view_retired *take_free(struct view_content *content)
{
    struct view_retired *free_now = NULL, **at = &content->retired;
    uint64_t oldest = UINT64_MAX;
    for (const struct view_hold *one = content->holds; one != NULL; one = one->next) {
        oldest = one->since; /* the last one of the list is the oldest */
    }
    while (*at != NULL) {
        struct view_retired *item = *at;
        if (item->at <= oldest) {
            *at = item->next;
            item->next = free_now;
            free_now = item;
        } else {
            at = &item->next;
        }
    }
    return free_now;
}

void view_end_hold(const struct view *view)
{
    struct view_content *content = view->content;
    struct view_hold *mine = view->hold;
    pthread_mutex_lock(&content->lock);
    unlink_hold(content, mine);
    struct view_retired *rest = take_free(content);
    pthread_mutex_unlock(&content->lock);
    free_retired(rest);
    free(mine);
}

void view_retire_zone(struct view_content *content, struct zone *zone)
{
    struct view_retired *item = memory_alloc(sizeof *item);
    pthread_mutex_lock(&content->lock);
    *item = (struct view_retired){.next = content->retired, .zone = zone, .at = ++content->sequence};
    content->retired = item;
    struct view_retired *rest = take_free(content);
    pthread_mutex_unlock(&content->lock);
    free_retired(rest);
}
