/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Looking at documents, for the admin API: on workers. */
#include "config.h"

#include "daemon/documents_load.h"

#include "daemon/durable.h"
#include "daemon/reader.h"
#include "daemon/redaction.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/memory.h"
#include "conf/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void server_list_documents(void *context, bool with_files, struct arena *arena, struct admin_documents *list)
{
    struct reader *reader = context;
    documents_list(reader->server->documents, with_files, arena, list);
    const struct view_zone *older = documents_find_older(reader_begin(reader));
    if (list->owner == CONF_OWNER_API && list->unsure == NULL && older != NULL) {
        list->unsure = arena_print(arena, "the zone %s has errors: %s", older->origin,
                                   older->stale ? "an older version of it serves" : "it is not served");
    }
    reader_end(reader);
}

static char *redact(const struct server *server, char *text, size_t *len)
{
    struct redaction redaction;
    redaction_open(durable_get_folder(server->durable), &redaction);
    char *redacted = redact_text(text, *len, redaction.key, false);
    if (redacted == NULL) {
        return text;
    }
    free(text);
    *len = strlen(redacted);
    return redacted;
}

static struct edit_document *open_one(const struct server *server, const struct document *document,
                                      bool is_redacted, struct arena *arena, struct admin_opened *opened)
{
    struct edit_document *tree = NULL;
    char why[EDIT_WHY_SIZE] = "";
    char *text = documents_read(document, &opened->len, &opened->error);
    if (text != NULL) {
        text = is_redacted ? redact(server, text, &opened->len) : text;
        opened->error = edit_open(text, opened->len, &tree, why);
        opened->text = arena_copy(arena, text, opened->len + 1);
    }
    if (tree == NULL) {
        opened->error = opened->error == ERROR_NOT_FOUND ? ERROR_INVALID : opened->error;
        opened->why = arena_print(arena, "%s cannot be read: %s", document->name,
                                  why[0] == '\0' ? error_text(opened->error) : why);
    }
    free(text);
    return tree;
}

struct edit_document *server_read_document(void *context, const struct edit *about, unsigned how,
                                           struct arena *arena, struct admin_opened *opened)
{
    struct reader *reader = context;
    char why[EDIT_WHY_SIZE] = "there are none";
    struct edit_document *tree = NULL;
    *opened = (struct admin_opened){.error = ERROR_NOT_FOUND};
    struct documents_set *set = documents_hold(reader->server->documents);
    const struct view *view = reader_begin(reader);
    const struct document *found = set == NULL ? NULL : documents_find_about(set, view->server, about, why);
    reader_end(reader);
    if (found == NULL) {
        opened->why = arena_copy_text(arena, why);
    } else {
        struct document one = *found;
        one.real = (how & ADMIN_OPEN_FILE) != 0 ? NULL : one.real;
        opened->document.name = arena_copy_text(arena, one.name);
        tree = open_one(reader->server, &one, (how & ADMIN_OPEN_REDACTED) != 0, arena, opened);
    }
    documents_release(set);
    return tree;
}
