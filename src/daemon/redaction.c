/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See redaction.h. */
#include "config.h"

#include "daemon/redaction.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/statefile.h"
#include "conf/redact.h"

#include <stdlib.h>
#include <string.h>

enum { MODE = 0600, KEY_TEXT = 2 * SIPHASH_KEY_SIZE };

static char *write_path(const char *folder)
{
    return memory_print("%s/redaction.key", folder);
}

static bool read_key(const char *path, struct redaction *redaction)
{
    struct file file;
    char *text = NULL;
    size_t len = 0;
    bool is_read = statefile_read(path, &file, &text, &len) == 0 && len == KEY_TEXT &&
                   hex_read(text, redaction->key, sizeof redaction->key);
    free(text);
    return is_read;
}

void redaction_make_key(const char *folder)
{
    struct redaction redaction;
    char *path = folder == NULL ? NULL : write_path(folder);
    if (path != NULL && !read_key(path, &redaction)) {
        char text[KEY_TEXT + 1];
        random_make_secret(redaction.key, sizeof redaction.key);
        hex_write(redaction.key, sizeof redaction.key, text);
        int error = statefile_write(path, MODE, text, KEY_TEXT);
        if (error != 0) {
            log_warning(
                "redaction key not written file=%s error=\"%s\" effect=\"digests of secrets cannot be "
                "compared\"",
                path, error_text(error));
        }
    }
    free(path);
}

void redaction_open(const char *folder, struct redaction *redaction)
{
    char *path = folder == NULL ? NULL : write_path(folder);
    if (path == NULL || !read_key(path, redaction)) {
        random_make_secret(redaction->key, sizeof redaction->key);
    }
    free(path);
}

const char *redaction_apply(const struct redaction *redaction, const char *text, struct arena *arena)
{
    char *redacted = text == NULL ? NULL : redact_text(text, strlen(text), redaction->key, false);
    const char *shown = text == NULL ? NULL : arena_copy_text(arena, redacted == NULL ? text : redacted);
    free(redacted);
    return shown;
}
