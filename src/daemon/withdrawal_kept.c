/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The file of a withdrawal: a small JSON object, replaced as a whole by a thread of its own, so that nobody
 * waits for the disk. What cannot be read counts as not there, and is said. */
#include "config.h"

#include "daemon/withdrawal_inside.h"

#include "daemon/stored.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "base/scribe.h"
#include "base/statefile.h"

#include <stdlib.h>
#include <string.h>

enum { MODE = 0600, PATIENCE_MS = 500 * SANITIZER_SLOWNESS };

static char *write_text(const struct withdrawal_past *past)
{
    json_t *object = json_object();
    stored_set_flag(object, "withdrawn", past->has_withdrawn);
    stored_set_flag(object, "ordered", past->is_ordered);
    stored_set_time(object, "since", past->since_ms);
    stored_set_time(object, "silent", past->silent_ms);
    stored_set_text(object, "actor", past->actor);
    stored_set_text(object, "peer", past->peer);
    stored_set_text(object, "reason", past->reason);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* NULL, or what is wrong with it. */
static const char *parse_text(const char *text, size_t len, struct withdrawal_past *past)
{
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    if (!json_is_object(object)) {
        json_decref(object);
        return "it is no JSON object";
    }
    past->has_withdrawn = stored_get_flag(&reading, "withdrawn", "\"withdrawn\" is no flag");
    past->is_ordered = stored_get_flag(&reading, "ordered", "\"ordered\" is no flag");
    past->since_ms = stored_get_time(&reading, "since", "\"since\" is no time");
    past->silent_ms = stored_get_time(&reading, "silent", "\"silent\" is no time");
    stored_get_text(&reading, "actor", past->actor, sizeof past->actor, "\"actor\" is no text");
    stored_get_text(&reading, "peer", past->peer, sizeof past->peer, "\"peer\" is no text");
    stored_get_text(&reading, "reason", past->reason, sizeof past->reason, "\"reason\" is no text");
    json_decref(object);
    return reading.why;
}

static void load(const char *path, struct withdrawal_past *past)
{
    char *text = NULL;
    size_t len = 0;
    struct file file;
    const char *why = NULL;
    if (statefile_read(path, &file, &text, &len) != 0) {
        why = file.why;
    } else if (len != 0) {
        why = parse_text(text, len, past);
    }
    if (why != NULL) {
        log_warning("withdrawal not read file=%s error=\"%s\" effect=\"this server is to be asked\"", path,
                    why);
        *past = (struct withdrawal_past){.has_withdrawn = false};
    }
    free(text);
}

/* On the thread of the scribe. */
static int save(void *context)
{
    struct withdrawal_kept *kept = context;
    pthread_mutex_lock(&kept->lock);
    char *text = memory_copy_text(kept->text);
    pthread_mutex_unlock(&kept->lock);
    int error = text == NULL ? 0 : statefile_write(kept->path, MODE, text, strlen(text));
    if (error != 0 && scribe_error(kept->scribe) == 0) {
        log_warning("withdrawal not kept file=%s error=\"%s\" effect=\"tried again every second\"",
                    kept->path, error_text(error));
    }
    free(text);
    return error;
}

struct withdrawal_kept *withdrawal_kept_open(const char *folder, struct withdrawal_past *past)
{
    struct withdrawal_kept *kept = memory_alloc(sizeof *kept);
    pthread_mutex_init(&kept->lock, NULL);
    if (folder != NULL) {
        kept->path = memory_print("%s/withdrawal", folder);
        load(kept->path, past);
        kept->scribe = scribe_open(save, kept);
    }
    if (folder != NULL && kept->scribe == NULL) {
        log_warning("withdrawal not kept file=%s error=\"%s\"", kept->path, "no thread could be started");
    }
    return kept;
}

void withdrawal_kept_write(struct withdrawal_kept *kept, const struct withdrawal_past *past)
{
    if (kept->scribe == NULL) {
        return;
    }
    pthread_mutex_lock(&kept->lock);
    free(kept->text);
    kept->text = write_text(past);
    pthread_mutex_unlock(&kept->lock);
    scribe_ask(kept->scribe);
}

bool withdrawal_kept_is_idle(const struct withdrawal_kept *kept)
{
    return kept->scribe == NULL || scribe_is_idle(kept->scribe);
}

void withdrawal_kept_close(struct withdrawal_kept *kept)
{
    if (kept == NULL || (kept->scribe != NULL && !scribe_close(kept->scribe, PATIENCE_MS))) {
        return; /* its thread goes on with what is left of the process */
    }
    pthread_mutex_destroy(&kept->lock);
    free(kept->path);
    free(kept->text);
    free(kept);
}
