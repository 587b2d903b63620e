/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See swarm.h: what is given how often. Who comes when the rush is over finds nobody who is tired of it. */
#include "config.h"

#include "cluster/swarm.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { REST = 32 };

void swarm_giver_init(struct swarm_giver *giver, uint32_t blocks)
{
    *giver = (struct swarm_giver){.blocks = blocks,
                                  .given = memory_alloc_array(blocks, sizeof *giver->given),
                                  .tired = memory_alloc_array(blocks, sizeof *giver->tired)};
}

void swarm_giver_fini(struct swarm_giver *giver)
{
    free(giver->given);
    free(giver->tired);
    *giver = (struct swarm_giver){.blocks = 0};
}

/* What is around blocks, and what was scarce, is to fit into twice the whole as well. */
static bool has_given_enough(const struct swarm_giver *giver)
{
    return giver->total >= SWARM_GIVEN_MAX * giver->blocks - giver->blocks / REST;
}

bool swarm_giver_may(struct swarm_giver *giver, uint32_t block, bool scarce, int64_t now_ms)
{
    if (block >= giver->blocks) {
        return false;
    }
    if (now_ms - giver->asked_ms >= SWARM_FORGETS_MS) {
        memset(giver->given, 0, giver->blocks);
        giver->tired_count = giver->total = 0;
    }
    giver->asked_ms = now_ms;
    if (!scarce && (giver->given[block] >= SWARM_GIVEN_MAX || has_given_enough(giver))) {
        return false;
    }
    giver->total++;
    giver->given[block] += giver->given[block] < UINT8_MAX;
    if (giver->given[block] == SWARM_GIVEN_MAX) {
        giver->tired[giver->tired_count++] = block;
    }
    return true;
}
