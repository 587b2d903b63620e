/* SPDX-License-Identifier: BSD-3-Clause
 *
 * This node's part in what is under way: the tree is fetched, all of it is compiled as a reload would, and
 * the compiled view is held, so that it can serve at once when all are ready. If another view serves
 * meanwhile (a reload), it is compiled anew. What is active and not served here yet goes the same way, and is
 * installed as soon as it can be; what fails is tried again now and then, and is named till then. */
#include "config.h"

#include "daemon/rollouts_inside.h"

#include "daemon/bundles.h"
#include "daemon/changes.h"
#include "daemon/documents.h"
#include "daemon/porter.h"
#include "daemon/reload.h"
#include "daemon/reload_hold.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/utf8.h"
#include "conf/cluster.h"
#include "past/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    LOOK_MS = 1000,   /* for a tree that may have come by an upload */
    AGAIN_MS = 30000, /* after a failure of what is active */
    LINE_SIZE = 1024,
};

/* ---- what there is ---- */

const char *rollouts_get_served(const struct server *server)
{
    return documents_get_bundle(server->documents);
}

bool rollouts_has_own_files(const struct server *server)
{
    const struct conf_cluster *conf = server->view == NULL ? NULL : server->view->server->cluster;
    return conf == NULL || conf->configuration != CONF_CONFIGURATION_BUNDLE;
}

bool rollouts_take_own(const struct rollouts *all, struct cluster_bundle *bundle)
{
    const struct rollouts_own *own = &all->own;
    struct cluster_bundle next = {.is_told = true,
                                  .has_own_files = rollouts_has_own_files(all->server),
                                  .is = own->is,
                                  .round = own->round,
                                  .done = own->done};
    snprintf(next.serves, sizeof next.serves, "%s", rollouts_get_served(all->server));
    if (own->is != CLUSTER_BUNDLE_NONE) {
        memcpy(next.id, own->id, sizeof next.id);
        memcpy(next.why, own->why, sizeof next.why);
    }
    bool is_same = bundle->is_told && bundle->has_own_files == next.has_own_files && bundle->is == next.is &&
                   bundle->round == next.round && bundle->done == next.done &&
                   strcmp(bundle->serves, next.serves) == 0 && strcmp(bundle->id, next.id) == 0 &&
                   strcmp(bundle->why, next.why) == 0;
    *bundle = next;
    return !is_same;
}

/* ---- steps ---- */

enum role rollouts_read_role(const struct rollout_said *said)
{
    enum role role = role_parse(said->role);
    return role == ROLE_NONE ? ROLE_EDITOR : role;
}

static void set(struct rollouts *all, enum cluster_bundle_is is, unsigned done, const char *why)
{
    struct rollouts_own *own = &all->own;
    size_t len = strlen(why);
    own->is = is;
    own->done = done;
    len = utf8_check(why, len < sizeof own->why ? len : sizeof own->why - 1);
    snprintf(own->why, sizeof own->why, "%.*s", (int)len, why);
}

static void tell(const struct rollouts *all, const char *turn)
{
    const struct rollouts_own *own = &all->own;
    changes_tell_bundle(all->server->changes,
                        &(struct changes_bundle){
                            .id = own->id, .turn = turn, .node = all->server->node, .node_why = own->why});
}

static void fail(struct rollouts *all, const char *why, int64_t now_ms)
{
    struct rollouts_own *own = &all->own;
    set(all, CLUSTER_BUNDLE_FAILED, own->done, why);
    own->looked_ms = now_ms;
    if (strcmp(own->told, own->why) != 0) { /* else it was tried again, in vain */
        memcpy(own->told, own->why, sizeof own->told);
        tell(all, "cannot");
    }
}

/* The first error, and how many more there are. */
static void describe(const struct admin_reload_result *result, char line[LINE_SIZE])
{
    size_t errors = result->report == NULL ? 0 : report_errors(result->report);
    for (size_t i = 0; errors != 0 && i < report_count(result->report); i++) {
        const struct report_item *item = report_get(result->report, i);
        if (item->severity == REPORT_ERROR) {
            const char *file = item->place.file == NULL ? "" : strrchr(item->place.file, '/');
            file = file == NULL ? item->place.file : item->place.file == NULL ? "" : file + 1;
            snprintf(line, LINE_SIZE, "%s%s%s", file, file[0] == '\0' ? "" : ": ", item->message);
            if (errors > 1) {
                size_t len = strlen(line);
                snprintf(line + len, LINE_SIZE - len, " (and %zu more)", errors - 1);
            }
            return;
        }
    }
    snprintf(line, LINE_SIZE, "it could not be loaded: %s", error_text(result->error));
}

static void on_checked(void *argument, const struct admin_reload_result *result)
{
    struct rollouts *all = argument;
    char line[LINE_SIZE];
    all->own.is_loading = false;
    if (result->error == ERROR_CANCELLED || result->error == -ECANCELED || result->error == -EAGAIN) {
        return;
    }
    if (all->own.id[0] == '\0') { /* this is no node any more */
        server_drop_held(all->server);
        return;
    }
    if (!server_holds_bundle(all->server, all->own.id)) {
        describe(result, line);
        fail(all, line, clock_now_ms(&all->server->clock));
        return;
    }
    bool is_news = all->own.is != CLUSTER_BUNDLE_READY;
    all->own.is_checked = true;
    set(all, CLUSTER_BUNDLE_READY, 100, "");
    if (is_news && all->own.round != 0) {
        tell(all, "ready");
    }
    if (rollouts_has_own_files(all->server)) {
        server_drop_held(all->server); /* it is not going to be served */
    }
}

static void check(struct rollouts *all)
{
    const struct rollout_said *said = all->own.round != 0 ? &all->now.next : &all->now.active;
    set(all, CLUSTER_BUNDLE_CHECKING, 100, "");
    all->own.is_loading =
        server_hold_bundle(all->server, all->own.id, rollouts_read_role(said), on_checked, all) == 0;
    /* else a reload is running, say: soon */
}

static void on_installed(void *argument, const struct admin_reload_result *result)
{
    struct rollouts *all = argument;
    char line[LINE_SIZE];
    all->own.is_loading = false;
    if (result->error == 0) {
        set(all, CLUSTER_BUNDLE_NONE, 100, "");
        tell(all, "serves");
        bundles_tidy(all->server->bundles);
    } else if (result->error != -ECANCELED && result->error != -EAGAIN) {
        describe(result, line);
        fail(all, line, clock_now_ms(&all->server->clock));
    }
}

static void install(struct rollouts *all)
{
    all->own.is_loading = server_install_held(all->server, on_installed, all) == 0;
    /* else a reload is running: what it leaves is another view */
}

static void fetch(struct rollouts *all, int64_t now_ms)
{
    struct rollouts_own *own = &all->own;
    struct porter *porter = all->server->porter;
    struct porter_status status = {.is = PORTER_NONE};
    if (own->looked_ms == 0 || now_ms - own->looked_ms >= LOOK_MS) {
        own->looked_ms = now_ms;
        own->is_here = bundle_is_here(all->server->view->server->state_path, own->id);
    }
    if (own->is_here) {
        return;
    }
    if (porter == NULL) {
        set(all, CLUSTER_BUNDLE_FETCHING, 0, "this node has no links by which it could come");
        return;
    }
    porter_get_status(porter, own->id, &status);
    if (status.is == PORTER_NONE) {
        porter_fetch(porter, own->id);
    } else if (status.is == PORTER_FAILED) {
        fail(all, status.why, now_ms);
        return;
    }
    own->is_here = status.is == PORTER_HERE;
    set(all, CLUSTER_BUNDLE_FETCHING, status.percent, status.why);
}

/* ---- what is wanted ---- */

/* Returns false if nothing is. */
static bool find_wanted(const struct rollouts *all, const char **id, uint64_t *round)
{
    const struct rollout *now = &all->now;
    bool is_active_here = strcmp(now->active.id, rollouts_get_served(all->server)) == 0;
    bool has_own_files = rollouts_has_own_files(all->server);
    *id = now->next.id[0] != '\0' ? now->next.id : now->active.id;
    *round = now->round;
    if (now->next.id[0] != '\0') {
        return true;
    }
    /* who has files of its own holds it, for the day that it goes by it */
    bool is_held = has_own_files && strcmp(all->own.id, now->active.id) == 0 && all->own.is_here;
    return now->active.id[0] != '\0' && !is_active_here && !is_held;
}

/* What was ready in the round that has just ended is installed, and not looked at again. */
static void begin(struct rollouts *all, const char *id, uint64_t round)
{
    struct rollouts_own *own = &all->own;
    bool is_other = strcmp(own->id, id) != 0;
    if (is_other && own->id[0] != '\0') {
        server_drop_held(all->server);
        porter_drop(all->server->porter, own->id);
    }
    struct rollouts_own before = *own;
    *own = (struct rollouts_own){.round = round};
    snprintf(own->id, sizeof own->id, "%s", id);
    own->is_here = !is_other && before.is_here;
    own->is_checked = !is_other && before.is_checked && round == 0;
    own->is = own->is_checked ? CLUSTER_BUNDLE_READY : CLUSTER_BUNDLE_FETCHING;
    if (!own->is_here) {
        porter_fetch(all->server->porter, id);
    }
}

static void end(struct rollouts *all)
{
    struct rollouts_own *own = &all->own;
    bool is_kept =
        own->is_here && rollouts_has_own_files(all->server) && strcmp(own->id, all->now.active.id) == 0;
    server_drop_held(all->server);
    bundles_tidy(all->server->bundles);
    if (!is_kept && own->id[0] != '\0') {
        if (strcmp(own->id, all->now.active.id) != 0) {
            porter_drop(all->server->porter, own->id);
        }
        *own = (struct rollouts_own){.id = ""};
    }
    own->is = CLUSTER_BUNDLE_NONE;
    own->round = 0;
    own->why[0] = '\0';
}

void rollouts_leave(struct rollouts *all)
{
    bool is_loading = all->own.is_loading;
    server_drop_held(all->server);
    porter_drop(all->server->porter, all->own.id);
    all->own = (struct rollouts_own){.is_loading = is_loading};
}

static void go_on(struct rollouts *all, int64_t now_ms)
{
    struct rollouts_own *own = &all->own;
    bool is_active = own->round == 0;
    if (own->is == CLUSTER_BUNDLE_FAILED) {
        if (!is_active || now_ms - own->looked_ms < AGAIN_MS) {
            return;
        }
        own->looked_ms = 0;
        own->is_here = false; /* it may be damaged, or gone */
        porter_fetch(all->server->porter, own->id);
    }
    if (!own->is_here) {
        fetch(all, now_ms);
    }
    if (!own->is_here) {
        return;
    }
    if (rollouts_has_own_files(all->server) && (is_active || own->is_checked)) {
        return;
    }
    if (!server_holds_bundle(all->server, own->id)) {
        check(all);
    } else if (is_active) {
        install(all);
    }
}

void rollouts_go_on_own(struct rollouts *all, int64_t now_ms)
{
    struct rollouts_own *own = &all->own;
    const char *id;
    uint64_t round;
    if (own->is_loading || all->server->view->server->state_path == NULL) {
        return; /* what it is then is seen when that has ended */
    }
    if (!find_wanted(all, &id, &round)) {
        if (own->is != CLUSTER_BUNDLE_NONE) {
            end(all);
        }
        return;
    }
    if (strcmp(own->id, id) != 0 || own->round != round || own->is == CLUSTER_BUNDLE_NONE) {
        begin(all, id, round);
    }
    go_on(all, now_ms);
}
