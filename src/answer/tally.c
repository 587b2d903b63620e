/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tally.h. */
#include "config.h"

#include "answer/tally.h"

#include <string.h>

static uint32_t read_ttl(const struct zone_steered *steered)
{
    const uint8_t *ttl = steered->ttl;
    return (uint32_t)ttl[0] << 24 | (uint32_t)ttl[1] << 16 | (uint32_t)ttl[2] << 8 | ttl[3];
}

void tally_put_note(const struct work *w, const struct steer_policy *policy,
                    const struct zone_steered *steered, const struct steer_choice *choice, uint32_t endpoint)
{
    const struct answer_context *context = w->context;
    struct addr_port at;
    uint32_t ttl = read_ttl(steered);
    addr_from_sockaddr(w->request->client, &at);
    struct sight sight = {.at_ms = (uint32_t)context->now_ms,
                          .ttl = ttl < choice->ttl ? ttl : choice->ttl,
                          .endpoint = endpoint,
                          .generation = (uint32_t)context->view->generation,
                          .family = at.addr.family,
                          .group = (uint8_t)policy->group};
    memcpy(sight.address, at.addr.bytes, sizeof sight.address);
    sights_note(context->sights, &sight);
}

void tally_note(const struct work *w, const struct steer_policy *policy, const struct zone_steered *steered,
                const struct steer_choice *choice, uint16_t member)
{
    tally_note_here(w, policy, steered, choice,
                    member == UINT16_MAX ? SIGHT_NOWHERE : policy->members[member].endpoint);
}
