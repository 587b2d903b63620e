/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few choices need. */
#include "config.h"

#include "answer/pick.h"

struct geo_match pick_find_class_of_source(const struct work *w, const struct steer_policy *policy)
{
    struct addr_port at = {.port = 0};
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &at);
    }
    return steer_find_class(policy, &at.addr);
}

/* The subnet of ECS if given, else the source. */
static struct addr find_client(const struct work *w)
{
    struct addr_port at = {.port = 0};
    if (w->query.has_ecs && w->query.ecs.source_len != 0) {
        return w->query.ecs.addr;
    }
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &at);
    }
    return at.addr;
}

size_t pick_sticky(struct work *w, const struct steer_policy *policy, const struct steer_choice *choice,
                   uint16_t members[STEER_ANSWERS_MAX])
{
    struct addr client = find_client(w);
    struct steer_key key = steer_find_key(policy, &client);
    if (choice->count > 1 && key.prefix_len > w->scope) {
        w->scope = key.prefix_len;
    }
    return steer_pick_sticky(policy, choice, key.key, members);
}
