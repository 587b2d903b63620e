/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Words of which some names see something else (struct health_scopes). */
#include "config.h"

#include "steer/tier.h"

void scope_narrow(const struct steer_reading *reading, uint16_t index, uint32_t words[3])
{
    const struct steer_member *member = &reading->policy->members[index];
    const struct steer_place *place = &reading->policy->places[member->endpoint];
    const struct health_scopes *scopes = reading->table->scopes;
    uint32_t group = reading->policy->group;
    words[0] = health_word_within(words[0], &scopes->endpoints[member->endpoint], group);
    words[1] = health_word_within(words[1], &scopes->azs[place->az], group);
    words[2] = health_word_within(words[2], &scopes->regions[place->region], group);
}

bool scope_has(const struct steer_reading *reading, enum health_kind kind, uint32_t index)
{
    const struct health_table *table = reading->table;
    const _Atomic uint32_t *const words[] = {
        [HEALTH_ENDPOINT] = table->endpoints, [HEALTH_AZ] = table->azs, [HEALTH_REGION] = table->regions};
    if ((tier_load(words[kind], index) & HEALTH_WORD_SCOPED) == 0) {
        return true;
    }
    const struct health_scope *const scopes[] = {[HEALTH_ENDPOINT] = table->scopes->endpoints,
                                                 [HEALTH_AZ] = table->scopes->azs,
                                                 [HEALTH_REGION] = table->scopes->regions};
    uint64_t groups = atomic_load_explicit(&scopes[kind][index].groups, memory_order_acquire);
    uint32_t group = reading->policy->group;
    return group != 0 && (groups >> (group - 1) & 1) != 0;
}
