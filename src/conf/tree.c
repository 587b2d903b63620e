/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tree.h. What is given by an absolute path stays where it is, also below the folder of steerd.json. */
#include "config.h"

#include "conf/tree.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"
#include "conf/server.h"

#include <stdlib.h>
#include <string.h>

struct own {
    struct arena *arena;
    const char **paths;
    size_t count, capacity;
    const char *folder;
};

static void add_path(struct own *own, const char *text)
{
    if (text != NULL && text[0] == '/') {
        char *absolute = source_make_absolute(text);
        own->paths = memory_grow(own->paths, own->count, &own->capacity, sizeof *own->paths);
        own->paths[own->count++] = arena_copy_text(own->arena, absolute);
        free(absolute);
    }
}

static void add_text(struct own *own, const struct doc_node *node)
{
    add_path(own, doc_is_text(node) ? doc_text(node) : NULL);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void find_own_zones(const struct doc_node *root, struct own *own)
{
    struct doc_node zones, item = {0};
    if (!doc_find(root, "zones", &zones)) {
        return;
    }
    if (doc_is_text(&zones) && doc_text(&zones)[0] == '/') {
        char *absolute = source_make_absolute(doc_text(&zones));
        own->folder = arena_copy_text(own->arena, absolute);
        free(absolute);
    }
    while (doc_is_array(&zones) && doc_next(&zones, &item)) {
        struct doc_node path;
        if (doc_is_object(&item) && doc_find(&item, "file", &path)) {
            add_text(own, &path);
        }
        if (doc_is_object(&item) && doc_find(&item, "policy", &path)) {
            add_text(own, &path);
        }
    }
}

static void find_own(const struct doc_node *root, struct own *own)
{
    struct doc_node node, item = {0};
    if (doc_find(root, "topology", &node)) {
        add_text(own, &node);
    }
    bool has_geo = doc_find(root, "geo", &node);
    if (has_geo) {
        add_text(own, &node);
    }
    while (has_geo && doc_is_array(&node) && doc_next(&node, &item)) {
        add_text(own, &item);
    }
    find_own_zones(root, own);
    if (own->count > 1) {
        qsort(own->paths, own->count, sizeof *own->paths, compare_texts);
    }
}

static void lay(const struct doc_node *root, struct conf_server *server, const char *real,
                struct report *report)
{
    struct own own = {.arena = server->arena};
    struct source_tree *tree = arena_alloc(server->arena, sizeof *tree);
    char *path = source_make_absolute(server->path), *there = source_make_absolute(real);
    *strrchr(path, '/') = '\0';
    find_own(root, &own);
    *tree = (struct source_tree){.folder = arena_copy_text(server->arena, path),
                                 .real = arena_copy_text(server->arena, there),
                                 .own = arena_copy(server->arena, own.paths, own.count * sizeof *own.paths),
                                 .own_count = own.count,
                                 .own_folder = own.folder};
    server->tree = tree;
    report_set_tree(report, tree);
    free(own.paths);
    free(path);
    free(there);
}

int conf_place_tree(const struct doc_node *root, struct conf_server *server, struct report *report)
{
    const struct source_chooser *chooser = report_get_chooser(report);
    bool is_asked = chooser != NULL && chooser->is_asked;
    bool is_wanted =
        is_asked || (server->cluster != NULL && server->cluster->configuration == CONF_CONFIGURATION_BUNDLE);
    if (!is_wanted || report_get_root(report) != NULL || server->state_path == NULL) {
        return 0;
    }
    char *real = chooser == NULL ? NULL : chooser->choose(chooser->context, server->state_path);
    if (real != NULL) {
        lay(root, server, real, report);
        free(real);
        return 0;
    }
    if (is_asked) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = server->path},
                   "the bundle that is to be read is not here");
        return ERROR_INVALID;
    }
    server->is_bare = true;
    server->topology_path = NULL;
    server->geo_count = 0;
    return 0;
}
