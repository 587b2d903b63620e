/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ask.h. */
#include "config.h"

#include "etcd/ask.h"

#include "base/memory.h"

#include <stdlib.h>

struct ask *ask_new(struct asks *asks, enum etcd_call_kind kind)
{
    struct ask *ask = memory_alloc(sizeof *ask);
    ask->number = ++asks->last_number;
    ask->kind = kind;
    buffer_init(&ask->body);
    return ask;
}

void ask_free(struct ask *ask)
{
    buffer_fini(&ask->body);
    free(ask->prefix);
    free(ask);
}

void asks_append(struct asks *asks, struct ask *ask)
{
    struct ask **at = &asks->first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = ask;
    if (!ask_is_watch(ask)) {
        asks->count++;
        asks->len += ask->body.len;
    }
}

void asks_unlink(struct asks *asks, const struct ask *ask)
{
    struct ask **at = &asks->first;
    while (*at != ask) {
        at = &(*at)->next;
    }
    *at = ask->next;
    if (!ask_is_watch(ask)) {
        asks->count--;
        asks->len -= ask->body.len;
    }
}

struct ask *asks_find(const struct asks *asks, uint64_t number)
{
    struct ask *ask = asks->first;
    while (ask != NULL && ask->number != number) {
        ask = ask->next;
    }
    return ask;
}
