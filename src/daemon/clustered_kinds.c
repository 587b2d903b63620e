/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects of other nodes, of all kinds but overrides, on their way to whom they belong. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/challenge.h"
#include "daemon/challenges.h"
#include "daemon/drill_schedule.h"
#include "daemon/drill_state.h"
#include "daemon/drilling.h"
#include "daemon/failback.h"
#include "daemon/overrides.h"
#include "daemon/rollouts.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "daemon/switchovers.h"
#include "daemon/token.h"
#include "daemon/tokens.h"
#include "daemon/vantage_member.h"
#include "daemon/vantages.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- conflicts ---- */

static struct clustered_conflict **seek(struct clustered *clustered, const char *key)
{
    struct clustered_conflict **at = &clustered->conflicts;
    while (*at != NULL && strcmp((*at)->key, key) < 0) {
        at = &(*at)->next;
    }
    return at;
}

const struct clustered_conflict *clustered_find_conflict(const struct clustered *clustered, const char *key)
{
    const struct clustered_conflict *conflict = clustered->conflicts;
    while (conflict != NULL && strcmp(conflict->key, key) != 0) {
        conflict = conflict->next;
    }
    return conflict;
}

void clustered_put_conflict(struct clustered *clustered, const char *key, const char *value)
{
    struct clustered_conflict **at = seek(clustered, key);
    struct clustered_conflict *conflict = *at;
    bool is_there = conflict != NULL && strcmp(conflict->key, key) == 0;
    char *copy = memory_copy_text(value), *name = is_there || value == NULL ? NULL : memory_copy_text(key);
    if (is_there) { /* `key` may be its own */
        *at = conflict->next;
        name = value == NULL ? name : conflict->key;
        if (value == NULL) {
            free(conflict->key);
        }
        free(conflict->value);
        free(conflict);
    }
    if (value != NULL) {
        struct clustered_conflict *made = memory_alloc(sizeof *made);
        *made = (struct clustered_conflict){.next = *at, .key = name, .value = copy};
        *at = made;
    }
}

/* ---- the others ---- */

/* What is not there any more says nothing: it was about what was down then. */
static void follow_word(struct server *server, const char *kind, const char *key, const char *value)
{
    struct overrides_reading reading = {.health = server->view->health,
                                        .lock = &server->lock,
                                        .boot = server->boot,
                                        .clock_offset_ms = &server->clock_offset_ms};
    const struct store_object object = {.kind = kind, .key = key, .value = value};
    if (value != NULL && strcmp(kind, "failback") == 0) {
        failback_put(&reading, &object);
    } else if (value != NULL) {
        release_put(&reading, &object);
    }
    server_forget_snapshot(server);
}

void clustered_follow_object(struct clustered *clustered, const char *kind, const char *key,
                             const char *value)
{
    struct server *server = clustered->server;
    if (strcmp(kind, TOKEN_KIND) == 0) {
        tokens_follow(server->tokens, key, value);
    } else if (strcmp(kind, CHALLENGE_KIND) == 0) {
        challenges_follow(server->challenges, key, value);
    } else if (strcmp(kind, VANTAGE_KIND) == 0) {
        vantages_follow_member(server->vantages, key, value);
    } else if (strcmp(kind, SWITCHOVER_KIND) == 0) {
        switchovers_follow(server->switchovers, key, value);
    } else if (strcmp(kind, DRILL_SCHEDULE_KIND) == 0) {
        drill_schedule_follow(server->drill_schedule, key, value);
    } else if (strcmp(kind, DRILLING_KIND) == 0) {
        drilling_follow(server, value);
    } else if (strcmp(kind, CLUSTER_MEMBER_KIND) == 0) {
        clustered_follow_member(clustered, key, value);
    } else if (strcmp(kind, ROLLOUT_KIND) == 0 && strcmp(key, ROLLOUT_KEY) == 0) {
        rollouts_follow(server->rollouts, value);
    } else if (strcmp(kind, CONFLICT_KIND) == 0) {
        clustered_put_conflict(clustered, key, value);
    } else if (strcmp(kind, "failback") == 0 || strcmp(kind, "release") == 0) {
        follow_word(server, kind, key, value);
    }
}
