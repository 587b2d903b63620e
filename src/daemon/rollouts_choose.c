/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rollouts_choose.h. */
#include "config.h"

#include "daemon/rollouts_choose.h"

#include "base/memory.h"
#include "base/report.h"
#include "past/bundle.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

struct learning {
    struct rollout *rollout;
    int error;
    const char *why;
};

static void read_it(void *context, const struct store_object *object)
{
    struct learning *learning = context;
    learning->error = rollout_read(object->value, strlen(object->value), learning->rollout, &learning->why);
}

int rollouts_read(const char *folder, struct rollout *rollout, const char **why)
{
    struct learning learning = {.rollout = rollout, .why = ""};
    struct report *report = report_new();
    struct store_reader *reader;
    *rollout = (struct rollout){.round = 0};
    int error = store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_get(reader, ROLLOUT_KIND, ROLLOUT_KEY, read_it, &learning);
        store_reader_close(reader);
    }
    report_free(report);
    *why = learning.why == NULL ? "" : learning.why;
    return error != 0 ? error : learning.error;
}

/* ---- which one to serve ---- */

static bool take_if_here(const char *state, const char *from, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    if (from[0] == '\0' || !bundle_is_here(state, from)) {
        return false;
    }
    memcpy(id, from, CLUSTER_BUNDLE_ID_SIZE);
    return true;
}

/* Before anything was active what came by an upload is nobody's wish yet. */
static bool take_latest(const char *state, const struct rollout *rollout, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    struct bundle_item *items = NULL;
    size_t count = 0;
    char why[BUNDLE_WHY_SIZE];
    bool found = false;
    if (rollout->active.id[0] == '\0' || bundle_list(state, &items, &count, why) != 0) {
        return false;
    }
    for (size_t i = 0; i < count && !found; i++) {
        found = strcmp(items[i].id, rollout->next.id) != 0 && take_if_here(state, items[i].id, id);
    }
    free(items);
    return found;
}

bool rollouts_choose(const char *state, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    struct rollout *rollout = memory_alloc(sizeof *rollout);
    const char *why;
    int error = rollouts_read(state, rollout, &why);
    id[0] = '\0';
    bool found = error == 0 && (take_if_here(state, rollout->active.id, id) ||
                                take_if_here(state, rollout->before, id) || take_latest(state, rollout, id));
    free(rollout);
    return found;
}
