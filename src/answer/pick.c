/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few choices need. */
#include "config.h"

#include "answer/pick.h"

/* ADDR_NONE: it is unknown. Returns the address, of *at. */
static const struct addr *find_source(const struct work *w, struct addr_port *at)
{
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, at);
    } else {
        *at = (struct addr_port){.port = 0};
    }
    return &at->addr;
}

struct geo_match pick_find_class_of_source(const struct work *w, const struct steer_policy *policy)
{
    struct addr_port at;
    return steer_find_class(policy, find_source(w, &at));
}

size_t pick_sticky(struct work *w, const struct steer_policy *policy, const struct steer_choice *choice,
                   uint16_t members[STEER_ANSWERS_MAX])
{
    struct addr_port at;
    const struct addr *subnet = pick_find_subnet(w);
    struct steer_key key = steer_find_key(policy, subnet != NULL ? subnet : find_source(w, &at));
    if (choice->count > 1 && key.prefix_len > w->scope) {
        w->scope = key.prefix_len;
    }
    return steer_pick_sticky(policy, choice, key.key, members);
}
