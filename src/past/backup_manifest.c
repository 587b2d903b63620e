/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The manifest of a backup, and its JSON. Strict: a key that is not known, a list that has something twice, a
 * name that no file of a state folder has are errors. */
#include "config.h"

#include "past/backup_parts.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/sha2.h"
#include "base/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { FORMAT_VERSION = 1, WHY_SIZE = 512 };

static const char format_name[] = "steerd-backup";

/* ---- texts ---- */

static const char *const kinds[] = {
    [BACKUP_FULL] = "full", [BACKUP_INCREMENTAL] = "incremental", [BACKUP_DIFFERENTIAL] = "differential"};

enum { KINDS = sizeof kinds / sizeof *kinds };

const char *backup_kind_text(enum backup_kind kind)
{
    return kinds[kind];
}

void backup_write_hex(const unsigned char hash[BACKUP_HASH_SIZE], char text[BACKUP_ID_SIZE])
{
    (void)hex_write(hash, BACKUP_HASH_SIZE, text);
}

bool backup_parse_hex(const char *text, unsigned char hash[BACKUP_HASH_SIZE])
{
    return hex_read(text, hash, BACKUP_HASH_SIZE);
}

int backup_fail(struct report *report, const char *file, int error, const char *format, ...)
{
    char why[WHY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    utf8_make_printable(why); /* it may quote what came from outside */
    report_add(report, REPORT_ERROR, &(struct report_place){.file = file}, "%s", why);
    return error;
}

/* ---- names ---- */

const char *const backup_folders[] = {"depot", "documents", "health", NULL};

static bool is_hex(const char *text, size_t len)
{
    size_t found = 0;
    while (found < len && hex_digit(text[found]) != -1) {
        found++;
    }
    return found == len;
}

/* depot/ab/abcdef…, documents/ab/abcdef… */
bool backup_is_content(const char *path)
{
    const char *name = strncmp(path, "depot/", 6) == 0        ? path + 6
                       : strncmp(path, "documents/", 10) == 0 ? path + 10
                                                              : "";
    return is_hex(name, 2) && name[2] == '/' && memcmp(name, name + 3, 2) == 0 && is_hex(name + 3, 64) &&
           name[3 + 64] == '\0';
}

/* health/1234.trail */
static bool is_segment(const char *path)
{
    size_t digits = strncmp(path, "health/", 7) == 0 ? strspn(path + 7, "0123456789") : 0;
    return digits > 0 && digits < 20 && strcmp(path + 7 + digits, ".trail") == 0;
}

bool backup_has_path(const char *path)
{
    return strcmp(path, "serials") == 0 || strcmp(path, "last-health") == 0 || backup_is_content(path) ||
           is_segment(path);
}

/* ---- lists ---- */

static void fini_members(struct backup_members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        free(members->items[i].path);
    }
    free(members->items);
    *members = (struct backup_members){.items = NULL};
}

void backup_manifest_fini(struct backup_manifest *manifest)
{
    fini_members(&manifest->members);
    fini_members(&manifest->before);
}

void backup_members_add(struct backup_members *members, const char *path, uint64_t size,
                        const unsigned char hash[BACKUP_HASH_SIZE])
{
    members->items = memory_grow(members->items, members->count, &members->capacity, sizeof *members->items);
    struct backup_member *member = &members->items[members->count++];
    *member = (struct backup_member){.path = memory_copy_text(path), .size = size};
    memcpy(member->hash, hash, BACKUP_HASH_SIZE);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct backup_member *)a)->path, ((const struct backup_member *)b)->path);
}

struct backup_members backup_manifest_list(const struct backup_manifest *manifest)
{
    size_t of_members = manifest->members.count, of_before = manifest->before.count, count = 0;
    struct backup_member *items = memory_alloc_array(of_members + of_before + 1, sizeof *items);
    for (size_t i = 0; i < of_members; i++) {
        if (backup_has_path(manifest->members.items[i].path)) {
            items[count++] = manifest->members.items[i];
        }
    }
    for (size_t i = 0; i < of_before; i++) {
        items[count++] = manifest->before.items[i];
    }
    qsort(items, count, sizeof *items, compare);
    return (struct backup_members){.items = items, .count = count};
}

const struct backup_member *backup_members_find(const struct backup_members *sorted, const char *path)
{
    union {
        const char *given;
        char *path;
    } name = {.given = path}; /* only compared */
    struct backup_member key = {.path = name.path};
    return sorted->count == 0 ? NULL
                              : bsearch(&key, sorted->items, sorted->count, sizeof *sorted->items, compare);
}

/* ---- writing ---- */

static void write_place(const char *name, const struct store_place *place, struct buffer *to)
{
    char hash[BACKUP_ID_SIZE];
    backup_write_hex(place->hash, hash);
    buffer_print(to, "\"%s\": {\"seq\": %" PRIu64 ", \"hash\": \"%s\"}", name, place->seq, hash);
}

static void write_members(const char *name, const struct backup_members *members, struct buffer *to)
{
    buffer_print(to, ",\n  \"%s\": [", name);
    for (size_t i = 0; i < members->count; i++) {
        char hash[BACKUP_ID_SIZE];
        backup_write_hex(members->items[i].hash, hash);
        buffer_print(to, "%s\n    {\"path\": \"%s\", \"size\": %" PRIu64 ", \"sha256\": \"%s\"}",
                     i == 0 ? "" : ",", members->items[i].path, members->items[i].size, hash);
    }
    buffer_add_text(to, "]");
}

static void write_base(const struct backup_manifest *manifest, struct buffer *to)
{
    char made[CLOCK_TEXT_SIZE];
    if (manifest->kind == BACKUP_FULL) {
        buffer_add_text(to, "  \"base\": null,\n  ");
        return;
    }
    buffer_print(to, "  \"base\": {\"id\": \"%s\", \"kind\": \"%s\", \"made\": \"%s\"},\n  ",
                 manifest->base.id, kinds[manifest->base.kind],
                 clock_write_rfc3339(manifest->base.made_ms, made));
    write_place("from", &manifest->base.to, to);
    buffer_add_text(to, ",\n  ");
}

static void find_id(const char *text, size_t len, char id[BACKUP_ID_SIZE])
{
    struct sha256 sha;
    unsigned char hash[BACKUP_HASH_SIZE];
    sha256_init(&sha);
    sha256_add(&sha, text, len);
    sha256_end(&sha, hash);
    backup_write_hex(hash, id);
}

void backup_manifest_write(struct backup_manifest *manifest, struct buffer *to)
{
    char made[CLOCK_TEXT_SIZE], hash[BACKUP_ID_SIZE];
    backup_write_hex(manifest->objects_hash, hash);
    buffer_print(to,
                 "{\n  \"format\": \"%s\",\n  \"version\": %d,\n  \"kind\": \"%s\",\n  \"made\": \"%s\",\n"
                 "  \"steerd\": \"%s\",\n  \"store\": \"%s\",\n  \"machine\": \"%s\",\n",
                 format_name, FORMAT_VERSION, kinds[manifest->kind],
                 clock_write_rfc3339(manifest->made_ms, made), PACKAGE_VERSION, manifest->store,
                 manifest->machine);
    write_base(manifest, to);
    write_place("to", &manifest->to, to);
    buffer_print(to, ",\n  \"objects\": {\"count\": %" PRIu64 ", \"sha256\": \"%s\"}", manifest->objects,
                 hash);
    write_members("members", &manifest->members, to);
    write_members("before", &manifest->before, to);
    buffer_add_text(to, "\n}\n");
    find_id(to->bytes, to->len, manifest->id);
}

/* ---- reading ---- */

struct reading {
    const char *file;
    struct report *report;
};

static int refuse(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct reading *reading, const char *format, ...)
{
    char why[WHY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    return backup_fail(reading->report, reading->file, ERROR_SYNTAX, "its " BACKUP_MANIFEST " is none: %s",
                       why);
}

static int read_hex(const struct reading *reading, const char *what, const json_t *json,
                    unsigned char hash[BACKUP_HASH_SIZE])
{
    const char *text = json_string_value(json);
    return text != NULL && backup_parse_hex(text, hash)
               ? 0
               : refuse(reading, "%s: found no SHA-256, expected 64 hexadecimal digits", what);
}

static int read_id(const struct reading *reading, const char *what, const json_t *json,
                   char text[BACKUP_ID_SIZE])
{
    unsigned char hash[BACKUP_HASH_SIZE] = {0};
    int error = read_hex(reading, what, json, hash);
    if (error == 0) {
        backup_write_hex(hash, text);
    }
    return error;
}

static int read_number(const struct reading *reading, const char *what, const json_t *json, uint64_t *number)
{
    json_int_t value = json_is_integer(json) ? json_integer_value(json) : -1;
    *number = (uint64_t)value;
    return value >= 0 ? 0 : refuse(reading, "%s: found no number from 0 on", what);
}

static int read_place(const struct reading *reading, const char *what, json_t *json,
                      struct store_place *place)
{
    json_t *seq, *hash;
    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:o, s:o}", "seq", &seq, "hash", &hash) == -1) {
        return refuse(reading, "%s: expected seq and hash", what);
    }
    int error = read_number(reading, what, seq, &place->seq);
    return error != 0 ? error : read_hex(reading, what, hash, place->hash);
}

static int read_time(const struct reading *reading, const char *what, const json_t *json, int64_t *wall_ms)
{
    const char *text = json_string_value(json);
    return text != NULL && clock_parse_rfc3339(text, wall_ms) == 0
               ? 0
               : refuse(reading, "%s: found no time, expected RFC 3339", what);
}

static int read_kind(const struct reading *reading, const char *what, const json_t *json,
                     enum backup_kind *kind)
{
    const char *text = json_string_value(json);
    for (int i = 0; text != NULL && i < KINDS; i++) {
        if (strcmp(text, kinds[i]) == 0) {
            *kind = (enum backup_kind)i;
            return 0;
        }
    }
    return refuse(reading, "%s: expected full, incremental or differential", what);
}

static int read_member(const struct reading *reading, const char *what, json_t *json,
                       struct backup_members *members)
{
    json_t *path, *number, *sha256;
    unsigned char hash[BACKUP_HASH_SIZE];
    uint64_t size;
    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:o, s:o, s:o}", "path", &path, "size", &number, "sha256",
                       &sha256) == -1 ||
        !json_is_string(path)) {
        return refuse(reading, "%s: expected path, size and sha256 of each", what);
    }
    const char *name = json_string_value(path);
    if (strlen(name) != json_string_length(path) || strlen(name) > BACKUP_PATH_MAX) {
        return refuse(reading, "%s: found the path \"%.64s\" of %zu octets, expected at most %d", what, name,
                      json_string_length(path), BACKUP_PATH_MAX);
    }
    int error = read_number(reading, name, number, &size);
    error = error != 0 ? error : read_hex(reading, name, sha256, hash);
    if (error == 0) {
        backup_members_add(members, name, size, hash);
    }
    return error;
}

static int read_members(const struct reading *reading, const char *what, json_t *json,
                        struct backup_members *members)
{
    size_t i;
    json_t *item;
    int error = json_is_array(json) && json_array_size(json) <= BACKUP_MEMBERS_MAX
                    ? 0
                    : refuse(reading, "%s: expected at most %d of them", what, BACKUP_MEMBERS_MAX);
    if (error != 0) {
        return error;
    }
    json_array_foreach(json, i, item)
    {
        error = error != 0 ? error : read_member(reading, what, item, members);
    }
    return error;
}

bool backup_is_named(const char *path, const unsigned char hash[BACKUP_HASH_SIZE])
{
    char text[BACKUP_ID_SIZE];
    backup_write_hex(hash, text);
    return !backup_is_content(path) || strcmp(strrchr(path, '/') + 1, text) == 0;
}

static int check_file(const struct reading *reading, const struct backup_member *file)
{
    if (!backup_has_path(file->path)) {
        return refuse(reading, "\"%s\" is no file of a state folder that a backup has", file->path);
    }
    return backup_is_named(file->path, file->hash)
               ? 0
               : refuse(reading, "\"%s\" has another SHA-256 than its name says", file->path);
}

/* The store or the journal first, then files of the state folder, none of them twice. */
static int check_members(const struct reading *reading, const struct backup_manifest *manifest)
{
    const char *first = manifest->kind == BACKUP_FULL ? BACKUP_STORE : BACKUP_JOURNAL;
    const struct backup_members *members = &manifest->members;
    if (members->count == 0 || strcmp(members->items[0].path, first) != 0) {
        return refuse(reading, "members: expected %s first in one that is %s", first, kinds[manifest->kind]);
    }
    int error = 0;
    for (size_t i = 1; error == 0 && i < members->count + manifest->before.count; i++) {
        error = check_file(reading, i < members->count ? &members->items[i]
                                                       : &manifest->before.items[i - members->count]);
    }
    if (error != 0) {
        return error;
    }
    struct backup_members list = backup_manifest_list(manifest);
    const char *twice = NULL;
    for (size_t i = 1; i < list.count && twice == NULL; i++) {
        twice = strcmp(list.items[i - 1].path, list.items[i].path) == 0 ? list.items[i].path : NULL;
    }
    free(list.items);
    return twice == NULL ? 0 : refuse(reading, "\"%s\" is in it twice", twice);
}

static int read_base(const struct reading *reading, json_t *base, json_t *from,
                     struct backup_manifest *manifest)
{
    json_t *id, *kind, *made;
    if (manifest->kind == BACKUP_FULL) {
        return json_is_null(base) && from == NULL && manifest->before.count == 0
                   ? 0
                   : refuse(reading, "base: found one, expected none of a full backup");
    }
    if (json_unpack_ex(base, NULL, JSON_STRICT, "{s:o, s:o, s:o}", "id", &id, "kind", &kind, "made", &made) ==
        -1) {
        return refuse(reading, "base: expected id, kind and made");
    }
    int error = read_id(reading, "base.id", id, manifest->base.id);
    error = error != 0 ? error : read_kind(reading, "base.kind", kind, &manifest->base.kind);
    error = error != 0 ? error : read_time(reading, "base.made", made, &manifest->base.made_ms);
    error = error != 0 ? error : read_place(reading, "from", from, &manifest->base.to);
    if (error == 0 && manifest->base.to.seq > manifest->to.seq) {
        return refuse(reading, "it ends before it begins");
    }
    return error;
}

static int read_all(const struct reading *reading, json_t *json, struct backup_manifest *manifest)
{
    json_t *kind, *made, *steerd, *store, *machine, *base, *from = NULL, *to, *objects, *members, *before,
                                                           *count, *sha256;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT,
                       "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s?o, s:o, s:{s:o, s:o}, s:o, s:o}", "format",
                       &objects, "version", &count, "kind", &kind, "made", &made, "steerd", &steerd, "store",
                       &store, "machine", &machine, "base", &base, "from", &from, "to", &to, "objects",
                       "count", &count, "sha256", &sha256, "members", &members, "before", &before) == -1) {
        return refuse(reading, "%s", fault.text);
    }
    const char *of = json_string_value(machine);
    int error = read_kind(reading, "kind", kind, &manifest->kind);
    error = error != 0 ? error : read_time(reading, "made", made, &manifest->made_ms);
    error = error != 0 ? error : read_id(reading, "store", store, manifest->store);
    error = error != 0 || (of != NULL && of[0] == '\0')
                ? error
                : read_id(reading, "machine", machine, manifest->machine);
    error = error != 0 ? error : read_place(reading, "to", to, &manifest->to);
    error = error != 0 ? error : read_number(reading, "objects", count, &manifest->objects);
    error = error != 0 ? error : read_hex(reading, "objects", sha256, manifest->objects_hash);
    error = error != 0 ? error : read_members(reading, "members", members, &manifest->members);
    error = error != 0 ? error : read_members(reading, "before", before, &manifest->before);
    error = error != 0 ? error : read_base(reading, base, from, manifest);
    return error != 0 ? error : check_members(reading, manifest);
}

/* What a newer version is made of is not known. */
static int check_version(const struct reading *reading, const json_t *json)
{
    const char *format = json_string_value(json_object_get(json, "format"));
    const json_t *version = json_object_get(json, "version");
    if (format == NULL || strcmp(format, format_name) != 0 || !json_is_integer(version)) {
        return refuse(reading, "found no format and version, expected \"%s\"", format_name);
    }
    if (json_integer_value(version) != FORMAT_VERSION) {
        return backup_fail(reading->report, reading->file, ERROR_UNSUPPORTED,
                           "found version %" JSON_INTEGER_FORMAT ", expected %d: a newer steerd has made it",
                           json_integer_value(version), FORMAT_VERSION);
    }
    return 0;
}

/* A small text may be a large tree: as one, 64 MB of nothing but arrays are 3 GB. */
static bool has_too_many(const char *text, size_t len)
{
    enum { OF_MEMBER = 4, LISTS = 2, REST = 1000 };
    size_t values = 0;
    for (size_t i = 0; i < len; i++) {
        values += text[i] == ',' || text[i] == '[' || text[i] == '{';
    }
    return values > (size_t)LISTS * OF_MEMBER * BACKUP_MEMBERS_MAX + REST;
}

int backup_manifest_parse(const char *text, size_t len, const char *file, struct report *report,
                          struct backup_manifest *manifest)
{
    struct reading reading = {.file = file, .report = report};
    json_error_t fault;
    *manifest = (struct backup_manifest){.kind = BACKUP_FULL};
    if (has_too_many(text, len)) {
        return refuse(&reading, "found more values than %d members have", BACKUP_MEMBERS_MAX);
    }
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
    int error = json != NULL ? check_version(&reading, json)
                             : refuse(&reading, "line %d: %s", fault.line, fault.text);
    error = error != 0 ? error : read_all(&reading, json, manifest);
    find_id(text, len, manifest->id);
    json_decref(json);
    if (error != 0) {
        backup_manifest_fini(manifest);
    }
    return error;
}
