/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects of other nodes, of all kinds but overrides, on their way to whom they belong. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/kinds.h"
#include "daemon/overrides.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- conflicts ---- */

static struct clustered_conflict **seek(struct clustered *clustered, const char *key)
{
    struct clustered_conflict **at = &clustered->conflicts;
    while (*at != NULL && strcmp((*at)->key, key) < 0) {
        at = &(*at)->next;
    }
    return at;
}

const struct clustered_conflict *clustered_find_conflict(const struct clustered *clustered, const char *key)
{
    const struct clustered_conflict *conflict = clustered->conflicts;
    while (conflict != NULL && strcmp(conflict->key, key) != 0) {
        conflict = conflict->next;
    }
    return conflict;
}

void clustered_put_conflict(struct clustered *clustered, const char *key, const char *value)
{
    struct clustered_conflict **at = seek(clustered, key);
    struct clustered_conflict *conflict = *at;
    bool is_there = conflict != NULL && strcmp(conflict->key, key) == 0;
    char *copy = memory_copy_text(value), *name = is_there || value == NULL ? NULL : memory_copy_text(key);
    if (is_there) { /* `key` may be its own */
        *at = conflict->next;
        name = value == NULL ? name : conflict->key;
        if (value == NULL) {
            free(conflict->key);
        }
        free(conflict->value);
        free(conflict);
    }
    if (value != NULL) {
        struct clustered_conflict *made = memory_alloc(sizeof *made);
        *made = (struct clustered_conflict){.next = *at, .key = name, .value = copy};
        *at = made;
    }
}

/* ---- the others ---- */

/* What is not there any more says nothing: it was about what was down then. */
static void put_word(struct server *server, const struct kind *kind, const struct store_object *object)
{
    struct overrides_reading reading = {.health = server->view->health,
                                        .lock = &server->lock,
                                        .boot = server->boot,
                                        .clock_offset_ms = &server->clock_offset_ms};
    if (object->value != NULL) {
        kind->put(&reading, object);
    }
    server_forget_snapshot(server);
}

void clustered_follow_object(struct clustered *clustered, const char *name, const char *key,
                             const char *value)
{
    struct server *server = clustered->server;
    enum store_kind_id id = store_kind_find(name);
    const struct kind *kind = id == STORE_KINDS ? NULL : &server->kinds[id];
    if (kind != NULL && kind->follow != NULL) {
        kind->follow(server, key, value);
    } else if (kind != NULL && kind->put != NULL && id != STORE_OVERRIDE) {
        put_word(server, kind, &(struct store_object){.kind = name, .key = key, .value = value});
    }
}
