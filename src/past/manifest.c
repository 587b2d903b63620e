/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See manifest.h. */
#include "config.h"

#include "past/manifest.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "past/depot_internal.h"

enum { WHOLE = 1, IN_PARTS = 2, WHY_SIZE = 256, NAME_LEN_MAX = 255 };

void manifest_init(struct manifest *manifest, const char *main)
{
    *manifest = (struct manifest){.main = memory_copy_text(main)};
}

static void free_file(struct manifest_file *file)
{
    free(file->path);
    free(file->why);
}

void manifest_fini(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->count; i++) {
        free_file(&manifest->files[i]);
    }
    free(manifest->files);
    free(manifest->parts);
    free(manifest->main);
    *manifest = (struct manifest){.main = NULL};
}

static bool is_part(const char *part, size_t len)
{
    return len > 0 && len <= NAME_LEN_MAX && !(len == 1 && part[0] == '.') &&
           !(len == 2 && part[0] == '.' && part[1] == '.');
}

bool manifest_is_path(const char *path)
{
    size_t len = strlen(path);
    if (path[0] != '/' || len > MANIFEST_PATH_MAX || utf8_check(path, len) != len) {
        return false;
    }
    for (const char *at = path; *at == '/';) {
        size_t part = strcspn(at + 1, "/");
        if (!is_part(at + 1, part)) {
            return false;
        }
        at += 1 + part;
    }
    return true;
}

struct manifest_file *manifest_add(struct manifest *manifest, const char *path, uint64_t size,
                                   const char *sha256, const char *why)
{
    manifest->files =
        memory_grow(manifest->files, manifest->count, &manifest->capacity, sizeof *manifest->files);
    struct manifest_file *file = &manifest->files[manifest->count++];
    *file = (struct manifest_file){.path = memory_copy_text(path), .size = size};
    if (sha256 != NULL) {
        snprintf(file->sha256, sizeof file->sha256, "%s", sha256);
    } else {
        file->why = memory_copy_text(why);
    }
    return file;
}

static int compare_files(const void *left, const void *right)
{
    const struct manifest_file *a = left, *b = right;
    return strcmp(a->path, b->path);
}

static bool sort(struct manifest *manifest)
{
    bool distinct = true;
    if (manifest->count > 1) {
        qsort(manifest->files, manifest->count, sizeof *manifest->files, compare_files);
    }
    for (size_t i = 1; i < manifest->count && distinct; i++) {
        distinct = compare_files(&manifest->files[i - 1], &manifest->files[i]) != 0;
    }
    return distinct;
}

void manifest_finish(struct manifest *manifest)
{
    if (sort(manifest)) {
        return;
    }
    size_t kept = 1;
    for (size_t i = 1; i < manifest->count; i++) {
        struct manifest_file *file = &manifest->files[i], *last = &manifest->files[kept - 1];
        if (compare_files(last, file) != 0) {
            manifest->files[kept++] = *file;
        } else {
            free_file(file);
        }
    }
    manifest->count = kept;
}

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *path)
{
    const struct manifest_file key = {.path = (char *)(uintptr_t)path};
    return manifest->count == 0
               ? NULL
               : bsearch(&key, manifest->files, manifest->count, sizeof *manifest->files, compare_files);
}

size_t manifest_count_missing(const struct manifest *manifest)
{
    size_t missing = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        missing += manifest->files[i].sha256[0] == '\0';
    }
    return missing;
}

/* ---- text ---- */

/* Takes the value. Returns false if there is no memory for it. */
static bool add_value(struct buffer *out, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    bool good = text != NULL;
    if (good) {
        buffer_add_text(out, text);
    }
    free(text);
    json_decref(value);
    return good;
}

/* Does it stand in JSON as it is? */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\') {
            return false;
        }
    }
    return true;
}

/* As most are, and as the other way would write it, which takes four times as long. */
static void add_plain(struct buffer *out, const struct manifest_file *file)
{
    char size[48];
    snprintf(size, sizeof size, "\",\"size\":%llu,\"sha256\":\"", (unsigned long long)file->size);
    buffer_add_text(out, "{\"path\":\"");
    buffer_add_text(out, file->path);
    buffer_add_text(out, size);
    buffer_add_text(out, file->sha256);
    buffer_add_text(out, "\"}");
}

/* An object of its own: a tree of all files would take ten times what their text does. */
static bool add_file(struct buffer *out, const struct manifest_file *file)
{
    char time[CLOCK_TEXT_SIZE];
    bool is_kept = file->sha256[0] != '\0';
    if (is_kept && is_plain(file->path)) {
        add_plain(out, file);
        return true;
    }
    json_t *object = json_object();
    bool good = json_object_set_new(object, "path", json_string(file->path)) == 0 &&
                json_object_set_new(object, "size", json_integer((json_int_t)file->size)) == 0 &&
                json_object_set_new(object, "sha256", is_kept ? json_string(file->sha256) : json_null()) == 0;
    if (good && file->why != NULL) {
        good = json_object_set_new(object, "why", json_string(file->why)) == 0;
    }
    if (good && file->modified_ms != 0) {
        good = json_object_set_new(object, "modified",
                                   json_string(clock_write_rfc3339(file->modified_ms, time))) == 0;
    }
    return add_value(out, object) && good;
}

static bool add_files(struct buffer *out, const struct manifest_file *files, size_t count)
{
    bool good = true;
    buffer_add_text(out, "[");
    for (size_t i = 0; i < count && good; i++) {
        buffer_add_text(out, i == 0 ? "" : ",");
        good = add_file(out, &files[i]);
    }
    buffer_add_text(out, "]");
    return good;
}

static void add_parts(struct buffer *out, const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->part_count; i++) {
        buffer_print(out, "%s\"%s\"", i == 0 ? "" : ",", manifest->parts[i]);
    }
}

static char *finish_text(struct buffer *out, bool good)
{
    if (!good) {
        buffer_fini(out);
        return NULL;
    }
    return out->bytes;
}

char *manifest_write(const struct manifest *manifest)
{
    struct buffer out;
    bool is_whole = manifest->part_count == 0;
    buffer_init(&out);
    buffer_print(&out, "{\"version\":%d,\"main\":", is_whole ? WHOLE : IN_PARTS);
    bool good = add_value(&out, json_string(manifest->main));
    if (is_whole) {
        buffer_add_text(&out, ",\"files\":");
        good = add_files(&out, manifest->files, manifest->count) && good;
    } else {
        buffer_print(&out, ",\"count\":%zu,\"parts\":[", manifest->listed);
        add_parts(&out, manifest);
        buffer_add_text(&out, "]");
    }
    buffer_add_text(&out, "}");
    return finish_text(&out, good);
}

char *manifest_write_part(const struct manifest_file *files, size_t count)
{
    struct buffer out;
    buffer_init(&out);
    return finish_text(&out, add_files(&out, files, count));
}

/* What is wrong, and where. */
struct reading {
    char *why;
    size_t size;
    const char *list; /* what is read */
    int error;
};

static void refuse(struct reading *reading, int error, const char *where, size_t index, const char *expected)
{
    if (reading->error == 0) {
        reading->error = error;
        if (index == SIZE_MAX) {
            snprintf(reading->why, reading->size, "%s: expected %s", where, expected);
        } else {
            snprintf(reading->why, reading->size, "%s[%zu]%s: expected %s", reading->list, index, where,
                     expected);
        }
    }
}

static const char *get_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void read_file(struct reading *reading, struct manifest *manifest, size_t index, const json_t *object)
{
    const json_t *size = json_object_get(object, "size"), *hash = json_object_get(object, "sha256"),
                 *why = json_object_get(object, "why"), *modified = json_object_get(object, "modified");
    const char *path = get_text(object, "path"), *sha256 = json_string_value(hash);
    int64_t modified_ms = 0;
    if (!json_is_object(object)) {
        refuse(reading, ERROR_SYNTAX, "", index, "an object");
    } else if (path == NULL || !manifest_is_path(path)) {
        refuse(reading, ERROR_SYNTAX, ".path", index, "an absolute path without empty parts, . and ..");
    } else if (!json_is_integer(size) || json_integer_value(size) < 0) {
        refuse(reading, ERROR_SYNTAX, ".size", index, "a number of octets");
    } else if (!json_is_null(hash) && (sha256 == NULL || !depot_is_name(sha256))) {
        refuse(reading, ERROR_SYNTAX, ".sha256", index, "64 hexadecimal digits in lower case, or null");
    } else if (why != NULL && (!json_is_string(why) || sha256 != NULL)) {
        refuse(reading, ERROR_SYNTAX, ".why", index, "a text, and only where sha256 is null");
    } else if (modified != NULL && (!json_is_string(modified) || sha256 != NULL ||
                                    clock_parse_rfc3339(json_string_value(modified), &modified_ms) != 0)) {
        refuse(reading, ERROR_SYNTAX, ".modified", index, "an RFC 3339 time, and only where sha256 is null");
    } else if (json_object_size(object) != 3u + (why != NULL) + (modified != NULL)) {
        refuse(reading, ERROR_SYNTAX, "", index, "path, size, sha256, why and modified only");
    } else {
        struct manifest_file *file =
            manifest_add(manifest, path, (uint64_t)json_integer_value(size), sha256, json_string_value(why));
        file->modified_ms = modified_ms;
    }
}

static void read_files(struct reading *reading, struct manifest *manifest, const json_t *files)
{
    for (size_t i = 0; reading->error == 0 && i < json_array_size(files); i++) {
        read_file(reading, manifest, i, json_array_get(files, i));
    }
}

static void read_parts(struct reading *reading, struct manifest *manifest, const json_t *root)
{
    const json_t *parts = json_object_get(root, "parts"), *count = json_object_get(root, "count");
    reading->list = "$.parts";
    if (!json_is_integer(count) || json_integer_value(count) < 1) {
        refuse(reading, ERROR_SYNTAX, "$.count", SIZE_MAX, "a number of files");
        return;
    }
    manifest->listed = (size_t)json_integer_value(count);
    manifest->parts = memory_alloc_array(json_array_size(parts), sizeof *manifest->parts);
    for (size_t i = 0; reading->error == 0 && i < json_array_size(parts); i++) {
        const char *name = json_string_value(json_array_get(parts, i));
        if (name == NULL || !depot_is_name(name)) {
            refuse(reading, ERROR_SYNTAX, "", i, "64 hexadecimal digits in lower case");
        } else {
            memcpy(manifest->parts[manifest->part_count++], name, DEPOT_NAME_SIZE);
        }
    }
}

static void read_root(struct reading *reading, struct manifest *manifest, const json_t *root)
{
    const json_t *version = json_object_get(root, "version");
    bool is_whole = json_is_integer(version) && json_integer_value(version) == WHOLE;
    const json_t *list = json_object_get(root, is_whole ? "files" : "parts");
    const char *main = get_text(root, "main");
    if (!json_is_object(root)) {
        refuse(reading, ERROR_SYNTAX, "$", SIZE_MAX, "an object");
    } else if (!json_is_integer(version) || json_integer_value(version) < WHOLE) {
        refuse(reading, ERROR_SYNTAX, "$.version", SIZE_MAX, "1 or 2");
    } else if (json_integer_value(version) > IN_PARTS) {
        refuse(reading, ERROR_UNSUPPORTED, "$.version", SIZE_MAX, "1 or 2: a later steerd wrote it");
    } else if (main == NULL || !manifest_is_path(main)) {
        refuse(reading, ERROR_SYNTAX, "$.main", SIZE_MAX, "an absolute path");
    } else if (!json_is_array(list) || (!is_whole && json_array_size(list) == 0)) {
        refuse(reading, ERROR_SYNTAX, is_whole ? "$.files" : "$.parts", SIZE_MAX, "an array");
    } else if (json_object_size(root) != (is_whole ? 3 : 4)) {
        refuse(reading, ERROR_SYNTAX, "$", SIZE_MAX,
               is_whole ? "version, main and files only" : "version, main, count and parts only");
    } else {
        manifest->main = memory_copy_text(main);
        is_whole ? read_files(reading, manifest, list) : read_parts(reading, manifest, root);
    }
}

static void judge(struct reading *reading, struct manifest *manifest)
{
    if (reading->error == 0 && !sort(manifest)) {
        refuse(reading, ERROR_SYNTAX, "$.files", SIZE_MAX, "each path once");
    }
    if (reading->error == 0 && manifest_find(manifest, manifest->main) == NULL) {
        refuse(reading, ERROR_SYNTAX, "$.main", SIZE_MAX, "one of the files");
    }
    if (reading->error == 0 && manifest->part_count != 0 && manifest->count != manifest->listed) {
        refuse(reading, ERROR_SYNTAX, "$.count", SIZE_MAX, "how many files its parts have");
    }
}

int manifest_judge(struct manifest *manifest, char *why, size_t why_size)
{
    struct reading reading = {.why = why, .size = why_size};
    judge(&reading, manifest);
    return reading.error;
}

/* Returns owned. */
static json_t *parse(struct reading *reading, const char *text, size_t len)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        snprintf(reading->why, reading->size, "line %d, column %d: %s", error.line, error.column, error.text);
        reading->error = ERROR_SYNTAX;
    }
    return root;
}

int manifest_read(const char *text, size_t len, struct manifest *manifest, char *why, size_t why_size)
{
    struct reading reading = {.why = why, .size = why_size, .list = "$.files"};
    json_t *root = parse(&reading, text, len);
    manifest_init(manifest, NULL);
    if (root != NULL) {
        read_root(&reading, manifest, root);
    }
    if (manifest->part_count == 0) {
        judge(&reading, manifest);
    }
    json_decref(root);
    return reading.error;
}

int manifest_read_part(const char *text, size_t len, struct manifest *manifest, char *why, size_t why_size)
{
    struct reading reading = {.why = why, .size = why_size, .list = "$"};
    json_t *root = parse(&reading, text, len);
    if (root != NULL && !json_is_array(root)) {
        refuse(&reading, ERROR_SYNTAX, "$", SIZE_MAX, "an array");
    } else {
        read_files(&reading, manifest, root);
    }
    json_decref(root);
    return reading.error;
}

/* ---- kept in a depot ---- */

int manifest_load_head(struct depot *depot, const char *sha256, struct manifest *manifest)
{
    size_t len;
    int error;
    char why[WHY_SIZE], *text = depot_get(depot, sha256, MANIFEST_SIZE_MAX, &len, &error);
    manifest_init(manifest, NULL);
    if (text != NULL) {
        error = manifest_read(text, len, manifest, why, sizeof why);
        if (error != 0) {
            depot_fail(depot, error, "%s/%.2s/%s: no manifest: %s", depot->folder, sha256, sha256, why);
        }
    }
    free(text);
    return error;
}

int manifest_load_part(struct depot *depot, const char *sha256, struct manifest *manifest)
{
    size_t len;
    int error;
    char why[WHY_SIZE], *text = depot_get(depot, sha256, MANIFEST_SIZE_MAX, &len, &error);
    if (text != NULL) {
        error = manifest_read_part(text, len, manifest, why, sizeof why);
        if (error != 0) {
            depot_fail(depot, error, "%s/%.2s/%s: no part of a manifest: %s", depot->folder, sha256, sha256,
                       why);
        }
    }
    free(text);
    return error;
}

int manifest_load(struct depot *depot, const char *sha256, struct manifest *manifest)
{
    char why[WHY_SIZE];
    int error = manifest_load_head(depot, sha256, manifest);
    for (size_t i = 0; i < manifest->part_count && error == 0; i++) {
        error = progress_is_cancelled(depot->progress)
                    ? depot_fail(depot, ERROR_CANCELLED, "%s: called off", depot->folder)
                    : manifest_load_part(depot, manifest->parts[i], manifest);
    }
    if (error == 0 && manifest->part_count != 0) {
        error = manifest_judge(manifest, why, sizeof why);
        if (error != 0) {
            depot_fail(depot, error, "%s/%.2s/%s: no manifest: %s", depot->folder, sha256, sha256, why);
        }
    }
    return error;
}

/* Takes the text; NULL: there was no memory for it. */
static int put_text(struct depot *depot, char *text, char sha256[DEPOT_NAME_SIZE])
{
    int error = text == NULL ? depot_fail_errno(depot, "the manifest", ENOMEM)
                             : depot_put(depot, text, strlen(text), sha256);
    free(text);
    return error;
}

/* A part ends with this one? One of 256 does, by its path alone. */
static bool is_last(const struct manifest_file *file)
{
    enum { SHIFT = 56 };
    return hash_finish(hash_bytes(HASH_START, file->path, strlen(file->path))) >> SHIFT == 0;
}

/* How many files from here on are one part. */
static size_t find_end(const struct manifest *manifest, size_t from)
{
    size_t end = from + 1;
    while (end < manifest->count && end - from < MANIFEST_PART_MAX && !is_last(&manifest->files[end - 1])) {
        end++;
    }
    return end;
}

static int keep_parts(struct depot *depot, const struct manifest *manifest, char sha256[DEPOT_NAME_SIZE])
{
    struct manifest head = {.main = manifest->main, .listed = manifest->count};
    size_t capacity = 0;
    int error = 0;
    for (size_t at = 0, end; at < manifest->count && error == 0; at = end) {
        end = find_end(manifest, at);
        head.parts = memory_grow(head.parts, head.part_count, &capacity, sizeof *head.parts);
        error = progress_is_cancelled(depot->progress)
                    ? depot_fail(depot, ERROR_CANCELLED, "%s: called off", depot->folder)
                    : put_text(depot, manifest_write_part(&manifest->files[at], end - at),
                               head.parts[head.part_count++]);
    }
    error = error == 0 ? put_text(depot, manifest_write(&head), sha256) : error;
    free(head.parts);
    return error;
}

int manifest_keep(struct depot *depot, const struct manifest *manifest, char sha256[DEPOT_NAME_SIZE])
{
    return manifest->count > MANIFEST_WHOLE_MAX ? keep_parts(depot, manifest, sha256)
                                                : put_text(depot, manifest_write(manifest), sha256);
}

/* ---- as a tree ---- */

/* Folders above the file of this path, which is below `root`, for as much as `last` did not need them. */
static int make_folders(struct depot *depot, char *path, size_t root, const char *last)
{
    size_t same = root;
    while (last != NULL && path[same] != '\0' && path[same] == last[same]) {
        same++;
    }
    for (size_t i = root + 1; path[i] != '\0'; i++) {
        if (path[i] != '/' || i < same) {
            continue;
        }
        path[i] = '\0';
        int error = mkdir(path, 0700) == -1 && errno != EEXIST ? depot_fail_errno(depot, path, errno) : 0;
        path[i] = '/';
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* Once it is not possible to link it is not tried again. */
static int put_file(struct depot *depot, const char *name, const char *path, enum manifest_purpose *purpose)
{
    int error = *purpose == MANIFEST_TO_READ ? depot_link(depot, name, path) : -EXDEV;
    if (error == -EXDEV) {
        *purpose = MANIFEST_TO_KEEP;
        error = depot_copy(depot, name, path);
    }
    return error;
}

int manifest_lay_out(const struct manifest *manifest, struct depot *depot, const char *root,
                     enum manifest_purpose purpose)
{
    char *last = NULL;
    int error = 0;
    for (size_t i = 0; i < manifest->count && error == 0; i++) {
        const struct manifest_file *file = &manifest->files[i];
        if (file->sha256[0] == '\0') {
            continue;
        }
        char *path = memory_print("%s%s", root, file->path);
        error = make_folders(depot, path, strlen(root), last);
        error = error == 0 ? put_file(depot, file->sha256, path, &purpose) : error;
        free(last);
        last = path;
    }
    free(last);
    return error;
}
