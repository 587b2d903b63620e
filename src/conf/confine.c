/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See confine.h. */
#include "config.h"

#include "conf/confine.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/report.h"
#include "conf/zones.h"

#include <string.h>

enum { OWN = 4 }; /* state, the folders of the socket, of dnstap and of the query log */

static void add_folder(struct conf_server *server, const char *folder)
{
    server->confine.write[server->confine.write_count++] = folder;
}

/* Room for `more` besides. */
static void read_write(const struct doc_node *confine, struct conf_server *server, size_t more)
{
    struct doc_node list, item = {0};
    bool has_list = confine != NULL && doc_find(confine, "write", &list);
    size_t most = more + (has_list ? doc_count_texts(&list) : 0);
    server->confine.write = arena_alloc(server->arena, most * sizeof *server->confine.write);
    while (has_list && doc_next_text(&list, "a folder or an array of folders", &item)) {
        if (doc_text(&item)[0] == '\0') {
            doc_error_expected(&item, "a folder");
        } else {
            add_folder(server, zones_resolve_path(server, doc_text(&item)));
        }
    }
}

static void read_all(const struct doc_node *root, struct conf_server *server, size_t more)
{
    static const char *const keys[] = {"user", "dns_threads", "no_new_privileges", "files", "write", NULL};
    struct conf_confine *to = &server->confine;
    struct doc_node confine;
    bool has_any = doc_find(root, "confine", &confine) && doc_check_object(&confine, keys);
    const char *user = has_any ? doc_get_text(&confine, "user") : NULL;
    to->user = user == NULL ? NULL : arena_copy_text(server->arena, user);
    to->dns_threads = !has_any || doc_get_bool(&confine, "dns_threads", true);
    to->no_new_privileges = !has_any || doc_get_bool(&confine, "no_new_privileges", true);
    to->files = !has_any || doc_get_bool(&confine, "files", to->no_new_privileges);
    read_write(has_any ? &confine : NULL, server, more);
    struct doc_node files;
    if (to->files && !to->no_new_privileges) {
        (void)doc_find(&confine, "files", &files);
        doc_error(&files, "found true, expected no_new_privileges beside it: the kernel wants both");
    }
}

void confine_read(const struct doc_node *root, struct conf_server *server)
{
    read_all(root, server, 0);
}

/* ---- before anything else is read ---- */

static const char *find_path(const struct doc_node *root, const char *part, const char *key,
                             const struct conf_server *server)
{
    struct doc_node object = *root;
    bool has_part = part == NULL || (doc_find(root, part, &object) && doc_is_object(&object));
    const char *path = has_part ? doc_get_text(&object, key) : NULL;
    return path == NULL ? NULL : zones_resolve_path(server, path);
}

static void add_parent(struct conf_server *server, const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (path != NULL) {
        add_folder(server, slash == NULL   ? "."
                           : slash == path ? "/"
                                           : arena_print(server->arena, "%.*s", (int)(slash - path), path));
    }
}

struct conf_server *conf_read_early(const char *path)
{
    struct report *unread = report_new();
    struct doc *doc = doc_load(path, unread);
    struct conf_server *server = NULL;
    if (doc != NULL) {
        struct doc_node root = doc_get_root(doc);
        server = memory_alloc(sizeof *server);
        server->arena = arena_new(0);
        server->path = arena_copy_text(server->arena, path);
        read_all(&root, server, OWN);
        server->state_path = find_path(&root, NULL, "state", server);
        server->admin_socket = find_path(&root, "admin", "socket", server);
        if (server->state_path != NULL) {
            add_folder(server, server->state_path);
        }
        add_parent(server, server->admin_socket);
        add_parent(server, find_path(&root, "dnstap", "file", server));
        add_parent(server, find_path(&root, "query_log", "file", server));
        doc_free(doc);
    }
    report_free(unread);
    return server;
}
