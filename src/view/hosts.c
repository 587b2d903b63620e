/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hosts.h. */
#include "config.h"

#include "view/hosts.h"

#include "base/lock.h"
#include "base/memory.h"
#include "view/compile_internal.h"
#include "view/content.h"

#include <stdlib.h>
#include <string.h>

static const struct view_addresses no_addresses;

enum view_host_state view_host_state(const struct view_host *host)
{
    enum view_host_state v4 = host->told[VIEW_V4].state, v6 = host->told[VIEW_V6].state;
    if (v4 == VIEW_HOST_FAILING || v6 == VIEW_HOST_FAILING) {
        return VIEW_HOST_FAILING;
    }
    return v4 == VIEW_HOST_PENDING || v6 == VIEW_HOST_PENDING ? VIEW_HOST_PENDING : VIEW_HOST_GOOD;
}

/* ---- making ---- */

static void list_endpoints(struct view *view)
{
    const struct conf_topology *topology = view->topology;
    size_t *counts = memory_alloc_array(view->host_count, sizeof *counts);
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_host *host = topology->endpoints[i].host;
        counts[host == NULL ? 0 : host->index] += host != NULL;
    }
    for (size_t i = 0; i < view->host_count; i++) {
        view->hosts[i].endpoints = arena_alloc(view->arena, counts[i] * sizeof *view->hosts[i].endpoints);
    }
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_host *host = topology->endpoints[i].host;
        if (host != NULL) {
            struct view_host *to = &view->hosts[host->index];
            ((uint32_t *)(uintptr_t)to->endpoints)[to->endpoint_count++] = (uint32_t)i;
        }
    }
    free(counts);
}

void compile_hosts(struct view *view)
{
    if (view->topology == NULL || view->topology->host_count == 0) {
        return;
    }
    view->host_count = view->topology->host_count;
    view->hosts = memory_alloc_array(view->host_count, sizeof *view->hosts);
    for (size_t i = 0; i < view->host_count; i++) {
        view->hosts[i].conf = view->topology->hosts[i];
        atomic_init(&view->hosts[i].addresses, &no_addresses);
        atomic_init(&view->hosts[i].until_s[VIEW_V4], 0);
        atomic_init(&view->hosts[i].until_s[VIEW_V6], 0);
    }
    list_endpoints(view);
}

static const struct view_addresses *hold_addresses(const struct view_addresses *addresses)
{
    if (addresses != &no_addresses) {
        struct view_addresses *held = (struct view_addresses *)(uintptr_t)addresses;
        atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    }
    return addresses;
}

static void free_addresses(const struct view_addresses *addresses)
{
    struct view_addresses *held = (struct view_addresses *)(uintptr_t)addresses;
    if (addresses != &no_addresses &&
        atomic_fetch_sub_explicit(&held->holders, 1, memory_order_acq_rel) == 1) {
        free(held);
    }
}

void view_free_hosts(struct view_host *hosts, size_t count)
{
    for (size_t i = 0; hosts != NULL && i < count; i++) {
        free_addresses(atomic_load_explicit(&hosts[i].addresses, memory_order_relaxed));
    }
    free(hosts);
}

static void copy_news(const struct view_host *from, struct view_host *to)
{
    atomic_store_explicit(&to->addresses,
                          hold_addresses(atomic_load_explicit(&from->addresses, memory_order_relaxed)),
                          memory_order_relaxed);
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        atomic_store_explicit(&to->until_s[family],
                              atomic_load_explicit(&from->until_s[family], memory_order_relaxed),
                              memory_order_relaxed);
        to->told[family] = from->told[family];
    }
}

static void copy_host(const struct view_host *from, struct view_host *to)
{
    to->conf = from->conf;
    to->endpoints = from->endpoints;
    to->endpoint_count = from->endpoint_count;
    to->loop = from->loop;
    copy_news(from, to);
}

/* ---- what is new ---- */

/* A host between the steps of a change. */
struct change {
    struct view_host *host;
    const struct view_addresses *old, *next; /* equal: the addresses stay */
    uint32_t was, is;                        /* of HEALTH_WORD_RESOLVED */
};

static uint32_t find_resolved(const struct view_addresses *addresses)
{
    return (addresses->count[VIEW_V4] != 0 ? HEALTH_WORD_RESOLVED_V4 : 0) |
           (addresses->count[VIEW_V6] != 0 ? HEALTH_WORD_RESOLVED_V6 : 0);
}

static size_t count_addresses(const struct view_news *news)
{
    return news->count < VIEW_ADDRESSES_MAX ? news->count : VIEW_ADDRESSES_MAX;
}

static bool is_known(const struct view_addresses *known, const struct view_news news[VIEW_FAMILIES])
{
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        size_t count = count_addresses(&news[family]);
        if (known->count[family] != count ||
            (count != 0 &&
             memcmp(known->items[family], news[family].addresses, count * sizeof(struct addr)) != 0)) {
            return false;
        }
    }
    return true;
}

static const struct view_addresses *new_addresses(const struct view_news news[VIEW_FAMILIES])
{
    struct view_addresses *addresses = memory_alloc(sizeof *addresses);
    atomic_init(&addresses->holders, 1);
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        size_t count = count_addresses(&news[family]);
        addresses->count[family] = (uint16_t)count;
        if (count != 0) {
            memcpy(addresses->items[family], news[family].addresses, count * sizeof(struct addr));
        }
    }
    return addresses;
}

static struct change plan_change(struct view *view, const struct view_host_update *update)
{
    struct view_host *host = &view->hosts[update->host];
    struct change change = {.host = host};
    change.old = atomic_load_explicit(&host->addresses, memory_order_relaxed);
    change.next = is_known(change.old, update->news) ? change.old : new_addresses(update->news);
    change.was = find_resolved(change.old);
    change.is = find_resolved(change.next);
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        const struct view_news *news = &update->news[family];
        host->told[family] = *news;
        host->told[family].addresses = NULL;
        bool fresh = news->state == VIEW_HOST_GOOD;
        atomic_store_explicit(&host->until_s[family], fresh ? news->until_s : 0, memory_order_relaxed);
    }
    return change;
}

/* Turns at the lock of the application; NULL: nobody else has the view. */
struct turns {
    struct lock *lock;
    size_t done; /* in this one */
};

static void begin_turn(struct turns *turns)
{
    turns->done = 0;
    if (turns->lock != NULL) {
        lock_take(turns->lock);
    }
}

static void end_turn(struct turns *turns)
{
    if (turns->lock != NULL) {
        lock_leave(turns->lock);
    }
}

static void count_work(struct turns *turns)
{
    if (++turns->done >= VIEW_TURN && turns->lock != NULL) {
        turns->done = 0;
        lock_pass(turns->lock);
    }
}

struct view_host *view_copy_hosts(const struct view_host *hosts, size_t count, struct lock *lock)
{
    struct view_host *copies = count == 0 ? NULL : memory_alloc_array(count, sizeof *copies);
    struct turns turns = {.lock = count == 0 ? NULL : lock};
    begin_turn(&turns);
    for (size_t i = 0; i < count; i++) {
        copy_host(&hosts[i], &copies[i]);
        count_work(&turns);
    }
    end_turn(&turns);
    return copies;
}

/* What it inherited holds until something is known of the host. */
static bool is_awaited(const struct view *view, const struct view_host *host, size_t monitor)
{
    enum view_family family = view->monitors[monitor].family == ADDR_V6 ? VIEW_V6 : VIEW_V4;
    struct health_monitor_status status = {.inherited = false};
    (void)health_get_monitor(view->health, (uint32_t)monitor, &status);
    return status.inherited && host->told[family].state == VIEW_HOST_PENDING;
}

/* Of an endpoint that is a host name there are two monitors for each check, of IPv4 and of IPv6. Where all
 * addresses are of the other family than before, the endpoint is what it was. */
static bool move_monitors(struct view *view, size_t first, size_t count, bool to_v6, int64_t wall_ms)
{
    struct health_move move = {.from = (uint32_t)first + !to_v6,
                               .to = (uint32_t)first + to_v6,
                               .step = VIEW_FAMILIES,
                               .count = (uint32_t)count / VIEW_FAMILIES};
    return health_move_monitors(view->health, &move, wall_ms);
}

/* Each family that has addresses is observed. If there are none at all although it was asked, that is a
 * failure, and the first monitor of each check says so. */
static bool use_monitors(struct view *view, const struct view_host *host, uint32_t endpoint, int64_t wall_ms)
{
    const struct view_addresses *addresses = atomic_load_explicit(&host->addresses, memory_order_relaxed);
    bool used[VIEW_FAMILIES] = {addresses->count[VIEW_V4] != 0, addresses->count[VIEW_V6] != 0};
    if (view_host_is_unresolved(host, addresses)) {
        used[VIEW_V4] = true;
    }
    size_t count, first = view_find_monitors(view, endpoint, &count);
    bool any = used[VIEW_V4] != used[VIEW_V6] && move_monitors(view, first, count, used[VIEW_V6], wall_ms);
    for (size_t m = first; m < first + count; m++) {
        bool is_v6 = view->monitors[m].family == ADDR_V6, wanted = used[is_v6];
        if (!wanted && is_awaited(view, host, m)) {
            continue;
        }
        any |= health_use_monitor(view->health, (uint32_t)m, wanted, wall_ms);
    }
    return any;
}

bool view_host_is_unresolved(const struct view_host *host, const struct view_addresses *addresses)
{
    return addresses->count[VIEW_V4] == 0 && addresses->count[VIEW_V6] == 0 &&
           host->told[VIEW_V4].state != VIEW_HOST_PENDING && host->told[VIEW_V6].state != VIEW_HOST_PENDING;
}

static bool has_word(const struct view *view, uint32_t endpoint, uint32_t resolved)
{
    uint32_t word = atomic_load_explicit(&view->table->endpoints[endpoint], memory_order_relaxed);
    return (word & HEALTH_WORD_RESOLVED) == resolved;
}

/* The words first lose what goes; nobody finds it any more when this returns. */
static void withdraw(struct view *view, const struct change *changes, size_t count, struct turns *turns)
{
    bool any = false;
    begin_turn(turns);
    for (size_t i = 0; i < count; i++) {
        const struct view_host *host = changes[i].host;
        bool goes = (changes[i].was & ~changes[i].is) != 0;
        for (size_t e = 0; goes && e < host->endpoint_count; e++) {
            health_set_resolved(view->health, host->endpoints[e], changes[i].was & changes[i].is);
            count_work(turns);
        }
        any |= goes;
    }
    end_turn(turns);
    if (any) {
        view_synchronize();
    }
}

/* Another machine may have brought words along: they are looked at even if nothing changed. Returns whether
 * anything is observed that was not, or the reverse. */
static bool apply(struct view *view, const struct change *change, int64_t wall_ms, struct turns *turns)
{
    const struct view_host *host = change->host;
    bool turned = false;
    for (size_t e = 0; e < host->endpoint_count; e++) {
        if (change->next != change->old || !has_word(view, host->endpoints[e], change->is)) {
            health_set_resolved(view->health, host->endpoints[e], change->is);
        }
        turned |= use_monitors(view, host, host->endpoints[e], wall_ms);
        count_work(turns);
    }
    return turned;
}

static void free_old(const struct change *changes, size_t count)
{
    bool synchronized = false;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].next != changes[i].old && changes[i].old != &no_addresses) {
            if (!synchronized) {
                view_synchronize();
                synchronized = true;
            }
            free_addresses(changes[i].old);
        }
    }
}

size_t view_update_hosts(struct view *view, const struct view_host_update *updates, size_t count,
                         int64_t wall_ms, struct lock *lock)
{
    struct change *changes = memory_alloc_array(count, sizeof *changes);
    struct turns turns = {.lock = lock};
    size_t moved = 0;
    begin_turn(&turns);
    for (size_t i = 0; i < count; i++) {
        changes[i] = plan_change(view, &updates[i]);
        count_work(&turns);
    }
    end_turn(&turns);
    withdraw(view, changes, count, &turns);
    begin_turn(&turns);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].next != changes[i].old) {
            atomic_store_explicit(&changes[i].host->addresses, changes[i].next, memory_order_release);
        }
        bool turned = apply(view, &changes[i], wall_ms, &turns);
        moved += turned || changes[i].next != changes[i].old;
        count_work(&turns);
    }
    end_turn(&turns);
    free_old(changes, count);
    free(changes);
    return moved;
}

/* ---- from one view to another ---- */

void view_apply_host(struct view *view, uint32_t endpoint, int64_t wall_ms)
{
    const struct conf_host *conf = view->topology->endpoints[endpoint].host;
    if (conf == NULL) {
        return;
    }
    const struct view_host *host = &view->hosts[conf->index];
    uint32_t resolved = find_resolved(atomic_load_explicit(&host->addresses, memory_order_relaxed));
    if (!has_word(view, endpoint, resolved)) {
        health_set_resolved(view->health, endpoint, resolved);
    }
    (void)use_monitors(view, host, endpoint, wall_ms);
}

bool view_carry_host(struct view_host *to, const struct view_host *from)
{
    const struct view_addresses *before = atomic_load_explicit(&to->addresses, memory_order_relaxed);
    if (to->loop != NULL || from->loop != NULL) {
        return false;
    }
    bool is_same = before == atomic_load_explicit(&from->addresses, memory_order_relaxed);
    for (int family = 0; family < VIEW_FAMILIES; family++) {
        is_same = is_same && to->told[family].state == from->told[family].state;
    }
    copy_news(from, to);
    free_addresses(before);
    return !is_same;
}
