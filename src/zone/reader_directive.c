/* SPDX-License-Identifier: BSD-3-Clause
 *
 * $ORIGIN, $TTL and $INCLUDE (RFC 1035 section 5.1, RFC 2308 section 4). An included file inherits origin,
 * owner and TTLs and changes none of them for the file that includes it. It may lie nowhere but under the
 * include root, links followed, and names that are not absolute start at the folder of the including file. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_DEPTH = 8 };

static int expect_end(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE];
    if (reader->next == reader->count) {
        return 0;
    }
    const struct zone_token *token = &reader->tokens[reader->next];
    return zone_fail(reader, token, "%s after the end of the directive; expected a comment or nothing",
                     zone_show(token, shown));
}

static int read_origin(struct zone_reader *reader)
{
    struct zone_state *state = &reader->state;
    uint8_t wire[255];
    uint16_t len;
    const struct zone_token *token = zone_next(reader, "a name for $ORIGIN");
    state->origin_broken = true;
    if (token == NULL || zone_parse_name(reader, token, wire, &len) != 0 || expect_end(reader) != 0) {
        return ERROR_SYNTAX;
    }
    state->origin_broken = false;
    memcpy(state->origin, wire, len);
    state->origin_len = len;
    return 0;
}

static int read_default_ttl(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE];
    uint32_t ttl;
    const struct zone_token *token = zone_next(reader, "a TTL for $TTL");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    int code = zone_read_ttl(reader, token, &ttl);
    if (code == ERROR_NOT_FOUND) {
        return zone_fail(reader, token, "%s is not a TTL; expected seconds or a period such as 1h30m",
                         zone_show(token, shown));
    }
    if (code != 0 || expect_end(reader) != 0) {
        return ERROR_SYNTAX;
    }
    reader->state.default_ttl = ttl;
    reader->state.has_default_ttl = true;
    return 0;
}

/* The folder of a file; returns owned. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (slash == NULL) {
        return memory_copy_text(".");
    }
    return slash == file ? memory_copy_text("/") : memory_print("%.*s", (int)(slash - file), file);
}

/* Where a path leads to, or NULL and errno. Returns owned. */
static char *find_real(const struct zone_reader *reader, const char *path)
{
    char *place = source_locate(reader->report, path), *real = realpath(place, NULL);
    int error = errno;
    free(place);
    errno = error;
    return real;
}

/* The real path of what lies under the root, or NULL and an error. Returns owned. Where files are looked up
 * in a tree they were laid out there, whatever links once led to them. */
static char *resolve_path(struct zone_reader *reader, const struct zone_token *token, const char *path)
{
    if (report_get_root(reader->report) != NULL) {
        return source_locate(reader->report, path);
    }
    if (reader->root == NULL) {
        const struct zone_source *main_source = reader->source;
        while (main_source->up != NULL) {
            main_source = main_source->up;
        }
        char *folder = reader->options->include_root != NULL ? memory_copy_text(reader->options->include_root)
                                                             : folder_of(main_source->file);
        reader->root = find_real(reader, folder);
        int error = errno;
        if (reader->root == NULL) {
            zone_fail(reader, token, "the folder of files to include, %s, cannot be found: %s", folder,
                      error_text(-error));
        }
        free(folder);
        if (reader->root == NULL) {
            return NULL;
        }
    }
    char *real = find_real(reader, path);
    if (real == NULL) {
        zone_fail(reader, token, "cannot include %s: %s", path, error_text(-errno));
        return NULL;
    }
    size_t len = strlen(reader->root);
    bool is_root = strcmp(reader->root, "/") == 0;
    if (!is_root && (strncmp(real, reader->root, len) != 0 || real[len] != '/')) {
        zone_fail(reader, token, "cannot include %s: it is %s, outside of %s", path, real, reader->root);
        free(real);
        return NULL;
    }
    return real;
}

static bool is_open(const struct zone_reader *reader, const struct zone_source *file)
{
    for (const struct zone_source *source = reader->source; source != NULL; source = source->up) {
        if (source->inode == file->inode && source->device == file->device && source->generate == NULL) {
            return true;
        }
    }
    return false;
}

static void fail_include(struct zone_reader *reader, const struct zone_token *token, const char *path,
                         const struct zone_wrong *wrong)
{
    if (wrong->line == 0) {
        zone_fail(reader, token, "cannot include %s: %s", path, wrong->text);
    } else {
        zone_fail(reader, token, "cannot include %s: in line %u, column %u: %s", path, wrong->line,
                  wrong->column, wrong->text);
    }
}

/* Returns owned, or NULL and an error. */
static struct zone_source *open_include(struct zone_reader *reader, const struct zone_token *token)
{
    uint8_t name[4096];
    struct zone_wrong wrong;
    int len = zone_parse_text(reader, token, name, sizeof name - 1);
    if (len < 0) {
        return NULL;
    }
    if (len == 0 || memchr(name, '\0', (size_t)len) != NULL) {
        zone_fail(reader, token, "this is not the name of a file");
        return NULL;
    }
    char *folder = folder_of(reader->source->file);
    char *path =
        name[0] == '/' || strcmp(folder, ".") == 0
            ? memory_print("%.*s", len, (const char *)name)
            : memory_print("%s/%.*s", strcmp(folder, "/") == 0 ? "" : folder, len, (const char *)name);
    char *real = resolve_path(reader, token, path);
    struct zone_source *source = memory_alloc(sizeof *source);
    source->file = arena_copy_text(reader->arena, path);
    if (real != NULL && zone_load_file(path, real, reader->report, source, &wrong) != 0) {
        fail_include(reader, token, path, &wrong);
    } else if (real != NULL && is_open(reader, source)) {
        zone_fail(reader, token, "cannot include %s: it is being read already, so that it includes itself",
                  path);
    }
    free(folder);
    free(path);
    free(real);
    if (reader->is_failed) {
        reader->lacks_file = true;
        free(source->bytes);
        free(source);
        return NULL;
    }
    return source;
}

static int read_include(struct zone_reader *reader)
{
    unsigned max =
        reader->options->max_include_depth != 0 ? reader->options->max_include_depth : DEFAULT_DEPTH;
    const struct zone_token *token = zone_next(reader, "the name of a file to include");
    if (token == NULL) {
        return ERROR_SYNTAX;
    }
    uint8_t origin[255];
    uint16_t origin_len = 0;
    if (reader->next != reader->count &&
        (zone_parse_name(reader, &reader->tokens[reader->next++], origin, &origin_len) != 0 ||
         expect_end(reader) != 0)) {
        return ERROR_SYNTAX;
    }
    if (reader->depth > max) {
        return zone_fail(reader, token, "$INCLUDE is nested deeper than %u files", max);
    }
    if (reader->includes++ >= ZONE_INCLUDES_MAX) {
        return zone_fail(reader, token, "more than %d files are included", ZONE_INCLUDES_MAX);
    }
    struct zone_source *source = open_include(reader, token);
    if (source == NULL) {
        return ERROR_SYNTAX;
    }
    zone_push_source(reader, source);
    reader->depth++;
    if (origin_len != 0) {
        memcpy(reader->state.origin, origin, origin_len);
        reader->state.origin_len = origin_len;
    }
    return 0;
}

int zone_read_directive(struct zone_reader *reader)
{
    char shown[ZONE_SHOW_SIZE];
    const struct zone_token *token = &reader->tokens[reader->next++];
    if (zone_token_is(token, "$origin")) {
        return read_origin(reader);
    }
    if (zone_token_is(token, "$ttl")) {
        return read_default_ttl(reader);
    }
    if (zone_token_is(token, "$include")) {
        return read_include(reader);
    }
    if (zone_token_is(token, "$generate")) {
        return zone_read_generate(reader);
    }
    return zone_fail(reader, token, "%s is not a directive; expected $ORIGIN, $TTL, $INCLUDE or $GENERATE",
                     zone_show(token, shown));
}
