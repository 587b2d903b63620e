/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See topology_files.h. Of a pattern only the last part of the path may have wildcards; files come in the
 * order of their names, those whose names begin with a dot do not. */
#include "config.h"

#include "conf/topology_files.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/source.h"
#include "conf/zones.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 10000 };

struct reader {
    struct conf_server *server;
    struct report *report;
    const char **paths; /* growing; in the heap */
    size_t count, capacity;
};

static bool is_there(const struct reader *reader, const char *path)
{
    for (size_t i = 0; reader->paths != NULL && i < reader->count; i++) {
        if (strcmp(reader->paths[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct reader *reader, const char *path)
{
    if (!is_there(reader, path)) {
        reader->paths = memory_grow(reader->paths, reader->count, &reader->capacity, sizeof *reader->paths);
        reader->paths[reader->count++] = path;
    }
}

static bool is_pattern(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

/* All files of a folder whose names are as the pattern says. */
static void add_matching(struct reader *reader, const struct doc_node *node, const char *folder,
                         const char *pattern)
{
    struct dirent **entries = NULL;
    size_t before = reader->count;
    char *real = source_locate(reader->report, folder);
    source_see(reader->report, real);
    int count = scandir(real, &entries, NULL, alphasort);
    free(real);
    if (count == -1) {
        doc_error(node, "the folder %s cannot be listed: %s", folder, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        if (fnmatch(pattern, entries[i]->d_name, FNM_PERIOD) == 0 && reader->count < FILES_MAX) {
            add(reader, arena_print(reader->server->arena, "%s/%s", folder, entries[i]->d_name));
        }
        free(entries[i]);
    }
    free(entries);
    if (reader->count == before) {
        doc_error(node, "found no file in %s that is called %s", folder, pattern);
    }
}

static void add_item(struct reader *reader, const struct doc_node *node)
{
    const char *text = doc_text(node), *slash = strrchr(text, '/');
    if (!is_pattern(text)) {
        add(reader, zones_resolve_path(reader->server, text));
        return;
    }
    const char *pattern = slash == NULL ? text : slash + 1;
    const char *folder = slash == NULL ? "."
                         : slash == text
                             ? "/"
                             : arena_print(reader->server->arena, "%.*s", (int)(slash - text), text);
    if (is_pattern(folder)) {
        doc_error(node, "found wildcards in the folder %s, expected them in the name of the file only",
                  folder);
    } else {
        add_matching(reader, node, zones_resolve_path(reader->server, folder), pattern);
    }
}

void topology_files_read(const struct doc_node *root, struct conf_server *server, struct report *report)
{
    struct doc_node list, item = {0};
    struct reader reader = {.server = server, .report = report};
    if (!doc_find(root, "topology", &list)) {
        return;
    }
    while (
        doc_next_text(&list, "a file, a pattern such as \"topology.d/*.json\", or an array of them", &item)) {
        if (doc_text(&item)[0] == '\0') {
            doc_error_expected(&item, "a non-empty string");
        } else {
            add_item(&reader, &item);
        }
    }
    if (doc_is_array(&list) && doc_count(&list) == 0) {
        doc_error(&list, "found no file, expected at least one");
    }
    if (reader.count != 0) {
        server->topology_paths = arena_copy(server->arena, reader.paths, reader.count * sizeof *reader.paths);
        server->topology_count = reader.count;
        server->topology_path = server->topology_paths[0];
    }
    free(reader.paths);
}

void topology_files_judge(const struct doc_node *root, const struct conf_server *server)
{
    struct doc_node topology;
    if (server->owner == CONF_OWNER_API && server->topology_count > 1 &&
        doc_find(root, "topology", &topology)) {
        doc_error(&topology, "found %zu files, expected one: documents that the API owns are whole",
                  server->topology_count);
    }
}
