/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zone sources from a folder or from a list. In a folder the file name is the origin, with %XX for what a
 * file system or a shell does not like; NAME.json beside NAME.zone is its policy. */
#include "config.h"

#include "conf/zones.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/source.h"
#include "conf/keytable.h"
#include "dns/name.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct conf_server *server;
    struct report *report;
    struct arena *scratch;
    struct keytable *origins; /* canonical origin -> its conf_zone_source's zone_path */
    size_t capacity;
};

const char *zones_resolve_path(const struct conf_server *server, const char *path)
{
    const char *slash = strrchr(server->path, '/');
    if (path[0] == '/' || slash == NULL) {
        return arena_copy_text(server->arena, path);
    }
    return arena_print(server->arena, "%.*s/%s", (int)(slash - server->path), server->path, path);
}

const char *zones_parse_origin(struct arena *arena, const char *text)
{
    uint8_t wire[255];
    char canonical[DNS_NAME_TEXT_SIZE];
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p >= 0x7f) { /* bytes over 127 are negative here */
            return NULL;
        }
    }
    int len = strcmp(text, "@") == 0 ? ERROR_SYNTAX : dns_name_parse(text, NULL, wire);
    if (len < 0) {
        return NULL;
    }
    dns_name_lower(wire, (size_t)len);
    return arena_copy_text(arena, dns_name_write(wire, canonical));
}

/* The source that has this origin already, or NULL after entering this one. */
static const char *add_source(struct reader *reader, const char *origin, const char *zone_path,
                              const char *policy_path)
{
    struct conf_server *server = reader->server;
    char *kept = arena_copy_text(server->arena, zone_path);
    if (!keytable_add(reader->origins, origin, strlen(origin), kept)) {
        return keytable_find(reader->origins, origin, strlen(origin));
    }
    server->zones[server->zone_count++] = (struct conf_zone_source){
        .origin = arena_copy_text(server->arena, origin),
        .zone_path = kept,
        .policy_path = arena_copy_text(server->arena, policy_path),
    };
    return NULL;
}

static void make_room(struct reader *reader, size_t count)
{
    reader->capacity = count;
    reader->server->zones = arena_alloc(reader->server->arena, count * sizeof *reader->server->zones);
}

/* ---- list ---- */

static void read_item(struct reader *reader, const struct doc_node *item)
{
    static const char *const keys[] = {"origin", "file", "policy", NULL};
    struct doc_node node;
    if (!doc_check_object(item, keys)) {
        return;
    }
    bool complete = doc_require(item, "origin", &node);
    complete &= doc_require(item, "file", &node);
    const char *text = doc_get_text(item, "origin"), *file = doc_get_text(item, "file");
    const char *policy = doc_get_text(item, "policy"), *origin = NULL;
    if (text != NULL) {
        origin = zones_parse_origin(reader->scratch, text);
        (void)doc_find(item, "origin", &node);
        if (origin == NULL) {
            doc_error_expected(&node, "a domain name, such as \"example.com\" or \".\"");
        }
    }
    if (!complete || origin == NULL || file == NULL) {
        return;
    }
    const char *policy_path = policy == NULL ? NULL : zones_resolve_path(reader->server, policy);
    const char *first = add_source(reader, origin, zones_resolve_path(reader->server, file), policy_path);
    if (first != NULL) {
        doc_error(&node, "the origin \"%.300s\" is there already, from %s", origin, first);
    }
}

static void read_list(struct reader *reader, const struct doc_node *list)
{
    struct doc_node item = {0};
    make_room(reader, doc_count(list));
    while (doc_next(list, &item)) {
        read_item(reader, &item);
    }
    if (doc_count(list) == 0) {
        doc_error(list, "there are no zones, expected at least one");
    }
}

/* ---- folder ---- */

static void report_file(struct reader *reader, const char *path, const char *message)
{
    struct report_place place = {.file = path};
    report_add(reader->report, REPORT_ERROR, &place, "%s", message);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* NAME of NAME.zone with its %XX decoded, in the scratch arena; NULL if an escape is broken or gives NUL. */
static const char *decode_name(struct reader *reader, const char *file, size_t len)
{
    char *text = arena_alloc_bytes(reader->scratch, len + 1), *to = text;
    for (size_t i = 0; i < len; i++) {
        if (file[i] != '%') {
            *to++ = file[i];
            continue;
        }
        int high = hex_digit(file[i + 1]), low = high < 0 ? -1 : hex_digit(file[i + 2]);
        if (low < 0 || (high | low) == 0) {
            return NULL;
        }
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    *to = '\0';
    return text;
}

/* Length of the file's name without this suffix, or 0 if it does not have it (or nothing else). */
static size_t match_suffix(const char *file, const char *suffix)
{
    size_t len = strlen(file), suffix_len = strlen(suffix);
    bool matches = len > suffix_len && strcmp(file + len - suffix_len, suffix) == 0;
    return matches ? len - suffix_len : 0;
}

static void read_zone_file(struct reader *reader, const char *folder, const char *file,
                           struct keytable *files)
{
    int stem = (int)match_suffix(file, ".zone");
    const char *path = arena_print(reader->scratch, "%s/%s", folder, file);
    const char *policy_file = arena_print(reader->scratch, "%.*s.json", stem, file);
    const char *policy_path = NULL;
    if (keytable_find(files, policy_file, strlen(policy_file)) != NULL) {
        policy_path = arena_print(reader->scratch, "%s/%s", folder, policy_file);
    }
    const char *text = decode_name(reader, file, (size_t)stem);
    const char *origin = text == NULL ? NULL : zones_parse_origin(reader->scratch, text);
    if (text == NULL) {
        report_file(reader, path, "broken escape in the file's name, expected % and two hexadecimal digits");
    } else if (origin == NULL) {
        report_file(reader, path, "the file's name is no origin, expected a domain name before \".zone\"");
    } else {
        const char *first = add_source(reader, origin, path, policy_path);
        if (first != NULL) {
            report_file(
                reader, path,
                arena_print(reader->scratch, "the origin \"%s\" is there already, from %s", origin, first));
        }
    }
}

/* The configuration itself may lie in the folder. */
static bool is_same_file(const struct report *report, const char *a, const char *b)
{
    struct file first, second;
    if (b == NULL) {
        return false;
    }
    char *one = source_locate(report, a), *other = source_locate(report, b);
    bool same = file_look(one, &first) == 0 && file_look(other, &second) == 0 &&
                first.device == second.device && first.inode == second.inode;
    free(one);
    free(other);
    return same;
}

static bool is_configuration(const struct reader *reader, const char *path)
{
    const struct conf_server *server = reader->server;
    bool found = is_same_file(reader->report, path, server->path);
    for (size_t i = 0; i < server->topology_count && !found; i++) {
        found = is_same_file(reader->report, path, server->topology_paths[i]);
    }
    return found;
}

static void check_policy_file(struct reader *reader, const char *folder, const char *file,
                              const struct keytable *files)
{
    int stem = (int)match_suffix(file, ".json");
    const char *zone = arena_print(reader->scratch, "%.*s.zone", stem, file);
    const char *path = arena_print(reader->scratch, "%s/%s", folder, file);
    if (keytable_find(files, zone, strlen(zone)) == NULL && !is_configuration(reader, path)) {
        report_file(
            reader, path,
            arena_print(reader->scratch, "a policy without its zone: there is no %s beside it", zone));
    }
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_folder(struct reader *reader, const struct doc_node *node)
{
    const char *folder = zones_resolve_path(reader->server, doc_text(node));
    struct dirent **entries = NULL;
    char *real = source_locate(reader->report, folder);
    source_see(reader->report, real);
    int count = scandir(real, &entries, is_visible, alphasort);
    free(real);
    if (count == -1) {
        doc_error(node, "the folder %s cannot be listed: %s", folder, strerror(errno));
        return;
    }
    struct keytable *files = keytable_new(reader->scratch);
    for (int i = 0; i < count; i++) {
        (void)keytable_add(files, entries[i]->d_name, strlen(entries[i]->d_name), entries[i]);
    }
    make_room(reader, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (match_suffix(entries[i]->d_name, ".zone") > 0) {
            read_zone_file(reader, folder, entries[i]->d_name, files);
        } else if (match_suffix(entries[i]->d_name, ".json") > 0) {
            check_policy_file(reader, folder, entries[i]->d_name, files);
        }
    }
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    if (reader->server->zone_count == 0) {
        doc_error(node, "the folder %s holds no zone, expected files named <origin>.zone", folder);
    }
}

static void require_topology(struct reader *reader, const struct doc_node *zones)
{
    const struct conf_server *server = reader->server;
    for (size_t i = 0; i < server->zone_count && server->topology_path == NULL; i++) {
        if (server->zones[i].policy_path != NULL) {
            doc_error(
                zones,
                "zone %.300s has the policy %s, but no topology is configured: add the key \"topology\"",
                server->zones[i].origin, server->zones[i].policy_path);
        }
    }
}

int zones_read(const struct doc_node *root, struct conf_server *server, struct report *report)
{
    struct doc_node zones;
    size_t errors = report_errors(report);
    if (!doc_require(root, "zones", &zones)) {
        return ERROR_INVALID;
    }
    struct reader reader = {.server = server, .report = report, .scratch = arena_new(0)};
    reader.origins = keytable_new(reader.scratch);
    if (doc_is_array(&zones)) {
        read_list(&reader, &zones);
    } else if (doc_is_text(&zones) && doc_text(&zones)[0] != '\0') {
        read_folder(&reader, &zones);
    } else {
        doc_error_expected(&zones, "a folder, or an array of {\"origin\", \"file\", \"policy\"}");
    }
    struct doc_node topology;
    if (!doc_find(root, "topology", &topology)) {
        require_topology(&reader, &zones);
    }
    arena_free(reader.scratch);
    return report_errors(report) == errors ? 0 : ERROR_INVALID;
}
