/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See vantages.h. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/clustered.h"
#include "daemon/peers.h"
#include "daemon/bundles.h"
#include "daemon/porter.h"
#include "daemon/server.h"
#include "probe/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { RETRY_S = 5 };

/* ---- where they come ---- */

static void follow_retry(struct vantages *vantages, size_t open_count)
{
    if (open_count == vantages->listen_count) {
        (void)event_del(vantages->retry);
    } else {
        (void)event_add(vantages->retry, &(struct timeval){.tv_sec = RETRY_S});
    }
}

static void listen_to(struct vantages *vantages, struct tls_context *context)
{
    int fds[CONF_VANTAGE_LISTEN_MAX + CONF_CLUSTER_LISTEN_MAX] = {0};
    size_t count = 0;
    free(vantages->is_open);
    vantages->is_open = memory_alloc_array(vantages->listen_count, sizeof *vantages->is_open);
    for (size_t i = 0; i < vantages->listen_count; i++) {
        char text[ADDR_TEXT_SIZE];
        int fd = fleet_bind(&vantages->listen[i]);
        if (fd < 0) {
            log_error("vantages cannot come address=%s why=\"%s\" effect=\"it is tried again every %d s\"",
                      addr_write_port(&vantages->listen[i], text), error_text(fd), RETRY_S);
        } else {
            vantages->is_open[i] = true;
            fds[count++] = fd;
        }
    }
    fleet_listen(vantages->fleet, fds, count, context);
    follow_retry(vantages, count);
}

/* Those that are listened to stay, with who knocks there. What fails is told once. */
static void on_retry(evutil_socket_t bell, short what, void *context)
{
    struct vantages *vantages = context;
    size_t count = 0;
    (void)bell, (void)what;
    for (size_t i = 0; i < vantages->listen_count; i++) {
        char text[ADDR_TEXT_SIZE];
        int fd = vantages->is_open[i] ? -1 : fleet_bind(&vantages->listen[i]);
        if (fd >= 0) {
            log_info("vantages can come address=%s", addr_write_port(&vantages->listen[i], text));
            fleet_listen_also(vantages->fleet, fd);
            vantages->is_open[i] = true;
        }
        count += vantages->is_open[i];
    }
    follow_retry(vantages, count);
}

static bool is_same_listen(const struct vantages *vantages, const struct vantages_news *news)
{
    bool is_same = vantages->listen_count == news->listen_count;
    for (size_t i = 0; is_same && i < news->listen_count; i++) {
        is_same = vantages->listen[i].port == news->listen[i].port &&
                  addr_equal(&vantages->listen[i].addr, &news->listen[i].addr);
    }
    return is_same;
}

static void follow_identity(struct vantages *vantages, const struct vantages_news *news)
{
    pthread_mutex_lock(&vantages->lock);
    vantages->has_fingerprint = news->context != NULL;
    memcpy(vantages->fingerprint, news->fingerprint, sizeof vantages->fingerprint);
    pthread_mutex_unlock(&vantages->lock);
}

/* Links that know each other go on. */
static void follow_peers(struct vantages *vantages, struct vantages_news *news, bool is_same_key)
{
    if (!is_same_key || vantages->peer_context == NULL) {
        tls_context_drop(vantages->peer_context);
        vantages->peer_context = news->peer_context;
        news->peer_context = NULL;
    }
    peers_follow(vantages->server->peers, vantages->peer_context);
}

static struct fleet *exchange(struct vantages *vantages, struct fleet *fleet)
{
    pthread_mutex_lock(&vantages->lock);
    struct fleet *old = vantages->fleet;
    vantages->fleet = fleet;
    while (old != NULL && vantages->holders != 0) {
        fleet_end_trials(old);
        pthread_cond_wait(&vantages->idle, &vantages->lock);
    }
    pthread_mutex_unlock(&vantages->lock);
    return old;
}

/* Where nobody can come there is no thread for them. False: there is none. */
static bool follow_thread(struct vantages *vantages, const struct vantages_news *news)
{
    struct fleet_options options = {.clock = &vantages->server->clock, .server = vantages->host};
    if (news->listen_count == 0 || vantages->fleet != NULL) {
        bool goes_on = news->listen_count != 0;
        if (!goes_on) {
            fleet_close(exchange(vantages, NULL));
            free(vantages->listen);
            vantages->listen = NULL;
            vantages->listen_count = 0;
            (void)event_del(vantages->retry);
        }
        return goes_on;
    }
    vantages_fill_hooks(vantages, &options.hooks);
    struct fleet *fleet = NULL;
    int error = fleet_open(&options, &fleet);
    (void)exchange(vantages, fleet);
    if (error != 0) {
        log_error("vantages cannot come why=\"no thread for them: %s\"", error_text(error));
    } else {
        vantages_tell_fleet(vantages);
    }
    return error == 0;
}

bool vantages_are_heard(const struct vantages *vantages)
{
    return vantages != NULL && vantages->fleet != NULL;
}

bool vantages_any(const struct vantages *vantages)
{
    return vantages != NULL && vantages->changes != NULL;
}

void vantages_follow(struct vantages *vantages, struct vantages_news *news)
{
    if (vantages == NULL || news == NULL || vantages->has_left) {
        vantages_free_news(news);
        return;
    }
    bool is_same_key = vantages->has_fingerprint == (news->context != NULL) &&
                       memcmp(vantages->fingerprint, news->fingerprint, sizeof news->fingerprint) == 0;
    follow_identity(vantages, news);
    follow_peers(vantages, news, is_same_key);
    if (!follow_thread(vantages, news)) {
        vantages_free_news(news);
        return;
    }
    fleet_set_pace(vantages->fleet, news->heartbeat_ms, news->expires_ms);
    fleet_set_limits(vantages->fleet, &news->limits); /* before there is more to check */
    if (news->list != NULL) {
        fleet_use_list(vantages->fleet, news->list);
        news->list = NULL;
    }
    if (!is_same_listen(vantages, news) || !is_same_key) {
        free(vantages->listen);
        vantages->listen = news->listen;
        vantages->listen_count = news->context == NULL ? 0 : news->listen_count;
        news->listen = NULL;
        listen_to(vantages, news->context);
    }
    vantages_free_news(news);
}

void vantages_leave(struct vantages *vantages)
{
    if (vantages != NULL) {
        peers_leave(vantages->server->peers);
        porter_use(vantages->server->porter, NULL);
    }
    if (vantages != NULL && !vantages->has_left && vantages->fleet != NULL) {
        vantages->has_left = true;
        (void)event_del(vantages->retry);
        fleet_leave(vantages->fleet);
    }
}

void vantages_aim(struct vantages *vantages, uint64_t generation, const struct probe_aim *aims, size_t count)
{
    if (vantages == NULL || vantages->fleet == NULL || count == 0) {
        return;
    }
    struct fleet_aim *items = memory_alloc_array(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct fleet_aim){.index = aims[i].target,
                                      .idle = aims[i].idle,
                                      .addresses = aims[i].addresses,
                                      .address_count = aims[i].address_count};
    }
    fleet_aim(vantages->fleet, generation, items, count);
    free(items);
}

bool vantages_get_stats(struct vantages *vantages, struct fleet_stats *stats)
{
    if (vantages == NULL || vantages->fleet == NULL) {
        return false;
    }
    fleet_get_stats(vantages->fleet, stats);
    return true;
}

/* ---- the store is ours ---- */

void vantages_begin(struct vantages *vantages)
{
    if (vantages != NULL) {
        vantages->has_begun = true;
        vantages_tell_all(vantages);
        peers_begin(vantages->server->peers);
        porter_use(vantages->server->porter, bundles_get_store(vantages->server->bundles));
    }
}

void vantages_adopt(struct vantages *vantages)
{
    if (vantages == NULL) {
        return;
    }
    if (vantages->is_handed) {
        vantages_use(vantages, vantages->handed);
    }
    vantages_begin(vantages);
    vantages_await(vantages);
}

/* ---- from their thread ---- */

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct vantages *vantages = context;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)got, (void)what;
    pthread_mutex_lock(&vantages->lock);
    struct enrolling *next = vantages->enrolling;
    vantages->enrolling = NULL;
    pthread_mutex_unlock(&vantages->lock);
    while (next != NULL) {
        struct enrolling *enrolling = next;
        next = enrolling->next;
        if (enrolling->joins) {
            clustered_admit(vantages->server, enrolling->connection, enrolling->from, enrolling->token);
        } else {
            vantages_enrol(vantages, enrolling);
        }
        explicit_bzero(enrolling->token, strlen(enrolling->token));
        free(enrolling->token);
        free(enrolling);
    }
}

/* ---- bundles ---- */

static void ask_node(void *context, const char *node, uint64_t connection, const struct fleet_message *want)
{
    peers_ask(((struct server *)context)->peers, node, connection, want);
}

static void give_to_node(void *context, unsigned number, uint64_t connection,
                         const struct fleet_message *message, uint8_t *octets)
{
    vantages_give(((struct server *)context)->vantages, number, connection, message, octets);
}

static int open_porter(struct server *server)
{
    return porter_open(
        &(struct porter_options){.clock = &server->clock, .ways = {server, ask_node, give_to_node}},
        &server->porter);
}

/* ---- life ---- */

int vantages_open(struct server *server, struct vantages **opened)
{
    struct vantages *vantages = memory_alloc(sizeof *vantages);
    (void)gethostname(vantages->host, sizeof vantages->host - 1);
    vantages->server = server;
    pthread_mutex_init(&vantages->lock, NULL);
    pthread_cond_init(&vantages->idle, NULL);
    vantages->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    vantages->wake = event_new(server->base, vantages->wake_fd, EV_READ | EV_PERSIST, on_wake, vantages);
    vantages->retry = event_new(server->base, -1, 0, on_retry, vantages);
    *opened = vantages;
    int error = peers_open(server, &server->peers);
    error = error == 0 ? open_porter(server) : error;
    return error != 0 ? error
           : vantages->wake_fd == -1 || vantages->wake == NULL || vantages->retry == NULL ||
                   event_add(vantages->wake, NULL) == -1
               ? -ENOMEM
               : 0;
}

void vantages_stop(struct vantages *vantages)
{
    if (vantages != NULL) {
        peers_stop(vantages->server->peers);
        fleet_close(exchange(vantages, NULL));
        porter_close(vantages->server->porter);
        vantages->server->porter = NULL;
    }
}

void vantages_close(struct vantages *vantages)
{
    if (vantages == NULL) {
        return;
    }
    while (vantages->enrolling != NULL) {
        struct enrolling *enrolling = vantages->enrolling;
        vantages->enrolling = enrolling->next;
        free(enrolling->token);
        free(enrolling);
    }
    if (vantages->wake != NULL) {
        event_free(vantages->wake);
    }
    if (vantages->retry != NULL) {
        event_free(vantages->retry);
    }
    if (vantages->wake_fd != -1) {
        close(vantages->wake_fd);
    }
    peers_close(vantages->server->peers);
    vantages->server->peers = NULL;
    tls_context_drop(vantages->peer_context);
    free(vantages->listen);
    free(vantages->is_open);
    pthread_cond_destroy(&vantages->idle);
    pthread_mutex_destroy(&vantages->lock);
    free(vantages);
}
