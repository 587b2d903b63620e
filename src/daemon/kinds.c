/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See kinds.h. Rows are in the order in which a start reads them; each calls whom its objects belong to. */
#include "config.h"

#include "daemon/kinds.h"

#include "admin/admin.h"
#include "daemon/challenges.h"
#include "daemon/clustered_inside.h"
#include "daemon/drill_reports.h"
#include "daemon/drill_schedule.h"
#include "daemon/drilling.h"
#include "daemon/failback.h"
#include "daemon/incidents.h"
#include "daemon/overrides.h"
#include "daemon/rollouts.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/switchovers.h"
#include "daemon/tokens.h"
#include "daemon/vantages.h"

#include <assert.h>
#include <string.h>

/* ---- who may come, who checks ---- */

static void learn_vantages(struct server *server, const char *folder)
{
    vantages_learn(server->vantages, folder);
}

static void regain_vantage(struct server *server, const struct store_object *object)
{
    vantages_regain(server->vantages, object->key, object->value);
}

static void follow_vantage(struct server *server, const char *key, const char *value)
{
    vantages_follow_member(server->vantages, key, value);
}

static void learn_tokens(struct server *server, const char *folder)
{
    tokens_learn(server->tokens, folder);
}

static void regain_token(struct server *server, const struct store_object *object)
{
    tokens_regain(server->tokens, object->key, object->value);
}

static void follow_token(struct server *server, const char *key, const char *value)
{
    tokens_follow(server->tokens, key, value);
}

static void learn_challenges(struct server *server, const char *folder)
{
    challenges_learn(server->challenges, folder);
}

static void regain_challenge(struct server *server, const struct store_object *object)
{
    challenges_regain(server->challenges, object->key, object->value);
}

static void follow_challenge(struct server *server, const char *key, const char *value)
{
    challenges_follow(server->challenges, key, value);
}

/* ---- the server's own work ---- */

static void learn_switchovers(struct server *server, const char *folder)
{
    switchovers_learn(server->switchovers, folder);
}

static void regain_switchover(struct server *server, const struct store_object *object)
{
    switchovers_regain(server->switchovers, object->key, object->value);
}

static void follow_switchover(struct server *server, const char *key, const char *value)
{
    switchovers_follow(server->switchovers, key, value);
}

static void regain_drilling(struct server *server, const struct store_object *object)
{
    if (server->drilling.node[0] == '\0') { /* else somebody has said it since */
        drilling_follow(server, object->value);
    }
}

static void follow_drilling(struct server *server, const char *key, const char *value)
{
    (void)key;
    drilling_follow(server, value);
}

static void learn_bundle(struct server *server, const char *folder)
{
    rollouts_learn(server->rollouts, folder);
}

static void regain_bundle(struct server *server, const struct store_object *object)
{
    if (strcmp(object->key, ROLLOUT_KEY) == 0) {
        rollouts_regain(server->rollouts, object->value);
    }
}

static void follow_bundle(struct server *server, const char *key, const char *value)
{
    if (strcmp(key, ROLLOUT_KEY) == 0) {
        rollouts_follow(server->rollouts, value);
    }
}

static void learn_incidents(struct server *server, const char *folder)
{
    incidents_begin(server->incidents, folder);
}

static void regain_incident(struct server *server, const struct store_object *object)
{
    incidents_regain(server->incidents, object->key, object->value);
}

static void learn_drills(struct server *server, const char *folder)
{
    drill_schedule_begin(server->drill_schedule, folder);
}

static void regain_drill(struct server *server, const struct store_object *object)
{
    drill_reports_regain(server->drill_reports, object->key, object->value);
}

static void regain_schedule(struct server *server, const struct store_object *object)
{
    drill_schedule_regain(server->drill_schedule, object->key, object->value);
}

static void follow_schedule(struct server *server, const char *key, const char *value)
{
    drill_schedule_follow(server->drill_schedule, key, value);
}

static void learn_live(struct server *server, const char *folder)
{
    shadows_learn(server->shadows, folder, server->heir != NULL);
}

static void regain_live(struct server *server, const struct store_object *object)
{
    shadows_regain(server->shadows, object);
}

/* ---- the rest ---- */

static void regain_answer(struct server *server, const struct store_object *object)
{
    if (server->admin != NULL) {
        (void)admin_learn_answer(server->admin, object->key, object->value);
    }
}

static void follow_conflict(struct server *server, const char *key, const char *value)
{
    clustered_put_conflict(server->clustered, key, value);
}

static void follow_member(struct server *server, const char *key, const char *value)
{
    clustered_follow_member(server->clustered, key, value);
}

static const char asked[] = "it is read when it is asked for";
static const char joined[] = "a node reads it before it joins, and tries again (clustered.h)";

static const struct kind kinds[STORE_KINDS] = {
    [STORE_OVERRIDE] = {.put = overrides_put},
    [STORE_FAILBACK] = {.put = failback_put},
    [STORE_RELEASE] = {.put = release_put},
    [STORE_VANTAGE] = {.stage = KIND_BEFORE_VIEW,
                       .learn = learn_vantages,
                       .regain = regain_vantage,
                       .follow = follow_vantage},
    [STORE_TOKEN] = {.stage = KIND_BEFORE_VIEW,
                     .learn = learn_tokens,
                     .regain = regain_token,
                     .follow = follow_token},
    [STORE_CHALLENGE] = {.stage = KIND_BEFORE_VIEW,
                         .learn = learn_challenges,
                         .regain = regain_challenge,
                         .follow = follow_challenge},
    [STORE_SWITCHOVER] = {.stage = KIND_AFTER,
                          .learn = learn_switchovers,
                          .regain = regain_switchover,
                          .follow = follow_switchover},
    [STORE_DRILLING] = {.stage = KIND_AFTER,
                        .learn = drilling_learn,
                        .regain = regain_drilling,
                        .follow = follow_drilling},
    [STORE_BUNDLE] = {.stage = KIND_AFTER,
                      .learn = learn_bundle,
                      .regain = regain_bundle,
                      .follow = follow_bundle},
    [STORE_INCIDENT] = {.stage = KIND_AFTER, .learn = learn_incidents, .regain = regain_incident},
    [STORE_DRILL] = {.stage = KIND_AFTER, .learn = learn_drills, .regain = regain_drill},
    [STORE_DRILL_SCHEDULE] = {.otherwise = "with STORE_DRILL",
                              .regain = regain_schedule,
                              .follow = follow_schedule},
    [STORE_DRILL_STOP] = {.stage = KIND_AFTER, .learn = learn_live, .regain = regain_live},
    [STORE_LIVE_DRILL] = {.otherwise = "with STORE_DRILL_STOP", .regain = regain_live},
    [STORE_ANSWER] = {.otherwise = "at a start by the admin API, when it listens", .regain = regain_answer},
    [STORE_CONFLICT] = {.otherwise = joined, .follow = follow_conflict},
    [STORE_NODE_MEMBER] = {.otherwise = joined, .follow = follow_member},
    [STORE_NODE_INVITE] = {.otherwise = asked},
    [STORE_CLUSTER] = {.otherwise = joined},
    [STORE_CLUSTER_PENDING] = {.otherwise = joined},
    [STORE_CONFIGURATION] = {.otherwise = "the archive reads it before it writes (archive.h)"},
    [STORE_DOCUMENT] = {.otherwise = "documents_settle(), also after a late read"},
    [STORE_POINT] = {.otherwise = asked},
    [STORE_DRILL_REPORT] = {.otherwise = asked},
    [STORE_DRILL_OBSERVED] = {.otherwise = asked},
    [STORE_REFUSAL] = {.otherwise = asked},
};

static bool is_whole(const struct kind *kind, const struct store_kind *of)
{
    bool is_read = kind->put != NULL || (kind->learn != NULL && kind->regain != NULL);
    bool is_followed = kind->put != NULL || kind->follow != NULL;
    return of->name != NULL && (kind->otherwise != NULL || (is_read && (is_followed || !of->is_shared)));
}

const struct kind *kinds_get(void)
{
    for (int i = 0; i < STORE_KINDS; i++) {
        assert(is_whole(&kinds[i], store_kind_get((enum store_kind_id)i)));
    }
    return kinds;
}

void kinds_learn(struct server *server, const char *folder, enum kind_stage stage)
{
    for (int i = 0; i < STORE_KINDS; i++) {
        if (kinds[i].learn != NULL && kinds[i].stage == stage) {
            kinds[i].learn(server, folder);
        }
    }
}
