/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hosts.h. What the resolver hears within a moment is brought into the view together: a change costs the
 * readers' grace period, so after one that took long the next one waits. However many hosts there are, each
 * turn of the control thread takes some of them: those of a new view, and those that were heard of, stand in
 * one line. */
#include "config.h"

#include "daemon/hosts.h"

#include "daemon/changes.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "daemon/targets.h"
#include "daemon/vantages.h"
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
    TURN = 16, /* hosts */
};

struct hosts {
    struct server *server;
    struct event *timer;
    struct resolver *resolver; /* NULL: there was nothing to resolve yet */
    const char **names;        /* of the hosts that the resolver looks up; of the view */
    size_t *in_view;           /* number in the view of each of those */
    size_t *in_resolver;       /* the reverse; SIZE_MAX: it is not looked up */
    size_t count;              /* of names */
    size_t seen;               /* of these, how many the resolver has found their place for */
    bool is_settled;           /* all, and it has let go of those of the view before */
    size_t *line;              /* numbers in the view: a ring with room for all of that */
    bool *waits;               /* is it in the line? By number in the view */
    size_t first, waiting, size;
    int64_t rest_ms;
};

/* ---- the line ---- */

static void line_up(struct hosts *hosts, size_t host)
{
    if (!hosts->waits[host]) {
        hosts->waits[host] = true;
        hosts->line[(hosts->first + hosts->waiting++) % hosts->size] = host;
    }
}

static size_t take_first(struct hosts *hosts)
{
    size_t host = hosts->line[hosts->first];
    hosts->first = (hosts->first + 1) % hosts->size;
    hosts->waiting--;
    hosts->waits[host] = false;
    return host;
}

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

/* What is known of a host that is not looked up. */
static struct view_host_update describe_loop(size_t host)
{
    static const struct view_news failed = {.state = VIEW_HOST_FAILING,
                                            .error = "leads back to a name that is answered with it"};
    return (struct view_host_update){.host = host, .news = {failed, failed}};
}

static struct view_host_update read_host(const struct hosts *hosts, size_t host)
{
    if (hosts->in_resolver[host] == SIZE_MAX) {
        return describe_loop(host);
    }
    const struct resolve_host *known = resolver_get_host(hosts->resolver, hosts->in_resolver[host]);
    return (struct view_host_update){.host = host, .news = {read_set(&known->v4), read_set(&known->v6)}};
}

static struct resolve_set write_set(const struct view_host *host, enum view_family family)
{
    static const enum resolve_state states[] = {[VIEW_HOST_PENDING] = RESOLVE_PENDING,
                                                [VIEW_HOST_GOOD] = RESOLVE_GOOD,
                                                [VIEW_HOST_FAILING] = RESOLVE_FAILING};
    const struct view_addresses *known = atomic_load_explicit(&host->addresses, memory_order_relaxed);
    const struct view_news *told = &host->told[family];
    struct resolve_set set = {.state = states[told->state],
                              .count = known->count[family],
                              .answered_ms = told->answered_ms,
                              .until_ms = (int64_t)told->until_s * 1000,
                              .error = told->error};
    memcpy(set.addresses, known->items[family], set.count * sizeof *set.addresses);
    return set;
}

/* After a start the view may know what the resolver does not. */
static void remember_host(struct hosts *hosts, size_t index)
{
    const struct view_host *host = &hosts->server->view->hosts[hosts->in_view[index]];
    struct resolve_set v4 = write_set(host, VIEW_V4), v6 = write_set(host, VIEW_V6);
    resolver_remember(hosts->resolver, index, &v4, &v6);
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
                (news->count == 0 ||
                 memcmp(known->items[family], news->addresses, news->count * sizeof *news->addresses) == 0);
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

static void set_timer(struct hosts *hosts, int64_t wait_ms)
{
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    event_add(hosts->timer, &wait);
}

/* The prober has a list of this view, which may be older than what is known of its hosts. */
static void aim(const struct hosts *hosts, const struct view_host_update *updates, size_t count)
{
    const struct view *view = hosts->server->view;
    size_t all = 0, done = 0;
    for (size_t i = 0; i < count; i++) {
        all += targets_count_of_host(view, updates[i].host);
    }
    struct probe_aim *aims = memory_alloc_array(all, sizeof *aims);
    for (size_t i = 0; i < count; i++) {
        done += targets_aim(view, updates[i].host, aims + done);
    }
    prober_aim(hosts->server->prober, view->generation, aims, done);
    vantages_aim(hosts->server->vantages, view->generation, aims, done);
    free(aims);
}

static void follow_line(struct hosts *hosts)
{
    struct server *server = hosts->server;
    struct view_host_update updates[TURN];
    size_t count = 0;
    while (count < TURN && hosts->waiting != 0) {
        updates[count++] = read_host(hosts, take_first(hosts));
    }
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        tell_update(server, &updates[i]);
    }
    (void)view_update_hosts(server->view, updates, count, clock_wall_ms(&server->clock), &server->lock);
    if (server->shadows != NULL) {
        shadows_take_hosts(server->shadows, updates, count);
    }
    aim(hosts, updates, count);
    server_forget_snapshot(server);
}

/* The resolver finds places for the hosts of the view. */
static void follow_view(struct hosts *hosts)
{
    hosts->is_settled = !resolver_follow_hosts(hosts->resolver, TURN);
    for (; hosts->seen < resolver_count_hosts(hosts->resolver); hosts->seen++) {
        remember_host(hosts, hosts->seen);
        line_up(hosts, hosts->in_view[hosts->seen]);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct hosts *hosts = argument;
    (void)fd;
    (void)what;
    int64_t begun_ms = clock_now_ms(&hosts->server->clock);
    if (!hosts->is_settled) {
        follow_view(hosts);
    }
    follow_line(hosts);
    hosts->rest_ms = REST * (clock_now_ms(&hosts->server->clock) - begun_ms);
    if (!hosts->is_settled || hosts->waiting != 0) {
        set_timer(hosts, 0);
    }
}

static void on_heard(void *context, size_t host)
{
    struct hosts *hosts = context;
    line_up(hosts, hosts->in_view[host]);
    if (event_pending(hosts->timer, EV_TIMEOUT, NULL) == 0) {
        set_timer(hosts, hosts->rest_ms > GATHER_MS ? hosts->rest_ms : GATHER_MS);
    }
}

/* ---- another view ---- */

static void forget_view(struct hosts *hosts)
{
    free(hosts->names);
    free(hosts->in_view);
    free(hosts->in_resolver);
    free(hosts->line);
    free(hosts->waits);
}

/* Those that are to be looked up; the others can stand in line at once. */
static void list_hosts(struct hosts *hosts, const struct view *view)
{
    hosts->size = view->host_count;
    hosts->names = memory_alloc_array(hosts->size, sizeof *hosts->names);
    hosts->in_view = memory_alloc_array(hosts->size, sizeof *hosts->in_view);
    hosts->in_resolver = memory_alloc_array(hosts->size, sizeof *hosts->in_resolver);
    hosts->line = memory_alloc_array(hosts->size, sizeof *hosts->line);
    hosts->waits = memory_alloc_array(hosts->size, sizeof *hosts->waits);
    hosts->count = hosts->seen = hosts->first = hosts->waiting = 0;
    for (size_t i = 0; i < hosts->size; i++) {
        hosts->in_resolver[i] = SIZE_MAX;
        if (view->hosts[i].loop != NULL) {
            line_up(hosts, i);
        } else {
            hosts->in_resolver[i] = hosts->count;
            hosts->in_view[hosts->count] = i;
            hosts->names[hosts->count++] = view->hosts[i].conf->name;
        }
    }
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

void hosts_follow(struct hosts *hosts, const struct view *view)
{
    while (!hosts->is_settled) { /* with names of the view before */
        hosts->is_settled = !resolver_follow_hosts(hosts->resolver, SIZE_MAX);
    }
    forget_view(hosts);
    list_hosts(hosts, view);
    use_servers(hosts, view->server->resolver_servers);
    if (hosts->resolver != NULL) { /* else it failed; the next reload tries again */
        resolver_begin_hosts(hosts->resolver, hosts->names, hosts->count);
        hosts->is_settled = false;
    }
    if (!hosts->is_settled || hosts->waiting != 0) {
        set_timer(hosts, 0);
    }
}

void hosts_follow_clock(struct hosts *hosts, int64_t by_ms)
{
    if (hosts->resolver != NULL) {
        resolver_shift_clock(hosts->resolver, by_ms);
    }
    for (size_t i = 0; i < hosts->seen; i++) {
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
    *hosts = (struct hosts){.server = server, .is_settled = true};
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
        forget_view(hosts);
        free(hosts);
    }
}
