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
