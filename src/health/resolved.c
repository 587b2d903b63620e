/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which families of addresses the host names of endpoints lead to. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

#include <assert.h>

void health_set_resolved(struct health *health, uint32_t endpoint, uint32_t resolved)
{
    assert(endpoint < health->counts[HEALTH_ENDPOINT] && (resolved & ~(uint32_t)HEALTH_WORD_RESOLVED) == 0);
    health_note(health, HEALTH_ENDPOINT, endpoint); /* its addresses are other ones, whatever families */
    health_word_set_resolved(health, endpoint, resolved);
    health_table_advance(health);
}

void health_copy_resolved(struct health *to, const struct health *from)
{
    assert(to->monitor_count == from->monitor_count);
    assert(to->counts[HEALTH_ENDPOINT] == from->counts[HEALTH_ENDPOINT]);
    for (uint32_t i = 0; i < to->monitor_count; i++) {
        to->monitors[i].idle = from->monitors[i].idle;
    }
    for (uint32_t i = 0; i < to->counts[HEALTH_ENDPOINT]; i++) {
        uint32_t word = health_word_get(from, HEALTH_ENDPOINT, i);
        health_word_set_resolved(to, i, word & HEALTH_WORD_RESOLVED);
    }
    health_rebuild(to);
    health_table_advance(to);
}
