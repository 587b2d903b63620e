/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_files.h. A file that does not answer is looked at like any other: only its own thread waits for
 * it. */
#include "config.h"

#include "daemon/check_files.h"

#include "daemon/reader.h"
#include "daemon/server.h"
#include "sheet/sheets.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct sheet_status *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order != 0 ? order : (int)left->format - (int)right->format;
}

size_t server_list_files(void *context, struct arena *arena, struct admin_file **items)
{
    const struct reader *reader = context;
    struct sheet_status *list;
    size_t count = sheets_list(reader->server->sheets, &list);
    *items = arena_alloc(arena, count * sizeof **items);
    if (count != 0) {
        qsort(list, count, sizeof *list, compare);
    }
    for (size_t i = 0; i < count; i++) {
        (*items)[i] =
            (struct admin_file){.path = arena_copy_text(arena, list[i].path),
                                .format = sheet_format_text(list[i].format),
                                .state = sheet_state_text(list[i].state),
                                .names = list[i].names,
                                .written_ms = list[i].modified_ms,
                                .read_ms = list[i].read_ms,
                                .changes = list[i].changes,
                                .why = list[i].why[0] == '\0' ? NULL : arena_copy_text(arena, list[i].why)};
    }
    sheets_free_list(list, count);
    return count;
}
