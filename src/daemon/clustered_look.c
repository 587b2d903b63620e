/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The cluster as the admin API shows it, and ways out where this node cannot follow it. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/memory.h"
#include "conf/cluster.h"
#include "etcd/etcd.h"

#include <stdlib.h>
#include <string.h>

static struct clustered *get(void *context)
{
    return ((const struct server *)context)->clustered;
}

static bool is_on(void *context)
{
    const struct clustered *clustered = get(context);
    return clustered != NULL && clustered->cluster != NULL;
}

bool clustered_uses_etcd(const struct clustered *clustered, bool *is_reached)
{
    struct cluster_status status = {.phase = CLUSTER_AWAY};
    const struct view *view = clustered == NULL ? NULL : clustered->server->view;
    const struct conf_cluster *conf = view == NULL ? NULL : view->server->cluster;
    if (clustered != NULL && clustered->cluster != NULL) {
        cluster_get_status(clustered->cluster, &status);
    }
    *is_reached = status.phase != CLUSTER_AWAY;
    return conf != NULL && conf->etcd_count != 0;
}

bool clustered_is_behind(const struct clustered *clustered)
{
    struct cluster_status status;
    if (clustered == NULL || clustered->cluster == NULL) {
        return false;
    }
    cluster_get_status(clustered->cluster, &status);
    return !status.is_at_head && status.phase != CLUSTER_ESTRANGED;
}

static const char *write_listen(const struct cluster_self *self, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < self->listen_count; i++) {
        char one[ADDR_TEXT_SIZE];
        text = arena_print(arena, "%s%s%s", text, i == 0 ? "" : " ", addr_write_port(&self->listen[i], one));
    }
    return text;
}

static const char *write_hex(const uint8_t *bytes, size_t len, struct arena *arena)
{
    return hex_write(bytes, len, arena_alloc_bytes(arena, 2 * len + 1));
}

static size_t list_nodes(void *context, struct arena *arena, struct admin_node **to)
{
    const struct clustered *clustered = get(context);
    const struct cluster_node *nodes;
    struct cluster_status status;
    size_t count = cluster_list_nodes(clustered->cluster, &nodes);
    int64_t now_ms = clock_now_ms(&clustered->server->clock);
    cluster_get_status(clustered->cluster, &status);
    struct admin_node *list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const struct cluster_node *node = &nodes[i];
        const struct cluster_self *self = &node->self;
        list[i] = (struct admin_node){
            .name = arena_copy_text(arena, node->name),
            .software = arena_copy_text(arena, node->software),
            .phase = i == 0                ? cluster_phase_text(status.phase)
                     : node->phase == NULL ? ""
                                           : node->phase,
            .listen = write_listen(self, arena),
            .is_self = i == 0,
            .is_fresh = i == 0 || node->is_fresh,
            .has_work = i == 0 ? status.has_work : node->has_work,
            .heard_ms = i == 0 || node->heard_ms == INT64_MIN ? 0 /* in this very moment */
                        : node->heard_ms == 0                 ? -1
                                                              : now_ms - node->heard_ms,
            .ahead_ms = node->ahead_ms,
            .applied = i == 0 ? status.at.seq : node->applied,
            .generation = self->generation,
            .health = self->health,
            .configuration = self->configuration,
            .has_same_health = self->health == nodes[0].self.health,
            .has_same_configuration = self->configuration == nodes[0].self.configuration,
            .fingerprint =
                self->has_fingerprint ? write_hex(self->fingerprint, sizeof self->fingerprint, arena) : NULL};
        list[i].bundle.is_told = self->bundle.is_told;
        list[i].bundle.has_own_files = self->bundle.has_own_files;
        list[i].bundle.serves = arena_copy_text(arena, self->bundle.serves);
        list[i].bundle.id = arena_copy_text(arena, self->bundle.id);
        list[i].bundle.is = cluster_bundle_text(self->bundle.is);
        list[i].bundle.done = self->bundle.done;
        list[i].bundle.why = arena_copy_text(arena, self->bundle.why);
        list[i].behind = status.head_seq > list[i].applied ? status.head_seq - list[i].applied : 0;
    }
    *to = list;
    return count;
}

static size_t count_conflicts(const struct clustered *clustered)
{
    size_t count = 0;
    for (const struct clustered_conflict *at = clustered->conflicts; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

static void get_status(void *context, struct arena *arena, struct admin_cluster *to)
{
    static const char *const policies[] = {
        [CLUSTER_LOCAL] = "local", [CLUSTER_MAJORITY] = "majority", [CLUSTER_ALL] = "all"};
    const struct clustered *clustered = get(context);
    const struct clock *clock = &clustered->server->clock;
    struct cluster_status status;
    struct etcd_status etcd;
    cluster_get_status(clustered->cluster, &status);
    etcd_get_status(clustered->etcd, &etcd);
    *to = (struct admin_cluster){
        .name = arena_copy_text(arena, clustered->name),
        .node = arena_copy_text(arena, clustered->node),
        .phase = cluster_phase_text(status.phase),
        .why = arena_copy_text(arena, status.why == NULL ? "" : status.why),
        .since_ms = clock_wall_ms(clock) - (clock_now_ms(clock) - status.since_ms),
        .has_position = status.has_position,
        .seq = status.at.seq,
        .head = status.head_seq,
        .turn_node = arena_copy_text(arena, status.turn_node == NULL ? "" : status.turn_node),
        .work_node = arena_copy_text(arena, status.work_node == NULL ? "" : status.work_node),
        .pending = status.pending,
        .conflicts = count_conflicts(clustered),
        .acknowledge = policies[clustered->acknowledge],
        .deadline_ms = clustered->deadline_ms,
        .etcd_is_reached = etcd.is_reached,
        .etcd_endpoint = arena_copy_text(arena, etcd.endpoint == NULL ? "" : etcd.endpoint),
        .etcd_why = arena_copy_text(arena, etcd.why == NULL ? "" : etcd.why),
        .requests = etcd.requests,
        .failures = etcd.failures,
        .restarts = etcd.restarts,
        .room_is_known = clustered->room.has.is_known,
        .etcd_size = clustered->room.has.size,
        .etcd_quota = clustered->room.has.quota,
        .etcd_alarm = clustered->room.has.is_full      ? "NOSPACE"
                      : clustered->room.has.is_corrupt ? "CORRUPT"
                                                       : NULL};
    hex_write(status.at.id, sizeof status.at.id, to->id);
    hex_write(status.at.hash, sizeof status.at.hash, to->hash);
}

static size_t list_conflicts(void *context, struct arena *arena, struct admin_conflict **to)
{
    const struct clustered *clustered = get(context);
    size_t count = count_conflicts(clustered), i = 0;
    struct admin_conflict *list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (const struct clustered_conflict *at = clustered->conflicts; at != NULL; at = at->next) {
        list[i++] = (struct admin_conflict){.id = arena_copy_text(arena, at->key),
                                            .json = arena_copy_text(arena, at->value)};
    }
    *to = list;
    return count;
}

/* ---- ways out ---- */

struct mending {
    admin_mend_fn *done;
    void *argument;
};

static void on_mended(void *context, int error, const char *why)
{
    struct mending *mending = context;
    mending->done(mending->argument, error, why == NULL ? "" : why);
    free(mending);
}

static void mend(void *context, enum admin_mend what, admin_mend_fn *done, void *argument)
{
    struct clustered *clustered = get(context);
    struct mending *mending = memory_alloc(sizeof *mending);
    *mending = (struct mending){.done = done, .argument = argument};
    int error = what == ADMIN_MEND_ADOPT
                    ? cluster_adopt(clustered->cluster, on_mended, mending)
                    : cluster_refill(clustered->cluster, what == ADMIN_MEND_REPLACE, on_mended, mending);
    if (error != 0) {
        on_mended(mending, error, "");
    }
    clustered_poke(clustered);
}

void clustered_fill_verbs(struct admin_cluster_verbs *verbs)
{
    *verbs = (struct admin_cluster_verbs){.is_on = is_on,
                                          .begin_change = clustered_begin_change,
                                          .end_change = clustered_end_change,
                                          .list_nodes = list_nodes,
                                          .get_status = get_status,
                                          .list_conflicts = list_conflicts,
                                          .mend = mend,
                                          .change_node = clustered_change_node};
}
