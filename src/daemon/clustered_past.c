/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the process before held that could not be told, and what was in conflict. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

static int parse_number(const char *key, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(key, &end, 10);
    return errno != 0 || *end != '\0' || end == key ? ERROR_SYNTAX : 0;
}

static bool read_one_pending(void *context, const struct store_object *object)
{
    struct clustered *clustered = context;
    struct arena *arena = arena_new(0);
    struct cluster_pending pending = {.number = 0};
    const char *why = "its number is none";
    int error = parse_number(object->key, &pending.number);
    error = error == 0 ? clustered_parse_pending(object->value, arena, &pending, &why) : error;
    if (error != 0) {
        log_error("provisional order not understood number=%s reason=\"%s\" effect=\"it holds here only\"",
                  object->key, why);
    } else {
        clustered->next_pending =
            pending.number >= clustered->next_pending ? pending.number + 1 : clustered->next_pending;
        cluster_pend(clustered->cluster, &pending);
        clustered_put_safer(clustered, &pending);
        clustered_tell_peers(clustered, pending.mark, object->value);
    }
    arena_free(arena);
    return true;
}

static bool read_conflict(void *context, const struct store_object *object)
{
    clustered_put_conflict(context, object->key, object->value);
    return true;
}

int clustered_read_pending(struct clustered *clustered)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(clustered->folder, report, &reader);
    clustered->next_pending = 1;
    if (error == 0) {
        error = store_list(reader, PENDING_KIND, "", NULL, read_one_pending, clustered);
        error = error == 0 ? store_list(reader, CONFLICT_KIND, "", NULL, read_conflict, clustered) : error;
        store_reader_close(reader);
    }
    report_free(report);
    return error == ERROR_NOT_FOUND ? 0 : error;
}
