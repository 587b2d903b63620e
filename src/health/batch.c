/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is said of several monitors at once is one change of the table: words are stored as each is judged,
 * readers trust nothing in between, and when all are stored there is one new generation and all is told. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

#include <assert.h>

void health_batch_begin(struct health *health, struct health_batch *batch)
{
    assert(health->batch == NULL);
    batch->changed = false;
    batch->count = 0;
    health->batch = batch;
}

void health_batch_note(struct health_batch *batch, const struct health_place *place,
                       enum health_outcome outcome)
{
    batch->changed = true;
    if (place != NULL) {
        assert(batch->count < HEALTH_HEAR_MAX);
        batch->outcomes[batch->count] = (uint8_t)outcome;
        batch->places[batch->count++] = *place;
    }
}

/* Regions and azs before endpoints. */
static void settle(struct health *health, const struct health_batch *batch, bool wide)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct health_place *place = &batch->places[i];
        if ((place->kind != HEALTH_ENDPOINT) == wide) {
            health_settle(health, place->kind, place->index, (enum health_outcome)batch->outcomes[i]);
        }
    }
}

void health_batch_end(struct health *health)
{
    struct health_batch *batch = health->batch;
    health->batch = NULL;
    if (!batch->changed) {
        return;
    }
    health_table_advance(health);
    settle(health, batch, true);
    health_tell_wide(health);
    settle(health, batch, false);
    health_deliver(health);
}
