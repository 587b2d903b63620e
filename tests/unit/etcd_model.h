/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An etcd in memory behind etcd.h, in virtual time, which breaks as it is told: revisions, transactions with
 * conditions, leases, watches with history and compaction; requests and replies that are late, lost, or come
 * through after who asked has given up. One model is one etcd, each client one node's way to it. */
#pragma once

#include "etcd/etcd.h"

#include "base/random.h"

struct etcd_model;

struct etcd_model *etcd_model_new(uint64_t seed);
void etcd_model_free(struct etcd_model *model);

/* How the way of a client is. Chances are per mille. */
struct etcd_way {
    bool is_refused;           /* nothing listens: known at once */
    bool is_cut;               /* nothing comes through, either way */
    unsigned lost, lost_reply; /* chances */
    int64_t delay_ms;          /* up to so long each way */
    unsigned straggles;        /* chance that a request comes through up to 6 s later */
    bool is_deaf;              /* its watch is told nothing, and does not notice */
};
struct etcd *etcd_model_join(struct etcd_model *model); /* etcd_close() ends it */
struct etcd_way *etcd_model_way(struct etcd *client);

/* When something happens next, and make happen what is due. */
int64_t etcd_model_next(const struct etcd_model *model);
void etcd_model_run(struct etcd_model *model, int64_t now_ms);

const char *etcd_model_get(const struct etcd_model *model, const char *key); /* NULL: it is not there */
void etcd_model_put(struct etcd_model *model, const char *key, const char *value, int64_t lease);
void etcd_model_delete(struct etcd_model *model, const char *prefix); /* all keys that begin so */
void etcd_model_expire(struct etcd_model *model, int64_t lease);      /* it goes early; 0: all of them */
size_t etcd_model_count(const struct etcd_model *model, const char *prefix);
void etcd_model_compact(struct etcd_model *model);
size_t etcd_model_history(const struct etcd_model *model); /* changes that it has yet */
int64_t etcd_model_revision(const struct etcd_model *model);
void etcd_model_set_least(struct etcd_model *model, int64_t ttl_s); /* no lease is shorter */
void etcd_model_elect(
    struct etcd_model *model); /* a new leader: each lease has its whole length, and a second */
/* What there is, and go back to that: the revision goes back as well. */
struct etcd_backup;
struct etcd_backup *etcd_model_save(const struct etcd_model *model);
void etcd_model_restore(struct etcd_model *model, const struct etcd_backup *backup);
void etcd_backup_free(struct etcd_backup *backup);
uint64_t etcd_model_requests(const struct etcd_model *model); /* that it has answered */

/* Told of each put that has effect. */
void etcd_model_listen(struct etcd_model *model,
                       void (*put)(void *context, const char *key, const char *value), void *context);
