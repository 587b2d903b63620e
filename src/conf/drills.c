/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drills.h. Documents are read here, so that whoever runs them later waits for no file; what they say of
 * a topology is judged when they are run. */
#include "config.h"

#include "conf/drills.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/source.h"
#include "conf/doc.h"
#include "conf/freeze.h"
#include "conf/server.h"
#include "conf/zones.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEEP_MOST = 10000,
    DOCUMENT_MAX = 1 << 20,
    DEADLINE_DEFAULT_MS = 15 * 60 * 1000,
    DEADLINE_MOST_MS = 24 * 60 * 60 * 1000
};

static bool is_good_name(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = strlen(name);
    return len != 0 && len <= CONF_SCHEDULE_NAME_MAX && strspn(name, good) == len;
}

static void read_name(const struct doc_node *node, struct conf_server *server, struct conf_schedule *schedule)
{
    struct doc_node name;
    schedule->name = "";
    if (!doc_require(node, "name", &name)) {
        return;
    }
    const char *text = doc_text(&name);
    if (text == NULL || !is_good_name(text)) {
        doc_error_expected(&name, "a name of 1 to 63 letters, digits, \"-\", \"_\" and \".\"");
        return;
    }
    for (const struct conf_schedule *one = server->drills.schedule; one < schedule; one++) {
        if (strcmp(one->name, text) == 0) {
            doc_error(&name, "found a second drill \"%s\", expected one of a name", text);
        }
    }
    schedule->name = arena_copy_text(server->arena, text);
}

static void read_time(const struct doc_node *node, struct conf_server *server, struct conf_schedule *schedule)
{
    char why[TZIF_WHY_SIZE];
    struct doc_node cron, zone;
    const char *text, *name = "UTC";
    if (doc_require(node, "cron", &cron)) {
        text = doc_text(&cron);
        if (text == NULL || cron_parse(text, &schedule->cron) != 0) {
            doc_error_expected(&cron, CRON_EXPECTED);
        }
        schedule->cron_text = arena_copy_text(server->arena, text);
    }
    if (doc_find(node, "time_zone", &zone)) {
        name = doc_get_text(node, "time_zone");
        if (name == NULL) {
            return;
        }
    }
    schedule->zone_name = arena_copy_text(server->arena, name);
    schedule->zone = tzif_load(NULL, name, server->arena, why);
    if (schedule->zone == NULL) {
        doc_error(&zone, "found \"%.100s\", which is no time zone of this system: %s", name, why);
    }
}

static void take_document(const char *text, size_t len, struct conf_server *server,
                          struct conf_schedule *schedule)
{
    char *copy = arena_alloc_bytes(server->arena, len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    schedule->document = copy;
    schedule->document_len = len;
}

/* What a live drill changes somebody has to have seen: it would be refused at its time, when nobody looks. */
static void check_mode(const struct doc_node *node, const struct doc_node *document)
{
    struct doc_node mode;
    if (doc_find(document, "mode", &mode) && doc_is_text(&mode) && strcmp(doc_text(&mode), "live") == 0) {
        doc_error(node,
                  "found a live drill, expected one that is simulated, or a shadow drill: none is live by "
                  "itself");
    }
}

static void read_file(const struct doc_node *node, struct conf_server *server, struct conf_schedule *schedule)
{
    const char *path = zones_resolve_path(server, doc_text(node));
    struct file file = {.fd = -1};
    size_t len;
    int error = 0;
    source_see(doc_get_report(node), path);
    char *text = file_read_all(path, DOCUMENT_MAX, &file, &len, &error);
    if (text == NULL) {
        doc_error(node, "%s cannot be read: %s", path, file.why[0] != '\0' ? file.why : error_text(error));
        return;
    }
    struct doc *doc = doc_parse(path, text, len, doc_get_report(node)); /* which says what is wrong */
    if (doc != NULL) {
        const struct doc_node root = doc_get_root(doc);
        check_mode(node, &root);
        take_document(text, len, server, schedule);
        doc_free(doc);
    } else {
        doc_error(node, "%s is no drill document", path);
    }
    free(text);
}

static void read_document(const struct doc_node *node, struct conf_server *server,
                          struct conf_schedule *schedule)
{
    struct doc_node document;
    struct buffer text;
    if (!doc_require(node, "document", &document)) {
        return;
    }
    if (doc_is_text(&document) && doc_text(&document)[0] != '\0') {
        read_file(&document, server, schedule);
    } else if (doc_is_object(&document)) {
        check_mode(&document, &document);
        buffer_init(&text);
        doc_dump(&document, &text);
        take_document(text.bytes, text.len, server, schedule);
        buffer_fini(&text);
    } else {
        doc_error_expected(&document, "a file name or an object: a drill document");
    }
}

static void read_one(const struct doc_node *node, struct conf_server *server, struct conf_schedule *schedule)
{
    static const char *const keys[] = {"name",     "cron",     "time_zone", "document",
                                       "blackout", "deadline", "enabled",   NULL};
    static const uint32_t deadline[2] = {1000, DEADLINE_MOST_MS};
    if (!doc_check_object(node, keys)) {
        return;
    }
    read_name(node, server, schedule);
    read_time(node, server, schedule);
    read_document(node, server, schedule);
    schedule->deadline_ms = doc_get_duration_ms(node, "deadline", deadline, DEADLINE_DEFAULT_MS);
    schedule->enabled = doc_get_bool(node, "enabled", true);
    freeze_read(node, "blackout", server->arena, &schedule->blackouts);
}

static void read_schedule(const struct doc_node *drills, struct conf_server *server)
{
    struct conf_drills *to = &server->drills;
    struct doc_node list, item = {0};
    if (!doc_find(drills, "schedule", &list) || !doc_check_array(&list, "an array of drills")) {
        return;
    }
    if (doc_count(&list) > CONF_SCHEDULES_MAX) {
        doc_error(&list, "found %zu drills, expected at most %d", doc_count(&list), CONF_SCHEDULES_MAX);
        return;
    }
    if (doc_count(&list) != 0 && (server->state_path == NULL || server->admin_socket == NULL)) {
        doc_error(&list, "found drills to be done regularly, expected \"state\" and \"admin\" as well: where "
                         "it is kept which were, and how they are looked at");
    }
    to->schedule = arena_alloc(server->arena, (doc_count(&list) + 1) * sizeof *to->schedule);
    while (doc_next(&list, &item)) {
        to->schedule[to->schedule_count].name = "";
        read_one(&item, server, &to->schedule[to->schedule_count]);
        to->schedule_count++;
    }
}

void conf_drills_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"keep", "schedule", NULL};
    static const uint32_t keep_range[2] = {1, KEEP_MOST};
    struct doc_node drills;
    if (doc_find(root, "drills", &drills) && doc_check_object(&drills, keys)) {
        server->drills.keep = doc_get_number(&drills, "keep", keep_range, CONF_DRILLS_KEEP);
        read_schedule(&drills, server);
    }
}
