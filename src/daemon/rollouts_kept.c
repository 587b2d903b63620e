/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all nodes were told of bundles, from the store and from entries; whoever wants to know is told what
 * that changes. It does nothing about it, so what reads the store late may call it. */
#include "config.h"

#include "daemon/rollouts_inside.h"

#include "daemon/changes.h"
#include "daemon/rollouts_choose.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "past/bundle.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)BUNDLE_ID_SIZE == (int)CLUSTER_BUNDLE_ID_SIZE, "an ID has to fit");

/* ---- what it was told ---- */

static void tell_said(const struct rollouts *all, const struct rollout_said *said, const char *turn,
                      const char *why)
{
    changes_tell_bundle(
        all->server->changes,
        &(struct changes_bundle){
            .id = said->id, .turn = turn, .why = why, .actor = said->actor, .reason = said->reason});
}

static void tell_end(struct rollouts *all, const struct rollout *before, const struct rollout *next)
{
    const char *result = rollout_result_text(next->last.result);
    for (size_t i = 0; i < next->last.node_count; i++) {
        log_warning("bundle not ready id=%s node=%s why=\"%s\" result=%s", next->last.id,
                    next->last.nodes[i].node, next->last.nodes[i].why, result);
    }
    if (next->last.result == ROLLOUT_ACTIVE) {
        tell_said(all, &next->active, result, NULL);
        return;
    }
    const struct rollout_absent *absent = next->last.node_count == 0 ? NULL : &next->last.nodes[0];
    changes_tell_bundle(all->server->changes,
                        &(struct changes_bundle){.id = next->last.id,
                                                 .turn = result,
                                                 .why = next->last.why,
                                                 .node = absent == NULL ? NULL : absent->node,
                                                 .node_why = absent == NULL ? NULL : absent->why,
                                                 .actor = before->next.actor,
                                                 .reason = before->next.reason});
}

void rollouts_take(struct rollouts *all, const struct rollout *next)
{
    const struct rollout before = all->now;
    all->now = *next;
    if (next->last.id[0] != '\0' &&
        (before.last.at_ms != next->last.at_ms || strcmp(before.last.id, next->last.id) != 0)) {
        pthread_mutex_lock(&all->lock);
        all->figures.ended[next->last.result]++;
        pthread_mutex_unlock(&all->lock);
        tell_end(all, &before, next);
    }
    if (next->round != 0 && before.round != next->round) {
        tell_said(all, &next->next, "begun", NULL);
    }
}

void rollouts_follow(struct rollouts *all, const char *value)
{
    struct rollout next = {.round = 0};
    const char *why;
    if (value != NULL && rollout_read(value, strlen(value), &next, &why) != 0) {
        log_error("bundle of the cluster not understood why=\"%s\" effect=\"what is known stays\"", why);
        return;
    }
    all->is_known = true;
    rollouts_take(all, &next);
}

void rollouts_regain(struct rollouts *all, const char *value)
{
    if (!all->is_known) { /* else somebody has said it since */
        rollouts_follow(all, value);
    }
}

/* ---- from the store ---- */

void rollouts_learn(struct rollouts *all, const char *folder)
{
    struct rollout *read = memory_alloc(sizeof *read);
    const char *why = "";
    int error = folder == NULL ? ERROR_NOT_FOUND : rollouts_read(folder, read, &why);
    all->is_known = error == 0 || error == ERROR_NOT_FOUND;
    if (error == 0) {
        all->now = *read;
    } else if (error != ERROR_NOT_FOUND) {
        log_error("bundle of the cluster cannot be read why=\"%s\" effect=\"it is when etcd has said it\"",
                  why[0] == '\0' ? error_text(error) : why);
    }
    free(read);
}

/* ---- life ---- */

struct rollouts *rollouts_open(struct server *server)
{
    struct rollouts *all = memory_alloc(sizeof *all);
    *all = (struct rollouts){.server = server};
    if (pthread_mutex_init(&all->lock, NULL) != 0) {
        free(all);
        return NULL;
    }
    return all;
}

void rollouts_free(struct rollouts *all)
{
    if (all != NULL) {
        pthread_mutex_destroy(&all->lock);
        free(all);
    }
}
