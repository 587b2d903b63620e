/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files of the configuration that differ between two moments, by their contents. Lines are shown of zones,
 * and, without what is secret in them (conf/redact.h), of policies, the topology and steerd.json. */
#include "config.h"

#include "daemon/difference_parts.h"

#include "daemon/moment_parts.h"
#include "base/buffer.h"
#include "base/unified.h"
#include "conf/redact.h"
#include "past/depot.h"
#include "past/manifest.h"
#include "view/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 1 << 20, DIFF_MAX = 32768, ALL_DIFFS_MAX = 1 << 20 };

struct showing {
    struct depot depot;
    size_t octets; /* of what is shown so far */
};

/* ---- what may be shown ---- */

static bool is_path(const char *path, const char *wanted)
{
    return path != NULL && strcmp(path, wanted) == 0;
}

static bool is_zone(const struct conf_server *server, const char *path)
{
    for (size_t i = 0; i < server->zone_count; i++) {
        if (is_path(server->zones[i].zone_path, path)) {
            return true;
        }
    }
    return false;
}

static bool is_document(const struct conf_server *server, const char *path)
{
    if (is_path(server->path, path)) {
        return true;
    }
    for (size_t i = 0; i < server->topology_count; i++) {
        if (is_path(server->topology_paths[i], path)) {
            return true;
        }
    }
    for (size_t i = 0; i < server->zone_count; i++) {
        if (is_path(server->zones[i].policy_path, path)) {
            return true;
        }
    }
    return false;
}

/* Of one side: returns owned text, or NULL and why. */
static char *get_text(struct showing *showing, const struct manifest_file *file, const char **why)
{
    size_t len;
    int code;
    if (file == NULL) {
        return calloc(1, 1);
    }
    if (file->sha256[0] == '\0' || file->size > SHOWN_MAX) {
        *why = file->sha256[0] == '\0' ? "it is not kept" : "it is large";
        return NULL;
    }
    char *text = depot_get(&showing->depot, file->sha256, SHOWN_MAX, &len, &code);
    if (text == NULL) {
        *why = "what is kept of it cannot be read";
    } else if (strlen(text) != len) {
        *why = "it is no text";
        free(text);
        text = NULL;
    }
    return text;
}

/* Where one side has secrets, both are laid out anew, so that no more lines differ than there have to. */
static const char *redact_both(const struct difference *d, char *texts[2])
{
    char *redacted[2] = {NULL, NULL};
    bool has_any = false;
    for (int side = 0; side < 2; side++) {
        char *only = redact_text(texts[side], strlen(texts[side]), d->redaction.key, false);
        redacted[side] = redact_text(texts[side], strlen(texts[side]), d->redaction.key, true);
        has_any |= only != NULL;
        free(only);
    }
    bool is_json = true;
    for (int side = 0; side < 2; side++) {
        is_json &= redacted[side] != NULL || texts[side][0] == '\0';
        if (has_any && redacted[side] != NULL) {
            free(texts[side]);
            texts[side] = redacted[side];
        } else {
            free(redacted[side]);
        }
    }
    return is_json ? NULL : "it is not JSON, and may hold secrets";
}

static void show(struct difference *d, struct showing *showing, const struct manifest_file *const sides[2],
                 struct admin_changed_file *file)
{
    char *texts[2] = {NULL, NULL};
    struct buffer out;
    buffer_init(&out);
    const struct conf_server *before = d->views[0]->server, *after = d->views[1]->server;
    bool is_json = is_document(before, file->path) || is_document(after, file->path);
    bool may_be = is_json || is_zone(before, file->path) || is_zone(after, file->path);
    file->why = may_be ? NULL : "it may hold secrets";
    for (int side = 0; side < 2 && file->why == NULL; side++) {
        texts[side] = get_text(showing, sides[side], &file->why);
    }
    if (file->why == NULL && is_json) {
        file->why = redact_both(d, texts);
    }
    if (file->why == NULL && showing->octets > ALL_DIFFS_MAX) {
        file->why = "enough is shown";
    } else if (file->why == NULL && !unified_write(texts[0], texts[1], DIFF_MAX, &out)) {
        file->why = "it is too different";
    } else if (file->why == NULL) {
        file->text = arena_copy_text(d->arena, out.bytes == NULL ? "" : out.bytes);
        showing->octets += out.len;
    }
    buffer_fini(&out);
    free(texts[0]);
    free(texts[1]);
}

/* ---- both lists ---- */

static bool are_equal(const struct manifest_file *a, const struct manifest_file *b)
{
    return a->size == b->size && strcmp(a->sha256, b->sha256) == 0;
}

static void note(struct difference *d, struct showing *showing, const struct manifest_file *before,
                 const struct manifest_file *after)
{
    struct admin_difference *to = d->to;
    const struct manifest_file *const sides[2] = {before, after};
    assert(before != NULL || after != NULL);
    if (to->file_count < to->limit) {
        struct admin_changed_file *file = &to->files[to->file_count++];
        file->path = arena_copy_text(d->arena, (after != NULL ? after : before)->path);
        for (int side = 0; side < 2; side++) {
            if (sides[side] != NULL) {
                bool is_kept = sides[side]->sha256[0] != '\0';
                file->is_there[side] = true;
                file->size[side] = sides[side]->size;
                file->sha256[side] = is_kept ? arena_copy_text(d->arena, sides[side]->sha256) : NULL;
            }
        }
        show(d, showing, sides, file);
    }
    to->file_total++;
}

void difference_compare_files(struct difference *d)
{
    const struct manifest *before = d->moments[0].manifest, *after = d->moments[1].manifest;
    struct showing showing = {.octets = 0};
    d->to->files = arena_alloc(d->arena, d->to->limit * sizeof *d->to->files);
    for (int side = 0; side < 2; side++) {
        if (d->moments[side].manifest == NULL) {
            moment_miss(&d->moments[side],
                        "which files its configuration had is not kept: they are not compared");
        }
    }
    if (before == NULL || after == NULL) {
        return;
    }
    depot_init(&showing.depot, d->moments[0].source->folder);
    for (size_t i = 0, j = 0;
         (i < before->count || j < after->count) && !progress_is_cancelled(d->to->progress);) {
        int order = i == before->count  ? 1
                    : j == after->count ? -1
                                        : strcmp(before->files[i].path, after->files[j].path);
        if (order == 0 && are_equal(&before->files[i], &after->files[j])) {
            i++, j++;
            continue;
        }
        note(d, &showing, order <= 0 ? &before->files[i] : NULL, order >= 0 ? &after->files[j] : NULL);
        i += order <= 0;
        j += order >= 0;
    }
    depot_fini(&showing.depot);
}
