/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See source.h. */
#include "config.h"

#include "base/source.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int compare_places(const void *key, const void *item)
{
    const struct source_place *place = item;
    return strcmp(key, place->path);
}

/* Borrowed; NULL: where its path says. */
static const char *find_place(const struct report *report, const char *path)
{
    const struct source_places *places = report_get_places(report);
    if (places == NULL || places->count == 0 || report_get_root(report) != NULL) {
        return NULL;
    }
    char *absolute = source_make_absolute(path);
    const struct source_place *place =
        bsearch(absolute, places->items, places->count, sizeof *places->items, compare_places);
    free(absolute);
    return place == NULL ? NULL : place->real;
}

void source_note(struct report *report, const char *path, const struct file *file)
{
    source_list_add(report_get_sources(report), path, find_place(report, path), file);
}

int source_open_at(struct report *report, const char *path, const char *real, uint64_t max, struct file *file)
{
    int code = file_open(real, max, file);
    if (code == 0) {
        source_note(report, path, file);
    }
    return code;
}

int source_open(struct report *report, const char *path, uint64_t max, struct file *file)
{
    char *real = source_locate(report, path);
    int code = source_open_at(report, path, real, max, file);
    free(real);
    return code;
}

char *source_locate(const struct report *report, const char *path)
{
    const char *root = report_get_root(report);
    const char *place = find_place(report, path);
    if (root == NULL) {
        return memory_copy_text(place == NULL ? path : place);
    }
    char *absolute = source_make_absolute(path), *real = memory_print("%s%s", root, absolute);
    free(absolute);
    return real;
}

struct source_list source_take(struct report *report)
{
    struct source_list *list = report_get_sources(report), taken = *list;
    *list = (struct source_list){.items = NULL};
    return taken;
}

char *source_make_absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *full = memory_print("%s/%s", here == NULL ? "" : here, path), *to = full;
    free(here);
    for (const char *at = full; *at != '\0';) {
        size_t len = strcspn(at + 1, "/");
        if (len == 2 && memcmp(at + 1, "..", 2) == 0) {
            while (to != full && *--to != '/') {
            }
        } else if (len != 0 && !(len == 1 && at[1] == '.')) {
            memmove(to, at, len + 1);
            to += len + 1;
        }
        at += len + 1;
    }
    if (to == full) {
        *to++ = '/';
    }
    *to = '\0';
    return full;
}
