/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A node's name is one process's: "claim/NODE" says which, and whatever this node writes is written only if
 * that is still itself. Who finds another one there looks whether that lives: its beats come or "alive/NODE"
 * stays, or for QUIET_MS they do not, and then the name is taken over. The process that had this local store
 * before is known to be dead. A name may be a machine's that has joined by it, or removed (member.h): who is
 * not that machine does not get it, and looks every so often whether that has changed. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look(struct cluster *cluster)
{
    struct claim *claim = &cluster->claim;
    bool was_mine = claim->is_mine;
    claim->is_mine = cluster_is_ours(cluster, &claim->seen);
    if (was_mine != claim->is_mine) {
        cluster_note(cluster);
    }
}

/* ---- whose the name is ---- */

const char *cluster_member_key(const struct cluster *cluster, char key[KEY_SIZE])
{
    return cluster_key(cluster, key, "object/" CLUSTER_MEMBER_KIND "/%s", cluster->node);
}

/* NULL: it is this machine's; else why not. Static. */
static const char *judge_member(const struct cluster *cluster)
{
    const char *text = cluster->claim.member;
    struct cluster_record record;
    struct cluster_member member;
    struct arena *arena = arena_new(0);
    const char *why = NULL;
    if (text == NULL) {
        why = NULL;
    } else if (cluster_read_record(text, strlen(text), arena, &record) != 0 ||
               cluster_read_member(record.value, strlen(record.value), &member) != 0) {
        why = "what the cluster says of whose its name is cannot be understood";
    } else if (member.is_removed) {
        why = "it was removed from the cluster: steerctl cluster invite at another node, and steerctl "
              "cluster join here, make it a node again";
    } else if (member.id != cluster->member) {
        why = "its name was given to another machine: steerctl cluster invite at another node, and steerctl "
              "cluster join here, make it a node again";
    }
    arena_free(arena);
    return why;
}

bool cluster_claim_read(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct claim *claim = &cluster->claim;
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "object/" CLUSTER_MEMBER_KIND "/%s", cluster->node);
    const struct etcd_kv *kv = cluster_find(cluster, answer, key);
    bool is_same = claim->is_member_read && (kv == NULL) == (claim->member == NULL) &&
                   (kv == NULL || strcmp(kv->value, claim->member) == 0);
    claim->is_member_read = true;
    if (is_same) {
        return false;
    }
    free(claim->member);
    claim->member = kv == NULL ? NULL : memory_copy_text(kv->value);
    claim->shut_why = judge_member(cluster);
    claim->is_shut = claim->shut_why != NULL;
    cluster_note(cluster);
    return true;
}

/* ---- asking for it ---- */

static void claimed(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct claim *claim = &cluster->claim;
    char key[KEY_SIZE];
    claim->ask.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard == HEARD_NOTHING) {
        claim->ask.has_failed = true; /* asked again, it is found out */
    } else if (heard == HEARD_YES && !claim->only_looks) {
        struct etcd_kv kv = {.value = claim->mine, .value_len = strlen(claim->mine), .lease = claim->lease};
        (void)cluster_set_held(&claim->seen, &kv, answer->revision);
    } else {
        snprintf(key, sizeof key, "claim/%s", cluster->node);
        cluster_read_held(cluster, answer, key, &claim->seen);
        claim->ask.has_failed = !cluster_claim_read(cluster, answer);
    }
    look(cluster);
}

/* It is put there only as long as whose the name is stands there as it was seen. */
static void ask(struct cluster *cluster, bool only_looks)
{
    struct claim *claim = &cluster->claim;
    char keys[3][KEY_SIZE], old[CLUSTER_HOLDER_SIZE];
    struct cluster_holder who = {.run = cluster->run};
    snprintf(who.node, sizeof who.node, "%s", cluster->node);
    snprintf(old, sizeof old, "%s", claim->seen.text);
    (void)cluster_write_holder(&who, claim->mine);
    (void)cluster_key(cluster, keys[0], "claim/%s", cluster->node);
    (void)cluster_member_key(cluster, keys[1]);
    (void)cluster_key(cluster, keys[2], "alive/%s", cluster->node);
    bool is_anothers = claim->has_rival && claim->seen.is_there; /* it is silent: etcd knows better */
    claim->lease = cluster->presence.id;
    claim->only_looks = only_looks;
    claim->looked_ms = cluster->now_ms;
    struct etcd_condition conditions[] = {
        {.kind = claim->seen.is_there ? ETCD_IF_VALUE : ETCD_IF_ABSENT, .key = keys[0], .value = old},
        {.kind = claim->member != NULL ? ETCD_IF_VALUE : ETCD_IF_ABSENT,
         .key = keys[1],
         .value = claim->member},
        {.kind = ETCD_IF_ABSENT, .key = keys[2]}};
    struct etcd_op put = {.kind = ETCD_PUT, .key = keys[0], .value = claim->mine, .lease = claim->lease};
    struct etcd_op gets[] = {{.kind = ETCD_GET, .key = keys[0]}, {.kind = ETCD_GET, .key = keys[1]}};
    claim->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                                       .condition_count = only_looks    ? 0
                                                                                          : is_anothers ? 3
                                                                                                        : 2,
                                                                       .then = only_looks ? gets : &put,
                                                                       .then_count = only_looks ? 2 : 1,
                                                                       .otherwise = gets,
                                                                       .otherwise_count = only_looks ? 0 : 2,
                                                                       .deadline_ms = WRITE_MS,
                                                                       .done = claimed,
                                                                       .context = cluster});
}

/* Does the other one live? */
static bool is_rival(struct cluster *cluster)
{
    struct claim *claim = &cluster->claim;
    if (!claim->seen.is_there || cluster_is_ours(cluster, &claim->seen) ||
        (claim->seen.is_read && claim->seen.who.run == cluster->run_before && cluster->run_before != 0)) {
        claim->has_rival = claim->is_refused = false;
        return false;
    }
    if (!claim->has_rival || claim->rival_run != claim->seen.who.run || claim->is_heard) {
        claim->is_refused = claim->is_refused || (claim->is_heard && claim->rival_run == claim->seen.who.run);
        claim->has_rival = true;
        if (claim->rival_run != claim->seen.who.run) {
            claim->rival_first_ms = cluster->now_ms;
        }
        claim->rival_run = claim->seen.who.run;
        claim->rival_ms = cluster->now_ms;
        claim->is_heard = false;
    }
    if (cluster->now_ms - claim->rival_ms >= QUIET_MS) {
        return false;
    }
    snprintf(claim->why, sizeof claim->why,
             "another steerd says that it is %s (its run is %016" PRIx64 ", this one's %016" PRIx64 ")",
             cluster->node, claim->rival_run, cluster->run);
    cluster_due(cluster, claim->rival_ms + QUIET_MS);
    return true;
}

void cluster_claim_step(struct cluster *cluster)
{
    struct claim *claim = &cluster->claim;
    look(cluster);
    bool has_rival = is_rival(cluster);
    bool is_kept = claim->is_mine && claim->seen.lease == cluster->presence.id;
    bool only_looks = claim->is_shut || (has_rival && !claim->is_member_read);
    claim->is_refused = claim->is_refused || claim->is_shut;
    if (claim->is_shut && cluster->now_ms - claim->looked_ms < LOOK_MS) {
        cluster_due(cluster, claim->looked_ms + LOOK_MS);
        return;
    }
    bool asks = !has_rival && !is_kept && cluster->presence.id != 0;
    if ((only_looks || asks) && cluster_is_ready(cluster, &claim->ask)) {
        ask(cluster, only_looks);
    }
}

/* Of "node/" and our own name. */
void cluster_claim_hear(struct cluster *cluster, const struct cluster_node *node)
{
    struct claim *claim = &cluster->claim;
    if (node->run != cluster->run && node->run == claim->seen.who.run &&
        (node->beat != claim->rival_beat || node->run != claim->rival_beat_run)) {
        /* the first one is what was there: it may have said that long ago */
        claim->is_heard = claim->rival_beat_run == node->run;
        claim->rival_beat = node->beat;
        claim->rival_beat_run = node->run;
        cluster_note(cluster);
    }
}

/* What is there has not been kept for as long as its lease is, at most. So it is heard of when the key is
 * still there that much later; until then it only is not taken over. */
void cluster_claim_see_alive(struct cluster *cluster, uint64_t run)
{
    struct claim *claim = &cluster->claim;
    int64_t kept_ms = cluster->now_ms - (ALIVE_S + 1) * 1000;
    if (run == 0 || run == cluster->run || !claim->has_rival || run != claim->rival_run) {
        return;
    }
    if (kept_ms >= claim->rival_first_ms) {
        claim->is_heard = true;
        cluster_note(cluster);
    }
}

/* The next process of this name need not wait until it is known that this one is gone. */
static void give_back(struct cluster *cluster)
{
    char key[KEY_SIZE];
    (void)cluster_key(cluster, key, "claim/%s", cluster->node);
    struct etcd_condition condition = {.kind = ETCD_IF_VALUE, .key = key, .value = cluster->claim.mine};
    struct etcd_op then = {.kind = ETCD_DELETE, .key = key};
    (void)etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = &condition,
                                                         .condition_count = 1,
                                                         .then = &then,
                                                         .then_count = 1,
                                                         .deadline_ms = WRITE_MS,
                                                         .done = cluster_ignore});
}

void cluster_claim_fini(struct cluster *cluster)
{
    cluster_call_off(cluster, &cluster->claim.ask);
    if (cluster->claim.is_mine) {
        give_back(cluster);
    }
    free(cluster->claim.member);
    cluster->claim.member = NULL;
}
