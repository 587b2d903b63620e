/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all parts need: what is due and what is asked, keys, and what etcd answers, which passes
 * cluster_hear(): it knows whether etcd is reached and whether it is still the one that it was. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/hash.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FULL_MS = 3 * CLUSTER_BEAT_MS }; /* something is written with each beat while it is full */

/* ---- for all parts ---- */

void cluster_note(struct cluster *cluster)
{
    cluster->again = true;
    if (!cluster->is_ticking && cluster->hooks.wake != NULL) {
        cluster->hooks.wake(cluster->hooks.context);
    }
}

void cluster_due(struct cluster *cluster, int64_t at_ms)
{
    cluster->due_ms = at_ms < cluster->due_ms ? at_ms : cluster->due_ms;
}

bool cluster_is_ready(struct cluster *cluster, struct asked *asked)
{
    if (asked->number != 0) {
        return false;
    }
    if (asked->has_failed) {
        asked->has_failed = false;
        asked->not_before = cluster->now_ms + PAUSE_MS;
    }
    if (cluster->now_ms < asked->not_before) {
        cluster_due(cluster, asked->not_before);
        return false;
    }
    return true;
}

void cluster_call_off(struct cluster *cluster, struct asked *asked)
{
    if (asked->number != 0) {
        etcd_call_off(cluster->etcd, asked->number);
    }
    *asked = (struct asked){0};
}

const char *cluster_key(const struct cluster *cluster, char key[KEY_SIZE], const char *format, ...)
{
    int len = snprintf(key, KEY_SIZE, "%s", cluster->prefix);
    va_list args;
    va_start(args, format);
    vsnprintf(key + len, KEY_SIZE - (size_t)len, format, args);
    va_end(args);
    return key;
}

const char *cluster_strip(const struct cluster *cluster, const char *key)
{
    size_t len = strlen(cluster->prefix);
    return strncmp(key, cluster->prefix, len) == 0 ? key + len : "";
}

const struct etcd_kv *cluster_find(const struct cluster *cluster, const struct etcd_answer *answer,
                                   const char *key)
{
    for (size_t i = 0; i < answer->kv_count; i++) {
        if (strcmp(cluster_strip(cluster, answer->kvs[i].key), key) == 0) {
            return &answer->kvs[i];
        }
    }
    return NULL;
}

uint64_t cluster_make_mark(uint64_t run, uint64_t number)
{
    uint64_t hash = hash_bytes(HASH_START, &run, sizeof run);
    return hash_finish(hash_bytes(hash, &number, sizeof number)) | 1;
}

/* Calls from outside do not know the time: what they have until is counted from the next step on. */
int64_t cluster_time(const struct cluster *cluster, int64_t *until_ms, uint32_t within_ms)
{
    *until_ms = *until_ms == UNTIMED ? cluster->now_ms + within_ms : *until_ms;
    return *until_ms;
}

/* ---- keys that one of all has ---- */

bool cluster_set_held(struct held *held, const struct etcd_kv *kv, int64_t revision)
{
    if (revision < held->revision) {
        return false; /* the watch tells what is known already */
    }
    *held = (struct held){.revision = revision};
    if (kv != NULL) {
        held->is_there = true;
        held->lease = kv->lease;
        held->is_read = cluster_read_holder(kv->value, kv->value_len, &held->who) == 0;
        if (kv->value_len < sizeof held->text) {
            memcpy(held->text, kv->value, kv->value_len + 1);
        }
    }
    return true;
}

void cluster_read_held(const struct cluster *cluster, const struct etcd_answer *answer, const char *key,
                       struct held *held)
{
    (void)cluster_set_held(held, cluster_find(cluster, answer, key), answer->revision);
}

bool cluster_is_ours(const struct cluster *cluster, const struct held *held)
{
    return held->is_read && held->who.run == cluster->run && strcmp(held->who.node, cluster->node) == 0;
}

/* ---- etcd answers ---- */

static void forget_revisions(struct cluster *cluster)
{
    struct held *const all[] = {&cluster->turn.seen, &cluster->work, &cluster->claim.seen,
                                &cluster->fill.seen};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        all[i]->revision = 0;
    }
    cluster->memo_revision = 0;
    cluster->follow.head_revision = 0;
    cluster->follow.revision = 0;
}

/* An etcd that was restored goes on from an earlier revision, or is another cluster: a watch would wait there
 * for what it has had, and tell nothing. */
static void compare_etcd(struct cluster *cluster, const struct etcd_answer *answer)
{
    struct follow *follow = &cluster->follow;
    bool is_other =
        follow->cluster_id != 0 && answer->cluster_id != 0 && follow->cluster_id != answer->cluster_id;
    follow->cluster_id = answer->cluster_id != 0 ? answer->cluster_id : follow->cluster_id;
    if (is_other) {
        forget_revisions(cluster);
        follow->needs_sync = true;
    }
}

enum heard cluster_hear(struct cluster *cluster, const struct etcd_answer *answer)
{
    bool has_answered = answer->error == 0 || answer->error == ERROR_CONFLICT ||
                        answer->error == ERROR_NOT_FOUND || answer->error == ERROR_TOO_LARGE ||
                        answer->error == ERROR_INVALID;
    cluster_note(cluster);
    if (answer->error == -ENOSPC) {
        cluster->full_until_ms = cluster->now_ms + FULL_MS;
    }
    has_answered = has_answered && cluster->now_ms >= cluster->full_until_ms;
    if (has_answered != cluster->is_reached) {
        cluster->is_reached = has_answered;
        cluster->follow.needs_fetch = true;
    }
    if (answer->error == ERROR_NOT_FOUND) {
        cluster->session.next_ms = cluster->presence.next_ms = cluster->alive.next_ms =
            0; /* a lease may be gone: look */
    }
    if (answer->error != 0 && answer->error != ERROR_CONFLICT) {
        snprintf(cluster->away_why, sizeof cluster->away_why, "%s", answer->why == NULL ? "" : answer->why);
        return HEARD_NOTHING;
    }
    compare_etcd(cluster, answer);
    cluster_see_revision(cluster, answer->revision);
    return answer->error == 0 ? HEARD_YES : HEARD_NO;
}

void cluster_shrink(const struct etcd_answer *answer, size_t *limit)
{
    if (answer->error == ERROR_TOO_LARGE && *limit > 1) {
        *limit /= 2;
    }
}

/* What is asked after a revision was seen is answered with that or a later one, since it is read from a
 * majority: else etcd was restored, or emptied, and what is known is of no use, with revisions that come
 * again. */
void cluster_compare_revision(struct cluster *cluster, int64_t seen, int64_t revision)
{
    if (revision < seen) {
        forget_revisions(cluster);
        cluster->follow.needs_sync = true;
        cluster->follow.revision = revision;
    }
}

void cluster_see_revision(struct cluster *cluster, int64_t revision)
{
    cluster->follow.revision = revision > cluster->follow.revision ? revision : cluster->follow.revision;
}

/* ---- how it is ---- */

bool cluster_fill_is_idle(const struct cluster *cluster)
{
    const struct fill *fill = &cluster->fill;
    return (fill->stage == FILL_NONE || (fill->stage == FILL_TAKE && fill->is_again)) && !fill->is_over;
}

bool cluster_is_caught_up(const struct cluster *cluster)
{
    const struct follow *follow = &cluster->follow;
    return cluster->has_position && follow->is_synced && !follow->needs_sync && !follow->needs_fetch &&
           follow->estranged == ESTRANGED_NOT && follow->first == NULL && !follow->is_applying &&
           cluster_fill_is_idle(cluster) && cluster->claim.is_mine && follow->has_head &&
           cluster_is_at(&follow->head, &cluster->at);
}

bool cluster_is_at_rest(const struct cluster *cluster)
{
    return cluster->phase == CLUSTER_FOLLOWING && cluster_is_caught_up(cluster) &&
           cluster->pending.count == 0 && cluster->write.first == NULL && cluster->write.finished == NULL &&
           cluster->write.flight == FLIGHT_NONE;
}

bool cluster_has_work(const struct cluster *cluster)
{
    return cluster->wants_work && cluster->session.id != 0 && cluster->work.lease == cluster->session.id &&
           cluster_is_ours(cluster, &cluster->work) && !cluster->claim.is_refused &&
           cluster->now_ms < cluster->session.until_ms;
}
