/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading steerd.json. Nothing is opened or bound here; only a zones folder is listed (zones.h). */
#include "config.h"

#include "conf/server.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/cluster.h"
#include "conf/confine.h"
#include "conf/doc.h"
#include "conf/doors.h"
#include "conf/keys.h"
#include "conf/limits.h"
#include "conf/listen.h"
#include "conf/resolver.h"
#include "conf/taps.h"
#include "conf/topology_files.h"
#include "conf/tree.h"
#include "conf/vantages.h"
#include "conf/webhooks.h"
#include "conf/withdraw.h"
#include "conf/zone_options.h"
#include "conf/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
    THREADS_DEFAULT = 1,
    EDNS_SIZE_DEFAULT = 1232,
    SOCKET_MODE_DEFAULT = 0600,
    MAX_TRANSFERS_DEFAULT = 100,
    START_WAIT_DEFAULT_MS = 2000,
    START_WAIT_MOST_MS = 60000,
    LAST_HEALTH_DEFAULT_MS = 60 * 60 * 1000,
    LAST_HEALTH_MOST_MS = 7 * 24 * 60 * 60 * 1000,
    LOAD_MEMORY_LEAST = 1 << 20,
    POINTS_EVERY_DEFAULT_MS = 60 * 60 * 1000,
    POINTS_EVERY_LEAST_MS = 1000,
    POINTS_EVERY_MOST_MS = 7 * 24 * 60 * 60 * 1000,
    POINTS_COUNT_DEFAULT = 24,
    POINTS_MOST = 65536, /* points, and days */
    POINTS_HEALTH_SIZE_LEAST = 1 << 20,
    POINTS_HEALTH_SIZE_DEFAULT = 256 << 20,
};

static const char *get_path(const struct doc_node *object, const char *key, const struct conf_server *server)
{
    const char *path = doc_get_text(object, key);
    return path == NULL ? NULL : zones_resolve_path(server, path);
}

/* Three octal digits, with or without a 0 before them. */
static void read_mode(const struct doc_node *admin, struct conf_server *server)
{
    struct doc_node mode;
    if (!doc_find(admin, "mode", &mode)) {
        return;
    }
    const char *text = doc_is_text(&mode) ? doc_text(&mode) : "";
    size_t len = strspn(text, "01234567");
    if (text[len] != '\0' || !(len == 3 || (len == 4 && text[0] == '0'))) {
        doc_error_expected(&mode, "an octal file mode in quotes, such as \"0660\"");
        return;
    }
    server->admin_socket_mode = (unsigned)strtoul(text, NULL, 8);
}

static void read_admin(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"socket", "mode", "socket_roles", "listen", "client_roles", NULL};
    struct doc_node admin, node;
    if (!doc_find(root, "admin", &admin) || !doc_check_object(&admin, keys)) {
        return;
    }
    (void)doc_require(&admin, "socket", &node);
    server->admin_socket = get_path(&admin, "socket", server);
    size_t limit = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (server->admin_socket != NULL && strlen(server->admin_socket) > limit) {
        doc_error(&node, "the path %s has %zu bytes, expected at most %zu for a unix socket",
                  server->admin_socket, strlen(server->admin_socket), limit);
    }
    read_mode(&admin, server);
    roles_read(&admin, "socket_roles", false, server->arena, &server->socket_roles);
    doors_read(&admin, server);
}

static void read_geo(const struct doc_node *root, struct conf_server *server)
{
    struct doc_node list, item = {0};
    if (!doc_find(root, "geo", &list)) {
        return;
    }
    server->geo_paths = arena_alloc(server->arena, doc_count_texts(&list) * sizeof *server->geo_paths);
    while (doc_next_text(&list, "a path or an array of paths of MMDB files", &item)) {
        if (doc_text(&item)[0] == '\0') {
            doc_error_expected(&item, "a path of an MMDB file");
        } else {
            server->geo_paths[server->geo_count++] = zones_resolve_path(server, doc_text(&item));
        }
    }
}

/* Where the target listens, if not at the usual place. */
static void read_log_socket(const struct doc_node *log, struct conf_server *server)
{
    struct doc_node node;
    size_t limit = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    server->log.socket = get_path(log, "socket", server);
    if (server->log.socket == NULL) {
        return;
    }
    (void)doc_find(log, "socket", &node);
    if (server->log.target == LOG_TARGET_STDERR) {
        doc_error(&node, "found a socket, expected one only with the target \"journal\" or \"syslog\"");
    } else if (strlen(server->log.socket) > limit) {
        doc_error(&node, "the path %s has %zu bytes, expected at most %zu for a unix socket",
                  server->log.socket, strlen(server->log.socket), limit);
    }
}

static void read_log(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"level", "format", "target", "socket", NULL};
    static const char *const levels[] = {[LOG_LEVEL_ERROR] = "error",
                                         [LOG_LEVEL_WARNING] = "warning",
                                         [LOG_LEVEL_INFO] = "info",
                                         [LOG_LEVEL_DEBUG] = "debug",
                                         NULL};
    static const char *const formats[] = {[LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json", NULL};
    static const char *const targets[] = {[LOG_TARGET_STDERR] = "stderr",
                                          [LOG_TARGET_JOURNAL] = "journal",
                                          [LOG_TARGET_SYSLOG] = "syslog",
                                          NULL};
    struct doc_node log;
    if (doc_find(root, "log", &log) && doc_check_object(&log, keys)) {
        struct log_options *to = &server->log;
        to->level = (enum log_level)doc_get_choice(&log, "level", levels, LOG_LEVEL_INFO);
        to->format = (enum log_format)doc_get_choice(&log, "format", formats, LOG_FORMAT_TEXT);
        to->target = (enum log_target)doc_get_choice(&log, "target", targets, LOG_TARGET_STDERR);
        read_log_socket(&log, server);
    }
}

/* ---- identity, version, cookies ---- */

/* A text of at most max octets, copied; `least` octets at least. */
static const char *read_label(const struct doc_node *root, const char *key, size_t least, size_t max,
                              struct arena *arena)
{
    struct doc_node node;
    if (!doc_find(root, key, &node)) {
        return NULL;
    }
    const char *text = doc_text(&node);
    if (text == NULL || strlen(text) < least || strlen(text) > max) {
        char expected[64];
        snprintf(expected, sizeof expected, "a string of %zu to %zu octets", least, max);
        doc_error_expected(&node, expected);
        return NULL;
    }
    return arena_copy_text(arena, text);
}

static unsigned hex_value(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static bool parse_secret(const char *text, uint8_t secret[CONF_SECRET_SIZE])
{
    static const char digits[] = "0123456789abcdefABCDEF";
    if (strlen(text) != CONF_SECRET_SIZE * 2 || strspn(text, digits) != CONF_SECRET_SIZE * 2) {
        return false;
    }
    for (size_t i = 0; i < CONF_SECRET_SIZE; i++) {
        secret[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    }
    return true;
}

/* A secret is never shown in a message. */
static void read_secrets(const struct doc_node *cookies, struct conf_server *server)
{
    struct doc_node list, item = {0};
    if (!doc_find(cookies, "secrets", &list)) {
        return;
    }
    size_t count = doc_count_texts(&list);
    if (count == 0 || count > CONF_SECRETS_MAX) {
        doc_error(&list, "found %zu secrets, expected 1 to %d", count, CONF_SECRETS_MAX);
        return;
    }
    server->secrets = arena_alloc(server->arena, count * sizeof *server->secrets);
    while (doc_next_text(&list, "a secret or an array of them", &item)) {
        if (parse_secret(doc_text(&item), server->secrets[server->secret_count])) {
            server->secret_count++;
        } else {
            doc_error(&item, "this is no secret, expected %d hexadecimal digits", CONF_SECRET_SIZE * 2);
        }
    }
}

static void read_cookies(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"secrets", "require", NULL};
    static const char *const requirements[] = {[CONF_COOKIES_NEVER] = "never",
                                               [CONF_COOKIES_LIMITED] = "limited",
                                               [CONF_COOKIES_ALWAYS] = "always",
                                               NULL};
    struct doc_node cookies;
    if (!doc_find(root, "cookies", &cookies)) {
        return;
    }
    if (doc_is_bool(&cookies, false)) {
        server->has_cookies = false;
    } else if (!doc_is_object(&cookies)) {
        doc_error_expected(&cookies, "false or an object");
    } else if (doc_check_object(&cookies, keys)) {
        read_secrets(&cookies, server);
        server->cookies_require = (enum conf_cookies_require)doc_get_choice(&cookies, "require", requirements,
                                                                            CONF_COOKIES_LIMITED);
    }
}

/* ---- what goes into answers ---- */

static bool read_bool(const struct doc_node *root, const char *key, bool otherwise)
{
    struct doc_node node;
    if (!doc_find(root, key, &node)) {
        return otherwise;
    }
    if (!doc_is_bool(&node, true) && !doc_is_bool(&node, false)) {
        doc_error_expected(&node, "true or false");
    }
    return doc_is_bool(&node, true);
}

static void read_answers(const struct doc_node *root, struct conf_server *server)
{
    server->minimal_responses = read_bool(root, "minimal_responses", false);
    server->rotate = read_bool(root, "rotate", false);
    server->extended_errors = read_bool(root, "extended_errors", true);
}

static enum conf_hangup read_hangup(const struct doc_node *root)
{
    static const char *const choices[] = {
        [CONF_HANGUP_RELOAD] = "reload", [CONF_HANGUP_UPGRADE] = "upgrade", NULL};
    return (enum conf_hangup)doc_get_choice(root, "hangup", choices, CONF_HANGUP_RELOAD);
}

/* ---- who owns documents ---- */

static void read_documents(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"owner", NULL};
    static const char *const owners[] = {[CONF_OWNER_FILES] = "files", [CONF_OWNER_API] = "api", NULL};
    struct doc_node documents, owner;
    if (!doc_find(root, "documents", &documents) || !doc_check_object(&documents, keys) ||
        !doc_require(&documents, "owner", &owner)) {
        return;
    }
    server->owner = (enum conf_owner)doc_get_choice(&documents, "owner", owners, CONF_OWNER_FILES);
    if (server->owner == CONF_OWNER_API && server->state_path == NULL) {
        doc_error(&owner, "found \"api\" without a folder where what it changes is kept: add the key "
                          "\"state\"");
    }
}

/* Before what has commands is read. */
static void read_commands(const struct doc_node *root, struct conf_server *server)
{
    static const char *const choices[] = {"allowed", "never", NULL};
    server->has_no_commands = doc_get_choice(root, "commands", choices, 0) == 1;
}

/* ---- recovery points ---- */

static void read_points(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"every", "keep", "health_size", NULL}, *const keep_keys[] = {
                                                                                  "count", "days", NULL};
    static const uint32_t every_range[2] = {0, POINTS_EVERY_MOST_MS};
    static const uint32_t count_range[2] = {1, POINTS_MOST}, days_range[2] = {0, POINTS_MOST};
    struct conf_points *to = &server->points;
    struct doc_node points, keep, every;
    if (!doc_find(root, "points", &points) || !doc_check_object(&points, keys)) {
        return;
    }
    to->every_ms = doc_get_duration_ms(&points, "every", every_range, POINTS_EVERY_DEFAULT_MS);
    if (to->every_ms != 0 && to->every_ms < POINTS_EVERY_LEAST_MS && doc_find(&points, "every", &every)) {
        doc_error_expected(&every, "\"0s\" or a duration from 1s to 168h");
    }
    if (doc_find(&points, "keep", &keep) && doc_check_object(&keep, keep_keys)) {
        to->keep_count = doc_get_number(&keep, "count", count_range, POINTS_COUNT_DEFAULT);
        to->keep_days = doc_get_number(&keep, "days", days_range, 0);
    }
    to->health_size =
        doc_get_size(&points, "health_size", POINTS_HEALTH_SIZE_LEAST, POINTS_HEALTH_SIZE_DEFAULT);
}

static const char *const server_keys[] = {"listen",
                                          "threads",
                                          "edns_size",
                                          "zones",
                                          "topology",
                                          "state",
                                          "admin",
                                          "geo",
                                          "log",
                                          "identity",
                                          "version",
                                          "cookies",
                                          "zone_options",
                                          "rrl",
                                          "amplification",
                                          "tcp",
                                          "load_threads",
                                          "keys",
                                          "max_transfers",
                                          "minimal_responses",
                                          "rotate",
                                          "extended_errors",
                                          "resolver",
                                          "load_memory",
                                          "start_wait",
                                          "last_health",
                                          "hangup",
                                          "commands",
                                          "keep_configuration",
                                          "points",
                                          "probe",
                                          "vantages",
                                          "webhooks",
                                          "hooks",
                                          "documents",
                                          "dnstap",
                                          "query_log",
                                          "drills",
                                          "cluster",
                                          "confine",
                                          "withdraw",
                                          NULL};

/* Returns 0, or an error if something of the zones was reported. */
static int read_server(const struct doc_node *root, struct conf_server *server, struct report *report)
{
    static const uint32_t thread_range[2] = {1, 64}, edns_range[2] = {512, 4096};
    static const uint32_t transfer_range[2] = {1, 10000}, wait_range[2] = {0, START_WAIT_MOST_MS};
    static const uint32_t last_range[2] = {0, LAST_HEALTH_MOST_MS};
    (void)doc_check_object(root, server_keys);
    listen_read(root, server);
    server->threads = doc_get_number(root, "threads", thread_range, THREADS_DEFAULT);
    server->load_threads = doc_get_number(root, "load_threads", thread_range, 0);
    server->load_memory = doc_get_size(root, "load_memory", LOAD_MEMORY_LEAST, 0);
    server->start_wait_ms = doc_get_duration_ms(root, "start_wait", wait_range, START_WAIT_DEFAULT_MS);
    server->last_health_ms = doc_get_duration_ms(root, "last_health", last_range, LAST_HEALTH_DEFAULT_MS);
    server->hangup = read_hangup(root);
    server->keep_configuration = doc_get_bool(root, "keep_configuration", true);
    server->edns_size = doc_get_number(root, "edns_size", edns_range, EDNS_SIZE_DEFAULT);
    topology_files_read(root, server, report);
    server->state_path = get_path(root, "state", server);
    read_documents(root, server);
    topology_files_judge(root, server);
    read_admin(root, server);
    read_geo(root, server);
    read_log(root, server);
    server->identity = read_label(root, "identity", 1, CONF_IDENTITY_MAX, server->arena);
    const char *version = read_label(root, "version", 0, CONF_VERSION_MAX, server->arena);
    server->version = version != NULL ? version : PACKAGE;
    read_cookies(root, server);
    server->max_transfers = doc_get_number(root, "max_transfers", transfer_range, MAX_TRANSFERS_DEFAULT);
    keys_read(root, server);
    limits_read(root, server);
    resolver_read(root, server);
    read_answers(root, server);
    read_points(root, server);
    conf_drills_read(root, server);
    vantages_read(root, server);
    cluster_read(root, server);
    confine_read(root, server);
    read_commands(root, server);
    webhooks_read(root, server);
    conf_hooks_read(root, server);
    withdraw_read(root, server);
    taps_read(root, server);
    int error = conf_place_tree(root, server, report);
    if (error == 0 && !server->is_bare) {
        error = zones_read(root, server, report);
    }
    zone_options_read(root, server);
    return error;
}

struct conf_server *conf_read_server(const char *path, struct report *report)
{
    struct doc *doc = doc_load(path, report);
    if (doc == NULL) {
        return NULL;
    }
    struct doc_node root = doc_get_root(doc);
    struct conf_server *server = memory_alloc(sizeof *server);
    server->arena = arena_new(0);
    server->path = arena_copy_text(server->arena, path);
    server->admin_socket_mode = SOCKET_MODE_DEFAULT;
    server->log.level = LOG_LEVEL_INFO;
    server->has_cookies = true;
    server->points = (struct conf_points){.every_ms = POINTS_EVERY_DEFAULT_MS,
                                          .keep_count = POINTS_COUNT_DEFAULT,
                                          .health_size = POINTS_HEALTH_SIZE_DEFAULT};
    server->cookies_require = CONF_COOKIES_LIMITED;
    server->drills.keep = CONF_DRILLS_KEEP;
    int error = read_server(&root, server, report);
    server->is_broken = error != 0 || doc_has_errors(doc);
    doc_free(doc);
    return server;
}

struct conf_server *conf_load_server(const char *path, struct report *report)
{
    struct conf_server *server = conf_read_server(path, report);
    if (server != NULL && server->is_broken) {
        conf_free_server(server);
        return NULL;
    }
    return server;
}

void conf_free_server(struct conf_server *server)
{
    if (server != NULL) {
        doors_drop(server);
        arena_free(server->arena);
        free(server);
    }
}
