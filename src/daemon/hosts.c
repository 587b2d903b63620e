/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hosts.h. What the resolver hears within a moment is brought into the view together: a change costs the
 * readers' grace period and a new list for the prober, so after one that took long the next one waits. */
#include "config.h"

#include "daemon/hosts.h"

#include "daemon/changes.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "daemon/targets.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "probe/probe.h"
#include "view/hosts.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    GATHER_MS = 20,
    REST = 10, /* times as long as the last change took */
};

struct hosts {
    struct server *server;
    struct event *timer;
    struct resolver *resolver; /* NULL: there was nothing to resolve yet */
    size_t *in_view;           /* number in the view of each host of the resolver */
    bool *heard;               /* of each, since the last change */
    size_t count;
    int64_t rest_ms;
};

/* ---- from the resolver to the view ---- */

static enum view_host_state state_of(enum resolve_state state)
{
    switch (state) {
    case RESOLVE_GOOD: return VIEW_HOST_GOOD;
    case RESOLVE_FAILING: return VIEW_HOST_FAILING;
    case RESOLVE_PENDING: break;
    }
    return VIEW_HOST_PENDING;
}

static struct view_news read_set(const struct resolve_set *set)
{
    return (struct view_news){.addresses = set->addresses,
                              .count = set->count,
                              .state = state_of(set->state),
                              .error = set->error,
                              .answered_ms = set->answered_ms,
                              .until_s = (uint32_t)(set->until_ms / 1000)};
}

static struct view_host_update read_host(const struct hosts *hosts, size_t i)
{
    const struct resolve_host *host = resolver_get_host(hosts->resolver, i);
    return (struct view_host_update){.host = hosts->in_view[i],
                                     .news = {read_set(&host->v4), read_set(&host->v6)}};
}

/* ---- the log ---- */

static void write_addresses(const struct addr *addresses, size_t count, struct buffer *to)
{
    char text[ADDR_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        buffer_print(to, "%s%s", i == 0 ? "" : ",", addr_write(&addresses[i], text));
    }
    if (count == 0) {
        buffer_print(to, "none");
    }
}

static void tell_family(struct changes *changes, const struct view_host *host, enum view_family family,
                        const struct view_news *news)
{
    const struct view_news *told = &host->told[family];
    const struct view_addresses *known = atomic_load_explicit(&host->addresses, memory_order_relaxed);
    bool same = known->count[family] == news->count &&
                memcmp(known->items[family], news->addresses, news->count * sizeof *news->addresses) == 0;
    bool same_error = told->error == news->error ||
                      (told->error != NULL && news->error != NULL && strcmp(told->error, news->error) == 0);
    if (same && told->state == news->state && same_error) {
        return;
    }
    struct buffer addresses, was;
    buffer_init(&addresses);
    buffer_init(&was);
    write_addresses(news->addresses, news->count, &addresses);
    write_addresses(known->items[family], known->count[family], &was);
    const char *label = family == VIEW_V4 ? "ipv4" : "ipv6";
    if (news->state == VIEW_HOST_FAILING) {
        log_warning("host name=%s family=%s state=failing error=%s kept=%s", host->conf->name, label,
                    news->error, addresses.bytes);
    } else {
        log_info("host name=%s family=%s state=%s addresses=%s was=%s", host->conf->name, label,
                 view_host_state_text(news->state), addresses.bytes, was.bytes);
    }
    changes_tell_host(changes, host->conf->name, label, view_host_state_text(news->state));
    buffer_fini(&addresses);
    buffer_fini(&was);
}

static void tell_update(const struct server *server, const struct view_host_update *update)
{
    const struct view_host *host = &server->view->hosts[update->host];
    for (enum view_family family = VIEW_V4; family < VIEW_FAMILIES; family++) {
        tell_family(server->changes, host, family, &update->news[family]);
    }
}

/* ---- changes of the current view ---- */

/* Returns how many there are; the list is owned. */
static size_t list_updates(struct hosts *hosts, struct view_host_update **updates)
{
    size_t count = 0;
    *updates = memory_alloc_array(hosts->count, sizeof **updates);
    for (size_t i = 0; i < hosts->count; i++) {
        if (hosts->heard[i]) {
            hosts->heard[i] = false;
            (*updates)[count++] = read_host(hosts, i);
        }
    }
    return count;
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct hosts *hosts = argument;
    struct server *server = hosts->server;
    struct view_host_update *updates;
    (void)fd;
    (void)what;
    int64_t begun_ms = clock_now_ms(&server->clock);
    size_t count = list_updates(hosts, &updates);
    for (size_t i = 0; i < count; i++) {
        tell_update(server, &updates[i]);
    }
    if (count == 0) { /* a reload came before */
        free(updates);
        return;
    }
    size_t moved =
        view_update_hosts(server->view, updates, count, clock_wall_ms(&server->clock), &server->lock);
    free(updates);
    server_forget_snapshot(server);
    if (moved != 0) {
        prober_use_targets(server->prober, targets_make(server->view));
    }
    hosts->rest_ms = REST * (clock_now_ms(&server->clock) - begun_ms);
}

static void on_heard(void *context, size_t host)
{
    struct hosts *hosts = context;
    hosts->heard[host] = true;
    if (event_pending(hosts->timer, EV_TIMEOUT, NULL) == 0) {
        int64_t wait_ms = hosts->rest_ms > GATHER_MS ? hosts->rest_ms : GATHER_MS;
        struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
        event_add(hosts->timer, &wait);
    }
}

/* ---- another view ---- */

/* Those of the view that are to be looked up. Returns the names, owned; they are the view's. */
static const char **list_names(struct hosts *hosts, const struct view *view)
{
    const char **names = memory_alloc_array(view->host_count, sizeof *names);
    free(hosts->in_view);
    free(hosts->heard);
    hosts->in_view = memory_alloc_array(view->host_count, sizeof *hosts->in_view);
    hosts->heard = memory_alloc_array(view->host_count, sizeof *hosts->heard);
    hosts->count = 0;
    for (size_t i = 0; i < view->host_count; i++) {
        if (view->hosts[i].loop == NULL) {
            hosts->in_view[hosts->count] = i;
            names[hosts->count++] = view->hosts[i].conf->name;
        }
    }
    return names;
}

static void use_servers(struct hosts *hosts, const char *servers)
{
    int error = 0;
    if (hosts->resolver != NULL) {
        error = resolver_set_servers(hosts->resolver, servers);
    } else if (hosts->count != 0) {
        struct resolve_hooks hooks = {.context = hosts, .heard = on_heard};
        error = resolver_open(hosts->server->base, servers, &hooks, &hosts->resolver);
    }
    if (error != 0) {
        log_error("resolver failed servers=%s why=%s", servers == NULL ? "system" : servers,
                  error_text(error));
    }
}

/* What is known of a host that is not looked up. */
static struct view_host_update describe_loop(size_t host)
{
    static const struct view_news failed = {.state = VIEW_HOST_FAILING,
                                            .error = "leads back to a name that is answered with it"};
    return (struct view_host_update){.host = host, .news = {failed, failed}};
}

bool hosts_follow(struct hosts *hosts, struct view *view)
{
    const char **names = list_names(hosts, view);
    struct view_host_update *updates = memory_alloc_array(view->host_count, sizeof *updates);
    use_servers(hosts, view->server->resolver_servers);
    if (hosts->resolver == NULL) {
        hosts->count = 0; /* failed; the next reload tries again */
    } else {
        resolver_set_hosts(hosts->resolver, names, hosts->count);
    }
    for (size_t i = 0; i < view->host_count; i++) {
        updates[i] = view->hosts[i].loop != NULL ? describe_loop(i) : (struct view_host_update){.host = i};
    }
    for (size_t i = 0; i < hosts->count; i++) {
        updates[hosts->in_view[i]] = read_host(hosts, i);
    }
    size_t moved = view_update_hosts(view, updates, view->host_count, clock_wall_ms(&hosts->server->clock),
                                     &hosts->server->lock);
    free(updates);
    free(names);
    return moved != 0;
}

void hosts_follow_clock(struct hosts *hosts, int64_t by_ms)
{
    if (hosts->resolver != NULL) {
        resolver_shift_clock(hosts->resolver, by_ms);
    }
    for (size_t i = 0; i < hosts->count; i++) {
        on_heard(hosts, i);
    }
}

void hosts_get_stats(const struct hosts *hosts, struct resolve_stats *stats)
{
    *stats = (struct resolve_stats){.asked = 0};
    if (hosts->resolver != NULL) {
        resolver_get_stats(hosts->resolver, stats);
    }
}

struct hosts *hosts_open(struct server *server)
{
    struct hosts *hosts = memory_alloc(sizeof *hosts);
    hosts->server = server;
    hosts->timer = evtimer_new(server->base, on_timer, hosts);
    if (hosts->timer == NULL) {
        free(hosts);
        return NULL;
    }
    return hosts;
}

void hosts_close(struct hosts *hosts)
{
    if (hosts != NULL) {
        resolver_close(hosts->resolver);
        event_free(hosts->timer);
        free(hosts->in_view);
        free(hosts->heard);
        free(hosts);
    }
}
