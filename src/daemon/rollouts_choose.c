/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rollouts_choose.h. */
#include "config.h"

#include "daemon/rollouts_choose.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/report.h"
#include "base/statefile.h"
#include "past/bundle.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct learning {
    struct rollout *rollout;
    int error;
    const char *why;
};

static void read_it(void *context, const struct store_object *object)
{
    struct learning *learning = context;
    learning->error = rollout_read(object->value, strlen(object->value), learning->rollout, &learning->why);
}

int rollouts_read(const char *folder, struct rollout *rollout, const char **why)
{
    struct learning learning = {.rollout = rollout, .why = ""};
    struct report *report = report_new();
    struct store_reader *reader;
    *rollout = (struct rollout){.round = 0};
    int error = store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_get(reader, ROLLOUT_KIND, ROLLOUT_KEY, read_it, &learning);
        store_reader_close(reader);
    }
    report_free(report);
    *why = learning.why == NULL ? "" : learning.why;
    return error != 0 ? error : learning.error;
}

/* ---- which one to serve ---- */

static bool take_if_here(const char *state, const char *from, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    if (from[0] == '\0' || !bundle_is_here(state, from)) {
        return false;
    }
    memcpy(id, from, CLUSTER_BUNDLE_ID_SIZE);
    return true;
}

/* Before anything was active what came by an upload is nobody's wish yet. */
static bool take_latest(const char *state, const struct rollout *rollout, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    struct bundle_item *items = NULL;
    size_t count = 0;
    char why[BUNDLE_WHY_SIZE];
    bool found = false;
    if (rollout->active.id[0] == '\0' || bundle_list(state, &items, &count, why) != 0) {
        return false;
    }
    for (size_t i = 0; i < count && !found; i++) {
        found = strcmp(items[i].id, rollout->next.id) != 0 && take_if_here(state, items[i].id, id);
    }
    free(items);
    return found;
}

/* ---- which one serves ---- */

static const char none[] = "none";

static char *note_path(const char *state)
{
    return memory_print("%s/bundle-served", state);
}

/* Owned; NULL: nothing is noted. */
static char *read_note(const char *state)
{
    char *path = note_path(state), *text;
    struct file file;
    size_t len;
    int error = statefile_read(path, &file, &text, &len);
    free(path);
    if (error != 0 || len == 0) {
        free(error == 0 ? text : NULL);
        return NULL;
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

void rollouts_note(const char *state, const char *id)
{
    char *path = note_path(state), *was = read_note(state);
    const char *next = id == NULL || id[0] != '\0' ? id : none;
    int error = 0;
    if (next == NULL) {
        error = was == NULL || unlink(path) == 0 ? 0 : -errno;
    } else if (was == NULL || strcmp(was, next) != 0) {
        char *line = memory_print("%s\n", next);
        error = statefile_write(path, 0600, line, strlen(line));
        free(line);
    }
    if (error != 0) {
        log_warning("bundle that serves not noted file=%s error=%s effect=\"the next start begins with %s\"",
                    path, error_text(error), was == NULL ? "the active one" : "the one before it");
    }
    free(was);
    free(path);
}

/* Before there is a note a state folder is one of an earlier version, or restored. */
static bool choose_noted(const char *state, char id[CLUSTER_BUNDLE_ID_SIZE], bool *found)
{
    char *noted = read_note(state);
    bool is_none = noted != NULL && strcmp(noted, none) == 0;
    *found = noted != NULL && cluster_is_bundle_id(noted) && take_if_here(state, noted, id);
    free(noted);
    return is_none || *found;
}

bool rollouts_choose(const char *state, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    bool found;
    id[0] = '\0';
    if (choose_noted(state, id, &found)) {
        return found;
    }
    struct rollout *rollout = memory_alloc(sizeof *rollout);
    const char *why;
    int error = rollouts_read(state, rollout, &why);
    found = error == 0 && (take_if_here(state, rollout->active.id, id) ||
                           take_if_here(state, rollout->before, id) || take_latest(state, rollout, id));
    free(rollout);
    return found;
}
