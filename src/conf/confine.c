/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See confine.h. */
#include "config.h"

#include "conf/confine.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/report.h"

void confine_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"user", "dns_threads", NULL};
    struct doc_node confine;
    server->confine.dns_threads = true;
    if (doc_find(root, "confine", &confine) && doc_check_object(&confine, keys)) {
        const char *user = doc_get_text(&confine, "user");
        server->confine.user = user == NULL ? NULL : arena_copy_text(server->arena, user);
        server->confine.dns_threads = doc_get_bool(&confine, "dns_threads", true);
    }
}

char *conf_read_user(const char *path)
{
    struct report *unread = report_new();
    struct doc *doc = doc_load(path, unread);
    char *user = NULL;
    if (doc != NULL) {
        struct doc_node root = doc_get_root(doc), confine;
        const char *text = doc_find(&root, "confine", &confine) && doc_is_object(&confine)
                               ? doc_get_text(&confine, "user")
                               : NULL;
        user = memory_copy_text(text);
        doc_free(doc);
    }
    report_free(unread);
    return user;
}
