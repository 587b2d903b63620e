/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See check_file.h. Each different file has a thread that follows it, so there is a limit of those. */
#include "config.h"

#include "conf/check_file.h"

#include "base/arena.h"
#include "exec/ask.h"
#include "sheet/ask.h"

#include <string.h>

static const uint32_t age_range_ms[2] = {1000, 7 * 24 * 3600 * 1000};

static const char *resolve_path(const struct conf_topology *topology, const char *path)
{
    const char *slash = strrchr(topology->path, '/');
    return path[0] == '/' || slash == NULL
               ? arena_copy_text(topology->arena, path)
               : arena_print(topology->arena, "%.*s/%s", (int)(slash - topology->path), topology->path, path);
}

const char *check_file_read_key(const struct doc_node *node, struct arena *arena)
{
    struct doc_node member;
    size_t len;
    const char *key = doc_get_text(node, "key");
    if (key == NULL) {
        return NULL;
    }
    (void)doc_find(node, "key", &member);
    const char *strange = exec_find_strange(key, &len);
    if (strange != NULL) {
        doc_error(&member, "found %.*s, expected one of %%ADDRESS%%, %%FAMILY%%, %%ENDPOINT%% and %%HOST%%",
                  (int)len, strange);
    } else if (exec_has_name(key, "PORT") || exec_has_name(key, "TIMEOUT")) {
        doc_error(&member, "found %%PORT%% or %%TIMEOUT%%, expected %%ADDRESS%%, %%FAMILY%%, %%ENDPOINT%% or "
                           "%%HOST%%: it has neither port nor timeout");
    } else if (strlen(key) > SHEET_KEY_MAX) {
        doc_error(&member, "found a name of %zu octets, expected at most %d", strlen(key), SHEET_KEY_MAX);
    } else {
        return strcmp(key, "name") == 0      ? "%ENDPOINT%"
               : strcmp(key, "address") == 0 ? "%ADDRESS%"
                                             : arena_copy_text(arena, key);
    }
    return NULL;
}

static bool is_same_file(const struct conf_check *check, const struct sheet_ask *ask)
{
    return check->file != NULL && check->file->format == ask->format && check->file->path != NULL &&
           strcmp(check->file->path, ask->path) == 0;
}

/* Checks before this one, each file once. */
static void check_count(const struct doc_node *node, struct conf_topology *topology,
                        const struct sheet_ask *ask)
{
    for (size_t i = 0; i < topology->check_count; i++) {
        if (is_same_file(&topology->checks[i], ask)) {
            return;
        }
    }
    if (++topology->sheet_count == SHEET_FILES_MAX + 1) {
        doc_error(node,
                  "found one more different file than %d, expected checks that share files: one can "
                  "hold the states of all endpoints",
                  SHEET_FILES_MAX);
    }
}

/* What says how far a copy lags behind names no endpoints, and grows old. */
static void check_document(const struct doc_node *node, bool has_lag, struct sheet_ask *ask)
{
    static const char *const others[] = {"key", "absent"};
    struct doc_node member;
    if (has_lag != (ask->format == SHEET_DOCUMENT)) {
        (void)doc_find(node, has_lag ? "lag" : "format", &member);
        doc_error_at_key(
            &member, "found %s, expected both or none: in a file of another format is what is up and down",
            has_lag ? "\"lag\" without the format \"json\"" : "the format \"json\" without \"lag\"");
        return;
    }
    for (size_t i = 0; has_lag && i < sizeof others / sizeof *others; i++) {
        if (doc_find(node, others[i], &member)) {
            doc_error_at_key(&member, "\"%s\" has no meaning beside \"lag\": the file names nobody",
                             others[i]);
        }
    }
    if (has_lag) {
        ask->key = SHEET_DOCUMENT_KEY;
        (void)doc_require(node, "max_age", &member); /* else nobody notices that it is not written any more */
    }
}

void check_file_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check)
{
    static const char *const formats[] = {"steerd", "gdnsd", "json", NULL};
    static const char *const absents[] = {"unknown", "up", "down", NULL};
    struct sheet_ask *ask = arena_alloc(topology->arena, sizeof *ask);
    struct doc_node file, lag;
    bool has_lag = doc_find(node, "lag", &lag);
    const char *key = check_file_read_key(node, topology->arena);
    *ask = (struct sheet_ask){.path = "", .key = key == NULL ? "%ENDPOINT%" : key};
    ask->format =
        (enum sheet_format)doc_get_choice(node, "format", formats, has_lag ? SHEET_DOCUMENT : SHEET_JSON);
    ask->absent = (enum sheet_absent)doc_get_choice(node, "absent", absents, SHEET_ABSENT_UNKNOWN);
    ask->max_age_ms = doc_get_duration_ms(node, "max_age", age_range_ms, 0);
    check_document(node, has_lag, ask);
    const char *path = doc_require(node, "file", &file) ? doc_get_text(node, "file") : NULL;
    if (path != NULL) {
        ask->path = resolve_path(topology, path);
        check_count(&file, topology, ask);
    }
    check->file = ask;
}
