/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See precedence.h. */
#include "config.h"

#include "admin/precedence.h"

#include <string.h>

void precedence_init(struct precedence *precedence)
{
    memset(precedence, 0, sizeof *precedence);
}

static struct precedence_known *find(struct precedence *precedence, const struct addr *from)
{
    for (size_t i = 0; i < precedence->count; i++) {
        if (addr_equal(&precedence->known[i].from, from)) {
            return &precedence->known[i];
        }
    }
    return NULL;
}

/* Each that goes first takes a place, which is free again PRECEDENCE_MS after the one before it. */
static bool take(int64_t *full_ms, int64_t now_ms)
{
    int64_t from_ms = *full_ms > now_ms ? *full_ms : now_ms;
    if (from_ms - now_ms > (PRECEDENCE_BURST - 1) * PRECEDENCE_MS) {
        return false;
    }
    *full_ms = from_ms + PRECEDENCE_MS;
    return true;
}

bool precedence_take(struct precedence *precedence, const struct addr *from, int64_t now_ms)
{
    struct precedence_known *known = find(precedence, from);
    return (known != NULL && take(&known->full_ms, now_ms)) || take(&precedence->full_ms, now_ms);
}

static struct precedence_known *find_place(struct precedence *precedence)
{
    if (precedence->count < PRECEDENCE_KNOWN_MAX) {
        return &precedence->known[precedence->count++];
    }
    struct precedence_known *oldest = precedence->known;
    for (size_t i = 1; i < PRECEDENCE_KNOWN_MAX; i++) {
        oldest = precedence->known[i].seen_ms < oldest->seen_ms ? &precedence->known[i] : oldest;
    }
    return oldest;
}

void precedence_learn(struct precedence *precedence, const struct addr *from, int64_t now_ms)
{
    struct precedence_known *known = find(precedence, from);
    if (known == NULL) {
        known = find_place(precedence);
        *known = (struct precedence_known){.from = *from};
    }
    known->seen_ms = now_ms;
}
