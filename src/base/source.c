/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See source.h. */
#include "config.h"

#include "base/source.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int compare_places(const void *key, const void *item)
{
    const struct source_place *place = item;
    return strcmp(key, place->path);
}

static int compare_own(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static char *find_in_tree(const struct source_tree *tree, const char *absolute)
{
    if (tree == NULL || !is_below(absolute, tree->folder) ||
        (tree->own_folder != NULL && is_below(absolute, tree->own_folder)) ||
        (tree->own_count != 0 &&
         bsearch(absolute, tree->own, tree->own_count, sizeof *tree->own, compare_own) != NULL)) {
        return NULL;
    }
    return memory_print("%s%s", tree->real, absolute + strlen(tree->folder));
}

/* Owned; NULL: where its path says. */
static char *find_place(const struct report *report, const char *path)
{
    const struct source_places *places = report_get_places(report);
    const struct source_tree *tree = report_get_tree(report);
    bool has_places = places != NULL && places->count != 0;
    if (report_get_root(report) != NULL || (!has_places && tree == NULL)) {
        return NULL;
    }
    char *absolute = source_make_absolute(path);
    const struct source_place *place =
        has_places ? bsearch(absolute, places->items, places->count, sizeof *places->items, compare_places)
                   : NULL;
    char *real = place != NULL ? memory_copy_text(place->real) : find_in_tree(tree, absolute);
    free(absolute);
    return real;
}

void source_note(struct report *report, const char *path, const struct file *file)
{
    char *place = find_place(report, path);
    source_list_add(report_get_sources(report), path, place, file);
    free(place);
}

void source_see(struct report *report, const char *path)
{
    struct file file;
    if (file_look(path, &file) == 0) {
        source_list_add(report_get_seen(report), path, NULL, &file);
    }
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
    if (root == NULL) {
        char *place = find_place(report, path);
        return place == NULL ? memory_copy_text(path) : place;
    }
    char *absolute = source_make_absolute(path), *real = memory_print("%s%s", root, absolute);
    free(absolute);
    return real;
}

char *source_locate_in(const struct source_tree *tree, const char *path)
{
    char *absolute = source_make_absolute(path), *real = find_in_tree(tree, absolute);
    free(absolute);
    return real == NULL ? memory_copy_text(path) : real;
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
