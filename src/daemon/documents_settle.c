/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a start, a takeover, or a store that can be read at last, leaves to be done: it is a reload. */
#include "config.h"

#include "daemon/documents_load.h"

#include "daemon/durable.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "base/memory.h"

#include <stdlib.h>

/* Does the store say something else than what serves? */
static bool is_behind(const struct server *server, const struct documents_set *set)
{
    struct documents_load load = {.set = documents_set_new(),
                                  .folder = memory_copy_text(server->view->server->state_path)};
    for (size_t i = 0; i < set->count; i++) {
        documents_set_add(load.set, server->path, set->items[i].path, NULL);
    }
    bool is_other = documents_ask_store(&load) == 0 && set->unsure != NULL;
    for (size_t i = 0; i < set->count && !is_other; i++) { /* in the same order */
        is_other = load.set->items[i].revision != set->items[i].revision;
    }
    documents_release(load.set);
    free(load.folder);
    return is_other;
}

void documents_settle(struct server *server, bool asks)
{
    struct documents_set *set = documents_hold(server->documents);
    bool is_owned = set != NULL && set->owner == CONF_OWNER_API;
    bool is_wanted = is_owned && asks && is_behind(server, set);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        is_wanted |= is_owned == (set->items[i].revision == 0);
    }
    documents_release(set);
    if (is_wanted && durable_has_store(server->durable)) {
        server_reload_soon(server, true);
    }
}
