/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The clean-up of bundles: see bundles.h. Who does not go on bringing one is not waited for for ever. */
#include "config.h"

#include "daemon/bundles.h"

#include "daemon/bundles_inside.h"
#include "daemon/porter.h"
#include "daemon/rollouts.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    IDLE_MS = 600000,
    IDLE_WANTED_MS = 10000, /* of what others have, and this node waits for */
};

/* First it is found out which there are, then the control thread says which of them are needed; be they few,
 * there may be something that a process left which ended. */
struct tidying {
    struct worker_job job; /* the first */
    struct bundles *bundles;
    bool has_looked;
    struct bundle_item *items;
    bool *is_needed;
    size_t count, gone;
    bool has_coming;
};

static bool is_needed(void *context, const char *id)
{
    const struct tidying *tidying = context;
    for (size_t i = 0; i < tidying->count; i++) {
        if (strcmp(tidying->items[i].id, id) == 0) {
            return tidying->is_needed[i];
        }
    }
    return true; /* it has come since */
}

/* On the worker: who was bringing it has given up. */
static bool is_over(const struct bundles *bundles, const struct bundles_coming *coming)
{
    struct porter_status status;
    int64_t idle_ms = bundles_now_ms(bundles) - coming->used_ms;
    porter_get_status(bundles->server->porter, bundle_part_get(coming->part)->id, &status);
    return idle_ms > (status.is == PORTER_FETCHING ? IDLE_WANTED_MS : IDLE_MS);
}

static bool look_at_coming(struct bundles *bundles)
{
    bool has_coming = false;
    for (size_t i = 0; i < BUNDLES_COMING_MAX; i++) {
        if (bundles->coming[i].part != NULL && is_over(bundles, &bundles->coming[i])) {
            bundles_let_go(&bundles->coming[i]);
        }
        has_coming = has_coming || bundles->coming[i].part != NULL;
    }
    return has_coming;
}

static void run_tidying(struct worker_job *job)
{
    struct tidying *tidying = (struct tidying *)job;
    struct bundles *bundles = tidying->bundles;
    char why[BUNDLE_WHY_SIZE];
    tidying->has_coming = look_at_coming(bundles);
    if (tidying->has_looked) {
        tidying->gone = bundle_store_sweep(bundles->store, is_needed, tidying);
    } else {
        (void)bundle_list(bundles->state, &tidying->items, &tidying->count, why);
    }
}

static void done_tidying(struct worker_job *job)
{
    struct tidying *tidying = (struct tidying *)job;
    struct bundles *bundles = tidying->bundles;
    bool goes_on = !tidying->has_looked && !progress_is_cancelled(&job->progress);
    if (goes_on) {
        tidying->has_looked = true;
        tidying->is_needed = memory_alloc_array(tidying->count, sizeof *tidying->is_needed);
        for (size_t i = 0; i < tidying->count; i++) {
            tidying->is_needed[i] = rollouts_needs(bundles->server, tidying->items[i].id);
        }
        worker_repeat(bundles->worker, job);
        return;
    }
    if (tidying->gone != 0) {
        log_info("bundles removed count=%zu why=\"old, and not needed\"", tidying->gone);
    }
    bundles->is_tidying = false;
    bundles->has_coming = tidying->has_coming;
    free(tidying->items);
    free(tidying->is_needed);
    free(tidying);
    if (bundles->tidies_again) {
        bundles->tidies_again = false;
        bundles_tidy(bundles);
    }
}

void bundles_tidy(struct bundles *bundles)
{
    if (bundles == NULL || bundles->is_tidying || progress_is_cancelled(&bundles->end)) {
        if (bundles != NULL) {
            bundles->tidies_again = bundles->is_tidying && !progress_is_cancelled(&bundles->end);
        }
        return;
    }
    struct tidying *tidying = memory_alloc(sizeof *tidying);
    *tidying = (struct tidying){.job = {.name = "bundles-tidy", .run = run_tidying, .done = done_tidying},
                                .bundles = bundles};
    bundles->is_tidying = worker_submit(bundles->worker, &tidying->job) == 0;
    if (!bundles->is_tidying) {
        free(tidying); /* the next tick comes */
    }
}
