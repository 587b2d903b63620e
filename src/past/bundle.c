/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Manifests of bundles: see bundle.h. There is one text for a list of files, and any other is refused, so
 * reading needs no JSON parser, whose tree would take ten times what the text does. */
#include "config.h"

#include "past/bundle.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "past/bundle_internal.h"

#define HEAD "{\"version\":1,\"files\":["

enum { PART_MAX = 255, VERSION_DIGITS = 6 };

int bundle_fail(char why[BUNDLE_WHY_SIZE], int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, BUNDLE_WHY_SIZE, format, arguments);
    va_end(arguments);
    utf8_make_printable(why); /* it may quote what came from outside */
    return error;
}

/* ---- names ---- */

bool bundle_is_id(const char *text)
{
    return depot_is_name(text);
}

bool bundle_is_path(const char *path)
{
    size_t len = strlen(path);
    if (len == 0 || len > BUNDLE_PATH_MAX || !utf8_is_plain(path, len)) {
        return false;
    }
    for (const char *at = path;; at++) {
        size_t part = strcspn(at, "/");
        if (part == 0 || part > PART_MAX || at[0] == '.') {
            return false;
        }
        at += part;
        if (*at == '\0') {
            return true;
        }
    }
}

bool bundle_is_own_file(const char *name)
{
    return strcmp(name, "steerd.json") == 0;
}

bool bundle_is_own_folder(const char *name)
{
    return strcmp(name, "var") == 0;
}

/* Whether it is one that a scan leaves out (see bundle_scan()). */
static bool is_out_of_place(const char *path)
{
    char part[BUNDLE_PATH_MAX + 1];
    for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (bundle_is_own_folder(part)) {
            return true;
        }
    }
    return bundle_is_own_file(path);
}

/* ---- blocks ---- */

uint32_t bundle_count_blocks(uint64_t size)
{
    return (uint32_t)((size + BUNDLE_BLOCK_SIZE - 1) / BUNDLE_BLOCK_SIZE);
}

size_t bundle_block_len(uint64_t size, uint32_t block)
{
    uint64_t at = (uint64_t)block * BUNDLE_BLOCK_SIZE;
    if (at >= size) {
        return 0;
    }
    return size - at < BUNDLE_BLOCK_SIZE ? (size_t)(size - at) : BUNDLE_BLOCK_SIZE;
}

/* ---- files ---- */

static int compare_files(const void *left, const void *right)
{
    const struct bundle_file *a = left, *b = right;
    return strcmp(a->path, b->path);
}

const struct bundle_file *bundle_find(const struct bundle *bundle, const char *path)
{
    const struct bundle_file key = {.path = path};
    return bsearch(&key, bundle->files, bundle->count, sizeof *bundle->files, compare_files);
}

size_t bundle_find_at(const struct bundle *bundle, uint64_t at)
{
    size_t low = 0, high = bundle->count;
    while (low < high) { /* the first one that ends behind it */
        size_t middle = low + (high - low) / 2;
        const struct bundle_file *file = &bundle->files[middle];
        if (file->at + file->size > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* As if "/" was the least of all octets: what is in a folder follows the folder's name at once. */
static int compare_as_tree(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    int one = *a == '/' ? 1 : (unsigned char)*a, other = *b == '/' ? 1 : (unsigned char)*b;
    return one - other;
}

/* No name is that of a file and of a folder. */
static int judge_tree(const struct bundle *bundle, char *why)
{
    const char **paths = memory_alloc_array(bundle->count, sizeof *paths);
    int error = 0;
    for (size_t i = 0; i < bundle->count; i++) {
        paths[i] = bundle->files[i].path;
    }
    qsort(paths, bundle->count, sizeof *paths, compare_as_tree);
    for (size_t i = 1; i < bundle->count && error == 0; i++) {
        size_t len = strlen(paths[i - 1]);
        if (strncmp(paths[i - 1], paths[i], len) == 0 && paths[i][len] == '/') {
            error = bundle_fail(why, ERROR_SYNTAX, "found the file %.300s and files in a folder of that name",
                                paths[i - 1]);
        }
    }
    free(paths);
    return error;
}

/* ---- reading ---- */

struct reading {
    const char *at, *end;
    struct bundle *bundle;
    size_t capacity;
    char *why;
    int error;
};

static bool refuse(struct reading *reading, const char *where, const char *expected)
{
    if (reading->error == 0) {
        reading->error = bundle_fail(reading->why, ERROR_SYNTAX, "files[%zu]%s: expected %s",
                                     reading->bundle->count, where, expected);
    }
    return false;
}

static bool refuse_path(struct reading *reading, const char *path, const char *expected)
{
    if (reading->error == 0) {
        reading->error = bundle_fail(reading->why, ERROR_SYNTAX, "files[%zu].path: found \"%s\", expected %s",
                                     reading->bundle->count, path, expected);
    }
    return false;
}

static bool take(struct reading *reading, const char *text)
{
    size_t len = strlen(text);
    bool has = (size_t)(reading->end - reading->at) >= len && memcmp(reading->at, text, len) == 0;
    reading->at += has ? len : 0;
    return has;
}

/* The next octet of a text; -1: it ends here, or is not written as it has to be. */
static int take_octet(struct reading *reading)
{
    if (reading->at == reading->end || *reading->at == '"') {
        return -1;
    }
    if (*reading->at == '\\') {
        if (reading->end - reading->at < 2 || (reading->at[1] != '"' && reading->at[1] != '\\')) {
            return -1;
        }
        reading->at++;
    }
    return (unsigned char)*reading->at++;
}

static bool take_path(struct reading *reading, char path[BUNDLE_PATH_MAX + 1])
{
    size_t len = 0;
    for (int octet; len < BUNDLE_PATH_MAX && (octet = take_octet(reading)) != -1;) {
        path[len++] = (char)octet;
    }
    path[len] = '\0';
    if (strlen(path) != len || !bundle_is_path(path)) {
        return refuse_path(
            reading, path,
            "a relative path of at most 1023 octets, of parts that are not empty and do not begin "
            "with \".\"");
    }
    if (is_out_of_place(path)) {
        return refuse_path(
            reading, path,
            "files of a configuration only: steerd.json, and what is in a folder \"var\", belong to "
            "the node");
    }
    return true;
}

static bool take_size(struct reading *reading, uint64_t *size)
{
    const char *start = reading->at;
    *size = 0;
    while (reading->at < reading->end && *reading->at >= '0' && *reading->at <= '9' &&
           *size <= BUNDLE_SIZE_MAX) {
        *size = *size * 10 + (uint64_t)(*reading->at++ - '0');
    }
    bool is_number = reading->at != start && (*start != '0' || reading->at == start + 1);
    return (is_number && *size <= BUNDLE_SIZE_MAX) ||
           refuse(reading, ".size", "a number of octets, at most 16 GiB");
}

static bool take_sha256(struct reading *reading, uint8_t sha256[SHA256_SIZE])
{
    char text[BUNDLE_ID_SIZE] = "";
    if (reading->end - reading->at >= BUNDLE_ID_SIZE - 1) {
        memcpy(text, reading->at, BUNDLE_ID_SIZE - 1);
        reading->at += BUNDLE_ID_SIZE - 1;
    }
    return hex_read(text, sha256, SHA256_SIZE) ||
           refuse(reading, ".sha256", "64 hexadecimal digits in lower case");
}

/* Of no octets there is one content only, and no block would ever bring another. */
static bool is_hash_of_nothing(const uint8_t sha256[SHA256_SIZE])
{
    struct sha256 sha;
    uint8_t nothing[SHA256_SIZE];
    sha256_init(&sha);
    sha256_end(&sha, nothing);
    return memcmp(sha256, nothing, SHA256_SIZE) == 0;
}

static bool add_file(struct reading *reading, struct bundle_file *file)
{
    struct bundle *bundle = reading->bundle;
    if (bundle->count != 0 && strcmp(bundle->files[bundle->count - 1].path, file->path) >= 0) {
        return refuse_path(reading, file->path, "files in the order of their paths, each once");
    }
    if (file->size == 0 && !is_hash_of_nothing(file->sha256)) {
        return refuse(reading, ".sha256", "that of no octets");
    }
    if (bundle->count == BUNDLE_FILES_MAX || file->size > BUNDLE_SIZE_MAX - bundle->size) {
        reading->error =
            bundle_fail(reading->why, ERROR_TOO_LARGE,
                        "found more than %d files or 16 GiB, expected at most these", (int)BUNDLE_FILES_MAX);
        return false;
    }
    file->path = arena_copy_text(bundle->arena, file->path);
    file->at = bundle->size;
    bundle->size += file->size;
    bundle->files = memory_grow(bundle->files, bundle->count, &reading->capacity, sizeof *bundle->files);
    bundle->files[bundle->count++] = *file;
    return true;
}

static bool take_file(struct reading *reading)
{
    char path[BUNDLE_PATH_MAX + 1];
    struct bundle_file file = {.path = path};
    if (!take(reading, "{\"path\":\"")) {
        return refuse(reading, "", "{\"path\":\"…\",\"size\":…,\"sha256\":\"…\"}, without blanks");
    }
    if (!take_path(reading, path)) {
        return false;
    }
    if (!take(reading, "\",\"size\":")) {
        return refuse(reading, "", "\"size\" behind \"path\"");
    }
    if (!take_size(reading, &file.size)) {
        return false;
    }
    if (!take(reading, ",\"sha256\":\"")) {
        return refuse(reading, "", "\"sha256\" behind \"size\"");
    }
    if (!take_sha256(reading, file.sha256)) {
        return false;
    }
    return take(reading, "\"}") ? add_file(reading, &file) : refuse(reading, "", "nothing behind \"sha256\"");
}

/* {"version":2, and whatever that has. */
static bool is_later(const char *text, size_t len)
{
    static const char start[] = "{\"version\":";
    size_t at = sizeof start - 1, digits = 0;
    if (len <= at || memcmp(text, start, at) != 0) {
        return false;
    }
    while (at + digits < len && digits < VERSION_DIGITS && text[at + digits] >= '0' &&
           text[at + digits] <= '9') {
        digits++;
    }
    bool is_one = digits == 1 && text[at] == '1';
    return digits != 0 && text[at] != '0' && !is_one && at + digits < len && text[at + digits] == ',';
}

static void take_all(struct reading *reading)
{
    while (take_file(reading)) {
        if (take(reading, "]}")) {
            if (reading->at != reading->end) {
                reading->error = bundle_fail(reading->why, ERROR_SYNTAX, "found something behind the end");
            }
            return;
        }
        if (!take(reading, ",")) {
            (void)refuse(reading, "", "\",\" before it, or the end \"]}\"");
            return;
        }
    }
}

static int read_text(struct bundle *bundle, char *why)
{
    const char *text = bundle->manifest, *end = text + bundle->manifest_len;
    if (is_later(text, bundle->manifest_len)) {
        return bundle_fail(why, ERROR_UNSUPPORTED, "found a manifest of a later version, expected version 1");
    }
    struct reading reading = {.at = text, .end = end, .bundle = bundle, .why = why};
    if (!take(&reading, HEAD)) {
        return bundle_fail(why, ERROR_SYNTAX, "expected a manifest: %s…", HEAD);
    }
    take_all(&reading);
    return reading.error == 0 ? judge_tree(bundle, why) : reading.error;
}

static void name(struct bundle *bundle)
{
    struct sha256 sha;
    uint8_t digest[SHA256_SIZE];
    sha256_init(&sha);
    sha256_add(&sha, bundle->manifest, bundle->manifest_len);
    sha256_end(&sha, digest);
    hex_write(digest, SHA256_SIZE, bundle->id);
}

/* Takes the text, which has a NUL behind it. */
static int read_owned(char *text, size_t len, struct bundle **to, char *why)
{
    struct bundle *bundle = memory_alloc(sizeof *bundle);
    *bundle = (struct bundle){.manifest = text, .manifest_len = len, .arena = arena_new(0)};
    *to = NULL;
    why[0] = '\0';
    int error = len <= BUNDLE_MANIFEST_MAX
                    ? read_text(bundle, why)
                    : bundle_fail(why, ERROR_TOO_LARGE, "found a manifest of %zu octets, expected at most %d",
                                  len, (int)BUNDLE_MANIFEST_MAX);
    if (error != 0) {
        bundle_free(bundle);
        return error;
    }
    name(bundle);
    *to = bundle;
    return 0;
}

int bundle_read(const char *text, size_t len, struct bundle **bundle, char why[BUNDLE_WHY_SIZE])
{
    char *copy = len > BUNDLE_MANIFEST_MAX ? NULL : memory_try_alloc(len + 1);
    *bundle = NULL;
    if (copy == NULL) {
        return len > BUNDLE_MANIFEST_MAX
                   ? bundle_fail(why, ERROR_TOO_LARGE, "found a manifest of %zu octets, expected at most %d",
                                 len, (int)BUNDLE_MANIFEST_MAX)
                   : bundle_fail(why, -ENOMEM, "%s", error_text(-ENOMEM));
    }
    memcpy(copy, text, len);
    return read_owned(copy, len, bundle, why);
}

void bundle_free(struct bundle *bundle)
{
    if (bundle != NULL) {
        free(bundle->manifest);
        free(bundle->files);
        arena_free(bundle->arena);
        free(bundle);
    }
}

/* ---- writing ---- */

static void add_path(struct buffer *out, const char *path)
{
    for (size_t len; *path != '\0'; path += len) {
        len = strcspn(path, "\"\\");
        buffer_add(out, path, len);
        if (path[len] != '\0') {
            buffer_add_text(out, "\\");
            buffer_add(out, path + len++, 1);
        }
    }
}

int bundle_make(struct bundle_file *files, size_t count, struct bundle **bundle, char why[BUNDLE_WHY_SIZE])
{
    struct buffer out;
    char sha256[BUNDLE_ID_SIZE];
    if (count > 1) {
        qsort(files, count, sizeof *files, compare_files);
    }
    buffer_init(&out);
    buffer_add_text(&out, HEAD);
    for (size_t i = 0; i < count && out.len <= BUNDLE_MANIFEST_MAX; i++) {
        buffer_add_text(&out, i == 0 ? "{\"path\":\"" : ",{\"path\":\"");
        add_path(&out, files[i].path);
        buffer_print(&out, "\",\"size\":%llu,\"sha256\":\"%s\"}", (unsigned long long)files[i].size,
                     hex_write(files[i].sha256, SHA256_SIZE, sha256));
    }
    buffer_add_text(&out, "]}");
    return read_owned(out.bytes, out.len, bundle, why);
}
