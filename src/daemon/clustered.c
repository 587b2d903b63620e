/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See clustered.h. What the configuration says is looked at whenever the timer comes, so that a reload needs
 * to tell nobody here. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/durable.h"
#include "daemon/program.h"
#include "daemon/rollouts.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "conf/cluster.h"
#include "etcd/etcd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    LOOK_MS = 250, /* at how this node is, and at the configuration */
    GIVE_MS = 500, /* for etcd to take back what is this node's, when the process ends */
};

/* ---- the configuration ---- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash_bytes(hash, "\1", 1) : hash_bytes(hash, text, strlen(text) + 1);
}

/* Of what this node is by; 0: none. */
static uint64_t hash_conf(const struct conf_cluster *conf)
{
    if (conf == NULL || conf->etcd_count == 0) {
        return 0;
    }
    uint64_t hash = hash_text(hash_text(HASH_START, conf->name), conf->node);
    for (size_t i = 0; i < conf->etcd_count; i++) {
        hash = hash_text(hash, conf->etcd[i]);
    }
    const char *const texts[] = {conf->ca, conf->certificate, conf->key, conf->user, conf->password};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        hash = hash_text(hash, texts[i]);
    }
    hash = hash_finish(hash_bytes(hash, &conf->member, sizeof conf->member));
    return hash == 0 ? 1 : hash;
}

static const struct conf_cluster *get_conf(const struct clustered *clustered)
{
    const struct view *view = clustered->server->view;
    return view == NULL ? NULL : view->server->cluster;
}

/* ---- being a node, or not ---- */

static void leave(struct clustered *clustered, uint32_t patience_ms)
{
    durable_set_way(clustered->server->durable, NULL);
    clustered_stop_sharing(clustered);
    rollouts_leave(clustered->server->rollouts);
    clustered->is_leaving = true;
    cluster_close(clustered->cluster); /* whoever waits for it is told */
    clustered->is_leaving = false;
    clustered->cluster = NULL;
    clustered_drop_changes(clustered);
    clustered_direct_drop(clustered);
    etcd_settle(clustered->etcd, patience_ms);
    etcd_close(clustered->etcd);
    clustered->etcd = NULL;
    clustered->room = (struct clustered_room){.next_ms = 0};
    clustered->configured = 0;
    clustered->server->is_node = clustered->server->works_elsewhere = false;
    clustered->had_work = false;
    clustered->fresh_count = 0;
    clustered->peers = 0;
    clustered_drop_known(clustered);
    pthread_mutex_lock(&clustered->lock);
    clustered->figures.is_on = false;
    pthread_mutex_unlock(&clustered->lock);
    free(clustered->name);
    free(clustered->node);
    clustered->name = clustered->node = NULL;
}

static uint32_t find_patience(void *context)
{
    const struct clustered *clustered = context;
    return clustered_find_patience(clustered);
}

static uint64_t see(void *context)
{
    const struct clustered *clustered = context;
    return cluster_see(clustered->cluster);
}

static bool is_calm(void *context)
{
    return clustered_rests(context);
}

static int open_etcd(struct clustered *clustered, const struct conf_cluster *conf)
{
    return etcd_open(&(struct etcd_options){.base = clustered->server->base,
                                            .program = clustered->program,
                                            .endpoints = conf->etcd,
                                            .endpoint_count = conf->etcd_count,
                                            .ca = conf->ca,
                                            .certificate = conf->certificate,
                                            .key = conf->key,
                                            .user = conf->user,
                                            .password = conf->password},
                     &clustered->etcd);
}

static void open_cluster(struct clustered *clustered, const struct conf_cluster *conf,
                         const struct clustered_past *past)
{
    const struct clock *clock = &clustered->server->clock;
    struct cluster_options options = {.etcd = clustered->etcd,
                                      .name = conf->name,
                                      .node = conf->node,
                                      .software = PACKAGE_VERSION,
                                      .run_before = past->run,
                                      .member = conf->member,
                                      .has_position = past->has_position,
                                      .at = past->at,
                                      .now_ms = clock_now_ms(clock),
                                      .wall_ms = clock_wall_ms(clock)};
    do {
        random_make_secret(&options.run, sizeof options.run);
    } while (options.run == 0);
    clustered_fill_hooks(clustered, &options.hooks);
    options.hooks.settled = clustered_settle;
    options.hooks.noted = clustered_hear_memo;
    clustered->cluster = cluster_open(&options);
    clustered->name = memory_copy_text(conf->name);
    clustered->node = memory_copy_text(conf->node);
    clustered->run = options.run;
    (void)clustered_write_self(clustered, clustered->server->node);
    clustered->configured = hash_conf(conf);
    clustered->phase = CLUSTER_AWAY;
    clustered->server->is_node = true;
    clustered->server->works_elsewhere = true; /* until it is known that it is here */
    cluster_want_work(clustered->cluster, true);
    clustered->seen = (struct clustered_self_seen){.view = 0};
    clustered_note_run(clustered, options.run);
}

static void say_unread(struct clustered *clustered, int error)
{
    if (!clustered->is_unread) {
        log_error("cluster not joined folder=%s why=\"the store cannot be read: %s\" effect=\"this node "
                  "is by itself; "
                  "tried again\"",
                  clustered->folder, error_text(error));
    }
    clustered->is_unread = true;
}

static void join(struct clustered *clustered, const struct conf_cluster *conf)
{
    struct clustered_past past;
    int error = clustered_read_past(clustered, &past);
    if (error != 0) {
        say_unread(clustered, error);
        return;
    }
    error = open_etcd(clustered, conf);
    if (error != 0) {
        log_error("cluster not joined why=\"%s\"", error_text(error));
        return;
    }
    open_cluster(clustered, conf, &past);
    error = clustered_read_pending(clustered);
    error = error == 0 ? clustered_read_known(clustered) : error;
    if (error != 0) {
        say_unread(clustered, error);
        leave(clustered, 0);
        return;
    }
    clustered->is_unread = false;
    durable_set_way(clustered->server->durable, &(struct durable_way){.context = clustered,
                                                                      .submit = clustered_submit,
                                                                      .see = see,
                                                                      .is_calm = is_calm,
                                                                      .find_patience_ms = find_patience});
    log_info("cluster joined name=%s node=%s position=%llu etcd=%zu", conf->name, conf->node,
             (unsigned long long)past.at.seq, conf->etcd_count);
}

/* What may change without anybody having to wait for it. */
static void take_options(struct clustered *clustered, const struct conf_cluster *conf)
{
    static const enum cluster_acknowledge policies[] = {[CONF_ACKNOWLEDGE_LOCAL] = CLUSTER_LOCAL,
                                                        [CONF_ACKNOWLEDGE_MAJORITY] = CLUSTER_MAJORITY,
                                                        [CONF_ACKNOWLEDGE_ALL] = CLUSTER_ALL};
    clustered->acknowledge = policies[conf->acknowledge];
    clustered->deadline_ms = conf->deadline_ms;
}

static void follow_conf(struct clustered *clustered)
{
    const struct server *server = clustered->server;
    const struct conf_cluster *conf = get_conf(clustered);
    if (server->is_frozen || !durable_has_store(server->durable)) {
        return;
    }
    if (clustered->configured != 0 && server->view->generation == clustered->viewed) {
        return;
    }
    uint64_t wanted = hash_conf(conf);
    if (wanted != clustered->configured && clustered->configured != 0) {
        log_info("cluster left name=%s node=%s why=\"the configuration changed\"", clustered->name,
                 clustered->node);
        leave(clustered, 0);
    }
    if (wanted != 0) {
        take_options(clustered, conf);
    }
    if (wanted != 0 && clustered->configured == 0) {
        clustered->has_forgotten = false;
        join(clustered, conf);
    } else if (wanted == 0 && !clustered->has_forgotten && clustered_rests(clustered)) {
        clustered_forget_past(clustered);
    }
    clustered->viewed = server->view->generation;
}

/* ---- time ---- */

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct clustered *clustered = argument;
    const struct clock *clock = &clustered->server->clock;
    int64_t now_ms = clock_now_ms(clock), next_ms = now_ms + LOOK_MS;
    (void)fd, (void)what;
    if (clustered->folder == NULL) {
        return;
    }
    follow_conf(clustered);
    if (clustered->cluster != NULL) {
        rollouts_go_on(clustered->server->rollouts, now_ms);
        clustered_follow_self(clustered, now_ms);
        int64_t its_ms = cluster_tick(clustered->cluster, now_ms, clock_wall_ms(clock));
        next_ms = its_ms < next_ms ? its_ms : next_ms;
        clustered_changes_go_on(clustered);
        clustered_settled_go_on(clustered);
        clustered_direct_go_on(clustered, now_ms);
        clustered_tell(clustered, now_ms);
        clustered_follow_peers(clustered);
        clustered_room_go_on(clustered, now_ms);
    }
    clustered_share_work(clustered, now_ms,
                         get_conf(clustered) != NULL && hash_conf(get_conf(clustered)) != 0);
    int64_t left_ms = next_ms - clock_now_ms(clock);
    left_ms = left_ms < 1 ? 1 : left_ms;
    const struct timeval timeout = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
    event_add(clustered->timer, &timeout);
}

/* ---- life ---- */

void clustered_begin(struct clustered *clustered, const char *folder)
{
    if (folder == NULL || clustered->folder != NULL) {
        return;
    }
    clustered->folder = memory_copy_text(folder);
    if (get_conf(clustered) != NULL) {
        follow_conf(clustered);
    }
    clustered_poke(clustered);
}

void clustered_stop(struct clustered *clustered, bool is_end)
{
    if (clustered == NULL) {
        return;
    }
    if (clustered->cluster != NULL) {
        leave(clustered, is_end ? GIVE_MS : 0);
    }
    (void)event_del(clustered->timer);
    free(clustered->folder);
    clustered->folder = NULL;
}

struct clustered *clustered_new(struct server *server, const struct view *view)
{
    struct clustered *clustered = memory_alloc(sizeof *clustered);
    *clustered = (struct clustered){.server = server, .program = program_find_part("steerd-etcd")};
    server->is_node = hash_conf(view->server->cluster) != 0;
    server->works_elsewhere = server->is_node; /* until it is known that it is here */
    clustered->timer = evtimer_new(server->base, on_timer, clustered);
    if (clustered->timer == NULL || pthread_mutex_init(&clustered->lock, NULL) != 0 ||
        clustered_direct_open(clustered) != 0) {
        free(clustered->program);
        free(clustered);
        return NULL;
    }
    return clustered;
}

void clustered_free(struct clustered *clustered)
{
    if (clustered == NULL) {
        return;
    }
    clustered_stop(clustered, false);
    clustered_direct_close(clustered);
    clustered_drop_settled(clustered);
    while (clustered->conflicts != NULL) {
        clustered_put_conflict(clustered, clustered->conflicts->key, NULL);
    }
    event_free(clustered->timer);
    pthread_mutex_destroy(&clustered->lock);
    free(clustered->lockout);
    free(clustered->program);
    free(clustered);
}
