/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A bundle is to be active: it is ordered, and followed until it is on all nodes or will not be, with a line
 * for each change of a node; with --json each is an object in a line. Following only looks: whoever
 * interrupts it stops nothing (`bundles cancel` does). */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>
#include <time.h>

enum { PAUSE_MS = 200, PAUSE_FAR_MS = 1000, STUCK_MS = 10000, SHORT = 12, LINE = 640, NODES_MAX = 64 };

struct following {
    const struct steerctl *ctl;
    const char *id;
    long pause_ms, stuck_ms; /* since when nothing has gone on */
    bool is_active;          /* that was told */
    char lines[NODES_MAX][LINE];
    size_t count;
};

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static bool is_text(const json_t *object, const char *key, const char *wanted)
{
    const char *text = text_of(object, key);
    return text != NULL && strcmp(text, wanted) == 0;
}

/* ---- nodes ---- */

static bool is_served(const struct following *following, const json_t *node)
{
    return is_text(node, "serves", following->id);
}

/* It holds it, and is not going to serve it. */
static bool is_held(const struct following *following, const json_t *node)
{
    return following->is_active && is_true(node, "own_files") && !is_text(node, "is", "fetching");
}

static const char *describe(const struct following *following, const json_t *node, char line[LINE])
{
    char why[LINE / 2], name[96];
    const char *is = text_or_dash(text_of(node, "is")), *reason = text_of(node, "why");
    size_t len = (size_t)snprintf(line, LINE, "%-12s ",
                                  text_clean(text_or_dash(text_of(node, "name")), name, sizeof name));
    char *to = line + len;
    size_t left = LINE - len;
    if (!is_true(node, "fresh")) {
        snprintf(to, left, "not heard of");
    } else if (is_served(following, node)) {
        snprintf(to, left, "serves it");
    } else if (is_held(following, node)) {
        snprintf(to, left, "holds it, and serves files of its own");
    } else if (!is_text(node, "id", following->id)) {
        snprintf(to, left, "does not say how it is with it");
    } else if (strcmp(is, "fetching") == 0) {
        snprintf(to, left, "fetching %3lld %%", (long long)json_integer_value(json_object_get(node, "done")));
    } else {
        snprintf(to, left, "%.16s", strcmp(is, "failed") == 0 ? "CANNOT" : is);
    }
    if (reason != NULL && is_true(node, "fresh") && !is_served(following, node)) {
        len = strlen(line);
        snprintf(line + len, LINE - len, ": %s", text_clean(reason, why, sizeof why));
    }
    return line;
}

static void tell(struct following *following, const json_t *node, size_t at)
{
    char line[LINE];
    if (at >= NODES_MAX || strcmp(describe(following, node, line), following->lines[at]) == 0) {
        return;
    }
    memcpy(following->lines[at], line, sizeof line);
    following->stuck_ms = 0;
    if (following->ctl->json) {
        text_print_json(node, JSON_COMPACT);
    } else {
        printf("  %s\n", line);
    }
    fflush(stdout);
}

static void tell_all(struct following *following, const json_t *rollout)
{
    size_t i;
    const json_t *node;
    json_array_foreach(json_object_get(rollout, "nodes"), i, node)
    {
        tell(following, node, i);
    }
}

/* ---- how it ended ---- */

static void name_absent(const json_t *last)
{
    size_t i;
    const json_t *node;
    char name[96], why[LINE];
    json_array_foreach(json_object_get(last, "nodes"), i, node)
    {
        fprintf(stderr, "  %s: %s\n", text_clean(text_or_dash(text_of(node, "name")), name, sizeof name),
                text_clean(text_or_dash(text_of(node, "why")), why, sizeof why));
    }
}

/* It is neither active nor under way. */
static enum steerctl_exit tell_refused(const struct following *following, const json_t *rollout)
{
    const json_t *last = json_object_get(rollout, "last");
    char why[LINE];
    if (!is_text(last, "id", following->id) || is_text(last, "result", "active")) {
        fprintf(stderr, "steerctl: another bundle has taken its place\n");
        return STEERCTL_REFUSED;
    }
    const char *reason = text_of(last, "why");
    fprintf(stderr, "steerctl: %.*s is not active: %s%s%s\n", SHORT, following->id,
            is_text(last, "result", "cancelled") ? "it was cancelled" : "it failed",
            reason == NULL ? "" : ": ", reason == NULL ? "" : text_clean(reason, why, sizeof why));
    name_absent(last);
    return STEERCTL_REFUSED;
}

/* All who are to serve it do; or who does not will not soon. */
static bool is_over(const struct following *following, const json_t *rollout, size_t *missing)
{
    size_t i, waits = 0;
    const json_t *node;
    *missing = 0;
    json_array_foreach(json_object_get(rollout, "nodes"), i, node)
    {
        bool is_well = is_true(node, "fresh") && (is_served(following, node) || is_held(following, node));
        bool goes_on = is_true(node, "fresh") && !is_well && !is_text(node, "is", "failed");
        *missing += !is_well;
        waits += goes_on;
    }
    return waits == 0 || following->stuck_ms >= STUCK_MS;
}

static enum steerctl_exit tell_missing(const struct following *following, const json_t *rollout)
{
    size_t i;
    const json_t *node;
    char line[LINE];
    fprintf(stderr, "steerctl: it is active, but not on all nodes; they take it as soon as they can:\n");
    json_array_foreach(json_object_get(rollout, "nodes"), i, node)
    {
        if (!is_true(node, "fresh") || (!is_served(following, node) && !is_held(following, node))) {
            fprintf(stderr, "  %s\n", describe(following, node, line));
        }
    }
    return STEERCTL_REFUSED;
}

/* Returns whether it has ended. */
static bool follow(struct following *following, const json_t *rollout, enum steerctl_exit *code)
{
    size_t missing;
    bool is_active = is_text(json_object_get(rollout, "active"), "id", following->id);
    if (!is_active && !is_text(json_object_get(rollout, "next"), "id", following->id)) {
        *code = tell_refused(following, rollout);
        return true;
    }
    if (is_active && !following->is_active && !following->ctl->json) {
        printf("active\n");
    }
    following->is_active = is_active;
    tell_all(following, rollout);
    if (!is_active || !is_over(following, rollout, &missing)) {
        return false;
    }
    *code = missing == 0 ? STEERCTL_OK : tell_missing(following, rollout);
    return true;
}

static enum steerctl_exit watch(struct following *following)
{
    struct steerctl quiet = *following->ctl;
    quiet.json = false; /* what has not changed is not printed */
    const struct timespec pause = {.tv_sec = following->pause_ms / 1000,
                                   .tv_nsec = following->pause_ms % 1000 * 1000000};
    bool has_ended = false;
    enum steerctl_exit code = STEERCTL_OK;
    while (!has_ended) {
        json_t *json;
        code = steerctl_ask_json(&quiet, "GET", "/v1/bundles", NULL, &json);
        if (code != STEERCTL_OK) {
            break;
        }
        has_ended = follow(following, json_object_get(json, "rollout"), &code);
        json_decref(json);
        if (!has_ended) {
            following->stuck_ms += following->pause_ms;
            (void)nanosleep(&pause, NULL);
        }
    }
    return code;
}

enum steerctl_exit push_activate(const struct steerctl *ctl, const char *id)
{
    struct buffer target;
    struct steerctl quiet = *ctl;
    struct following following = {
        .ctl = ctl, .id = id, .pause_ms = ctl->url == NULL ? PAUSE_MS : PAUSE_FAR_MS};
    json_t *json, *body = steerctl_make_body(ctl);
    quiet.json = false;
    steerctl_set_rules(ctl, body);
    buffer_init(&target);
    buffer_add_text(&target, "/v1/bundles/");
    steerctl_add_encoded(&target, id);
    buffer_add_text(&target, ":activate");
    enum steerctl_exit code = steerctl_ask_json(&quiet, "POST", target.bytes, body, &json);
    buffer_fini(&target);
    if (code != STEERCTL_OK) {
        return code;
    }
    if (!ctl->json) {
        printf("%.*s is %s\n", SHORT, id,
               is_true(json, "changed") ? "under way to all nodes" : "active already");
    }
    json_decref(json);
    return watch(&following);
}

/* ---- bundles cancel ---- */

enum steerctl_exit push_cancel(const struct steerctl *ctl)
{
    json_t *json, *body = steerctl_make_body(ctl);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", "/v1/bundles:cancel", body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        printf("%.*s is called off\n", SHORT,
               text_or_dash(text_of(json_object_get(json_object_get(json, "rollout"), "last"), "id")));
    }
    json_decref(json);
    return code;
}
