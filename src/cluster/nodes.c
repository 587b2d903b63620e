/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How the nodes are: each says it at once when something changes, and every ten seconds. That it lives is
 * told by a key whose lease it keeps, since etcd grows by what is written and not by that; whether one is
 * fresh is judged by that key, and by when it was seen. Nodes of earlier versions know nothing of it: they
 * are judged by their beats, and while there is one this node beats every second for it. Each second a node
 * looks, also to notice that etcd is away, is deaf, or has been another one: the transaction reads the head,
 * and holds only if the node's name is still its own. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_nodes_init(struct cluster *cluster, const char *software)
{
    struct nodes *nodes = &cluster->nodes;
    struct cluster_node *self = &nodes->list[0];
    nodes->count = 1;
    nodes->next_number = 1;
    nodes->eager = CLUSTER_AHEADS;
    snprintf(self->name, sizeof self->name, "%s", cluster->node);
    snprintf(self->software, sizeof self->software, "%s", software == NULL ? "" : software);
    self->protocol = 1;
    self->run = cluster->run;
    self->is_fresh = true;
    self->phase = cluster_phase_text(CLUSTER_AWAY);
    self->heard_ms = cluster->now_ms;
}

void cluster_set_self(struct cluster *cluster, const struct cluster_self *self)
{
    struct nodes *nodes = &cluster->nodes;
    char *before = cluster_write_node(&nodes->list[0]);
    nodes->list[0].self = *self;
    char *after = cluster_write_node(&nodes->list[0]);
    if (strcmp(before, after) != 0) {
        nodes->is_told = false;
        cluster_note(cluster);
    }
    free(before);
    free(after);
}

/* ---- what others say ---- */

static void put(struct cluster *cluster, const struct cluster_node *node)
{
    struct nodes *nodes = &cluster->nodes;
    size_t at = cluster_nodes_find(nodes, node->name);
    bool is_known = at < nodes->count && strcmp(nodes->list[at].name, node->name) == 0;
    if (!is_known) {
        if (nodes->count == CLUSTER_NODES_MAX) {
            return;
        }
        memmove(&nodes->list[at + 1], &nodes->list[at], (nodes->count - at) * sizeof nodes->list[0]);
        nodes->count++;
        nodes->list[at] = (struct cluster_node){.heard_ms = INT64_MIN};
    }
    struct cluster_node *to = &nodes->list[at];
    bool is_news = !is_known || to->run != node->run || to->beat != node->beat;
    int64_t heard_ms = is_news ? INT64_MIN : to->heard_ms; /* the next step knows when */
    bool is_fresh = to->is_fresh || is_news;
    struct cluster_node before = *to;
    *to = *node;
    to->alive_run = before.alive_run;
    to->is_lost = before.is_lost && !is_news;
    to->is_beat_new = is_news || before.is_beat_new;
    nodes->eager = before.run == node->run ? nodes->eager : CLUSTER_AHEADS; /* it knows no clock yet */
    if (before.run == node->run) { /* else it is another one, or was not known */
        memcpy(to->aheads, before.aheads, sizeof to->aheads);
        to->ahead_count = before.ahead_count;
        to->ahead_ms = before.ahead_ms;
    }
    to->heard_ms = heard_ms;
    to->is_fresh = is_fresh;
    nodes->has_changed = true;
}

void cluster_nodes_take(struct cluster *cluster, const char *name, const struct etcd_kv *kv)
{
    struct nodes *nodes = &cluster->nodes;
    struct cluster_node node;
    const char *why;
    size_t at = cluster_nodes_find(nodes, name);
    if (kv == NULL) {
        if (strcmp(name, cluster->node) != 0 && at < nodes->count &&
            strcmp(nodes->list[at].name, name) == 0) {
            cluster_nodes_forget(cluster, at);
        }
    } else if (cluster_read_node(kv->value, kv->value_len, &node, &why) == 0 &&
               strcmp(node.name, name) == 0) {
        if (strcmp(name, cluster->node) == 0) {
            cluster_claim_hear(cluster, &node);
        } else if (!cluster_nodes_is_gone(nodes, node.run)) {
            put(cluster, &node);
        }
    }
}

void cluster_nodes_read(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct nodes *nodes = &cluster->nodes;
    char key[CLUSTER_NAME_MAX + 8];
    for (size_t at = nodes->count; at > 1; at--) {
        snprintf(key, sizeof key, "node/%s", nodes->list[at - 1].name);
        if (cluster_find(cluster, answer, key) == NULL) {
            cluster_nodes_forget(cluster, at - 1);
        }
    }
    for (size_t i = 0; i < answer->kv_count; i++) {
        const char *name = cluster_strip(cluster, answer->kvs[i].key);
        if (strncmp(name, "node/", strlen("node/")) == 0) {
            cluster_nodes_take(cluster, name + strlen("node/"), &answer->kvs[i]);
        }
    }
}

/* ---- what this one says ---- */

static void beaten(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    char key[CLUSTER_NAME_MAX + 8];
    cluster->nodes.beat.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard == HEARD_NOTHING) {
        cluster->nodes.beat.has_failed = true;
        cluster->nodes.is_told = cluster->nodes.is_told && !cluster->nodes.tells;
        return;
    }
    cluster_compare_revision(cluster, cluster->nodes.beat_revision, answer->revision);
    cluster_follow_head(cluster, cluster_find(cluster, answer, "head"), answer->revision);
    if (cluster->follow.has_head && cluster_is_at(&cluster->follow.head, &cluster->follow.tail)) {
        cluster->follow.known_ms = cluster->nodes.beat_ms;
    }
    (void)cluster_claim_read(cluster, answer);
    if (heard == HEARD_YES) {
        cluster_nodes_read_alive(cluster, answer, cluster->nodes.beat_ms);
    }
    if (heard == HEARD_NO) {
        snprintf(key, sizeof key, "claim/%s", cluster->node);
        cluster_read_held(cluster, answer, key, &cluster->claim.seen);
        cluster->nodes.beat.has_failed = true;
        cluster->nodes.is_told = false;
    }
}

/* Else others would learn too late by it that this node is gone: an etcd gives no lease that is shorter than
 * 1.5 times its election time-out. */
static bool is_leased(const struct cluster *cluster)
{
    return cluster->alive.id != 0 && cluster->alive.granted_s <= ALIVE_S;
}

static void fill_self(struct cluster *cluster)
{
    struct cluster_node *self = &cluster->nodes.list[0];
    self->beat++;
    self->wall_ms = cluster->wall_ms;
    self->applied = cluster->at.seq;
    memcpy(self->hash, cluster->at.hash, sizeof self->hash);
    self->has_work = cluster_has_work(cluster);
    self->is_leased = is_leased(cluster);
    self->term = cluster->nodes.term;
    self->phase = cluster_phase_text(cluster->phase);
}

static void note_told(struct cluster *cluster)
{
    struct nodes *nodes = &cluster->nodes;
    nodes->is_told = true;
    nodes->told_ms = cluster->now_ms;
    nodes->told_leases[0] = cluster->presence.id;
    nodes->told_leases[1] = cluster->alive.id;
    nodes->eager -= nodes->eager > 0;
}

static bool is_named(const struct cluster *cluster)
{
    return cluster->claim.is_mine && cluster->presence.id != 0;
}

/* Without its name it only looks. */
static void ask(struct cluster *cluster, bool tells)
{
    struct nodes *nodes = &cluster->nodes;
    char keys[6][KEY_SIZE];
    (void)cluster_key(cluster, keys[0], "head");
    (void)cluster_key(cluster, keys[1], "claim/%s", cluster->node);
    (void)cluster_key(cluster, keys[2], "node/%s", cluster->node);
    (void)cluster_member_key(cluster, keys[3]);
    (void)cluster_key(cluster, keys[4], "alive/");
    (void)cluster_key(cluster, keys[5], "alive/%s", cluster->node);
    tells = tells && is_named(cluster);
    if (tells) {
        fill_self(cluster);
        note_told(cluster);
    }
    char *text = tells ? cluster_write_node(&nodes->list[0]) : NULL;
    struct etcd_condition condition = {.kind = ETCD_IF_VALUE, .key = keys[1], .value = cluster->claim.mine};
    struct etcd_op then[] = {
        {.kind = ETCD_GET, .key = keys[0]},
        {.kind = ETCD_GET, .key = keys[3]},
        {.kind = ETCD_LIST, .key = keys[4]},
        {.kind = ETCD_PUT, .key = keys[2], .value = text, .lease = cluster->presence.id},
        {.kind = ETCD_PUT, .key = keys[5], .value = cluster->claim.mine, .lease = cluster->alive.id}};
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = keys[0]},
                                  {.kind = ETCD_GET, .key = keys[3]},
                                  {.kind = ETCD_GET, .key = keys[1]}};
    size_t puts = !tells ? 0 : nodes->list[0].is_leased ? 2 : 1;
    nodes->beat_ms = cluster->now_ms;
    nodes->beat_revision = cluster->follow.revision;
    nodes->has_beaten = true;
    nodes->tells = tells;
    nodes->beat.number =
        etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = &condition,
                                                       .condition_count = is_named(cluster) ? 1 : 0,
                                                       .then = then,
                                                       .then_count = 3 + puts,
                                                       .otherwise = otherwise,
                                                       .otherwise_count = is_named(cluster) ? 3 : 0,
                                                       .deadline_ms = BEAT_ASK_MS,
                                                       .done = beaten,
                                                       .context = cluster});
    free(text);
}

/* What was heard first may have lain there for long. */
static void compare_clocks(const struct cluster *cluster, struct cluster_node *node)
{
    int64_t most_ms = INT64_MIN;
    node->aheads[node->ahead_count++ % CLUSTER_AHEADS] = node->wall_ms - cluster->wall_ms;
    for (size_t i = 0; i < CLUSTER_AHEADS; i++) {
        most_ms = node->aheads[i] > most_ms ? node->aheads[i] : most_ms;
    }
    node->ahead_ms = node->ahead_count < CLUSTER_AHEADS ? 0 : most_ms;
}

/* Beats are too seldom to wait here, or for others to wait, until eight of them say it. */
void cluster_nodes_set_clock(struct cluster *cluster, int64_t step_ms)
{
    struct nodes *nodes = &cluster->nodes;
    for (size_t i = 1; i < nodes->count; i++) {
        struct cluster_node *node = &nodes->list[i];
        for (size_t j = 0; j < CLUSTER_AHEADS; j++) {
            node->aheads[j] -= step_ms;
        }
        node->ahead_ms -= node->ahead_count < CLUSTER_AHEADS ? 0 : step_ms;
    }
    nodes->is_told = false;
    nodes->eager = CLUSTER_AHEADS;
    nodes->has_changed = true;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void look_at_others(struct cluster *cluster)
{
    struct nodes *nodes = &cluster->nodes;
    nodes->list[0].heard_ms = cluster->now_ms;
    for (size_t i = 1; i < nodes->count; i++) {
        struct cluster_node *node = &nodes->list[i];
        if (node->heard_ms == INT64_MIN) {
            node->heard_ms = cluster->now_ms;
        }
        if (node->is_lost) {
            node->is_lost = false;
            node->heard_ms = least(node->heard_ms, cluster->now_ms - (CLUSTER_FRESH_MS - RETURN_MS));
        }
        if (node->is_beat_new) {
            node->is_beat_new = false;
            compare_clocks(cluster, node);
        }
        bool is_fresh = cluster->now_ms - node->heard_ms < CLUSTER_FRESH_MS;
        nodes->has_changed = nodes->has_changed || is_fresh != node->is_fresh;
        node->is_fresh = is_fresh;
        if (is_fresh) {
            cluster_due(cluster, node->heard_ms + CLUSTER_FRESH_MS);
        }
    }
}

size_t cluster_list_nodes(const struct cluster *cluster, const struct cluster_node **nodes)
{
    *nodes = cluster->nodes.list;
    return cluster->nodes.count;
}

/* ---- who has applied what ---- */

uint64_t cluster_await(struct cluster *cluster, uint64_t seq, enum cluster_acknowledge policy,
                       uint32_t deadline_ms, cluster_spread_fn *done, void *context)
{
    struct awaiting *awaiting = memory_alloc(sizeof *awaiting);
    *awaiting = (struct awaiting){.number = cluster->nodes.next_number++,
                                  .seq = seq,
                                  .policy = policy,
                                  .deadline_ms = deadline_ms,
                                  .until_ms = UNTIMED,
                                  .done = done,
                                  .context = context,
                                  .next = cluster->nodes.first};
    cluster->nodes.first = awaiting;
    cluster_note(cluster);
    return awaiting->number;
}

static void drop_awaiting(struct cluster *cluster, uint64_t number)
{
    for (struct awaiting **at = &cluster->nodes.first; *at != NULL; at = &(*at)->next) {
        if ((*at)->number == number) {
            struct awaiting *gone = *at;
            *at = gone->next;
            free(gone);
            return;
        }
    }
}

/* Of another history, as one that follows an older etcd, the same numbers say nothing. */
static bool has_applied(const struct cluster *cluster, const struct cluster_node *node, uint64_t seq)
{
    const struct cluster_position *known = &cluster->follow.lately[node->applied % LATELY];
    bool is_other = known->seq == node->applied && node->applied != 0 &&
                    memcmp(known->hash, node->hash, sizeof node->hash) != 0;
    return node->applied >= seq && node->over != seq && !is_other &&
           strcmp(node->phase, cluster_phase_text(CLUSTER_ESTRANGED)) != 0;
}

static bool is_satisfied(const struct cluster *cluster, const struct awaiting *awaiting,
                         struct cluster_spread *spread, const char *(*names)[CLUSTER_NODES_MAX])
{
    const struct nodes *nodes = &cluster->nodes;
    size_t fresh_waiting = 0;
    *spread = (struct cluster_spread){.seq = awaiting->seq, .in_force_on = names[0], .waiting_for = names[1]};
    for (size_t i = 0; i < nodes->count; i++) {
        const struct cluster_node *node = &nodes->list[i];
        bool is_there = i == 0 ? cluster->at.seq >= awaiting->seq : has_applied(cluster, node, awaiting->seq);
        if (is_there) {
            names[0][spread->in_force_count++] = node->name;
        } else {
            names[1][spread->waiting_count++] = node->name;
            fresh_waiting += node->is_fresh;
        }
    }
    spread->is_satisfied =
        awaiting->policy == CLUSTER_LOCAL ||
        (awaiting->policy == CLUSTER_MAJORITY && spread->in_force_count > nodes->count / 2) ||
        (awaiting->policy == CLUSTER_ALL && fresh_waiting == 0);
    return spread->is_satisfied;
}

static void tell_awaiting(struct cluster *cluster)
{
    const char *names[2][CLUSTER_NODES_MAX];
    struct cluster_spread spread;
    struct awaiting **at = &cluster->nodes.first;
    while (*at != NULL) {
        int64_t until_ms = cluster_time(cluster, &(*at)->until_ms, (*at)->deadline_ms);
        struct awaiting told = **at;
        if (!is_satisfied(cluster, &told, &spread, names) && cluster->now_ms < until_ms) {
            cluster_due(cluster, told.until_ms);
            at = &(*at)->next;
            continue;
        }
        drop_awaiting(cluster, told.number);
        told.done(told.context, &spread);
        at = &cluster->nodes.first; /* who was told may have called others off */
    }
}

/* What this node has told last is not how it is now. */
static bool is_changed(const struct cluster *cluster)
{
    const struct nodes *nodes = &cluster->nodes;
    const struct cluster_node *self = &nodes->list[0];
    return !nodes->is_told || self->applied != cluster->at.seq ||
           memcmp(self->hash, cluster->at.hash, sizeof self->hash) != 0 ||
           self->has_work != cluster_has_work(cluster) || self->is_leased != is_leased(cluster) ||
           self->term != nodes->term || strcmp(self->phase, cluster_phase_text(cluster->phase)) != 0 ||
           nodes->told_leases[0] != cluster->presence.id || nodes->told_leases[1] != cluster->alive.id;
}

/* Without anything that has changed. While etcd is full only what writes shows whether it still is. */
static bool is_to_beat(const struct cluster *cluster)
{
    const struct nodes *nodes = &cluster->nodes;
    bool is_pressed = nodes->eager > 0 || cluster->now_ms < cluster->full_until_ms;
    for (size_t i = 0; i < nodes->count; i++) {
        const struct cluster_node *node = &nodes->list[i];
        is_pressed = is_pressed || !(i == 0 ? is_leased(cluster) : node->is_leased);
    }
    return is_pressed || cluster->now_ms - nodes->told_ms >= CLUSTER_TELL_MS;
}

void cluster_nodes_step(struct cluster *cluster)
{
    struct nodes *nodes = &cluster->nodes;
    look_at_others(cluster);
    tell_awaiting(cluster);
    if (nodes->has_changed) {
        nodes->has_changed = false;
        cluster->has_changed = true;
        cluster_note(cluster);
    }
    bool is_due = !nodes->has_beaten || cluster->now_ms - nodes->beat_ms >= CLUSTER_BEAT_MS;
    bool is_news = is_changed(cluster) && is_named(cluster) && cluster->is_reached;
    if (!is_due) {
        cluster_due(cluster, nodes->beat_ms + CLUSTER_BEAT_MS);
    }
    if ((is_due || is_news) && cluster_is_ready(cluster, &nodes->beat)) {
        ask(cluster, is_changed(cluster) || is_to_beat(cluster));
    }
}

void cluster_nodes_fini(struct cluster *cluster)
{
    cluster_call_off(cluster, &cluster->nodes.beat);
    while (cluster->nodes.first != NULL) {
        drop_awaiting(cluster, cluster->nodes.first->number);
    }
}
