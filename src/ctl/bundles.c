/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles of configuration: which the server has, and which of them is active. They are brought by a program
 * of its own, steerctl-push, which has to hash files. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/memory.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT = 12, LEAST = 4, ID_LEN = 64, CELL = 96 };

static const char *write_size(const json_t *bundle, char out[CELL])
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    double size = (double)json_integer_value(json_object_get(bundle, "size"));
    size_t unit = 0;
    while (size >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1000;
        unit++;
    }
    snprintf(out, CELL, unit == 0 || size >= 9.95 ? "%.0f %s" : "%.1f %s", size, units[unit]);
    return out;
}

static bool is_named(const json_t *rollout, const char *key, const char *id)
{
    const json_t *value = json_object_get(rollout, key);
    const char *named = json_is_object(value) ? text_of(value, "id") : json_string_value(value);
    return named != NULL && id != NULL && strcmp(named, id) == 0;
}

/* What it is to the cluster, and here. */
static const char *write_use(const json_t *rollout, const json_t *bundle, char out[CELL])
{
    const char *id = text_of(bundle, "id"), *state = text_of(bundle, "state");
    const struct {
        bool is;
        const char *word;
    } uses[] = {{state != NULL && strcmp(state, "coming") == 0, "coming"},
                {is_named(rollout, "active", id), "active"},
                {is_named(rollout, "next", id), "next"},
                {is_named(rollout, "before", id), "before"},
                {json_is_true(json_object_get(bundle, "serves")), "served here"}};
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        if (uses[i].is) {
            len += (size_t)snprintf(out + len, CELL - len, "%s%s", len == 0 ? "" : ", ", uses[i].word);
        }
    }
    return len == 0 ? NULL : out;
}

static void show_bundles(const struct steerctl *ctl, const json_t *answer)
{
    static const char *const headings[] = {"BUNDLE", "FILES", "SIZE", "CAME", "IS", NULL};
    const json_t *rollout = json_object_get(answer, "rollout"), *item;
    size_t i;
    char text[CELL], age[32], number[TEXT_NUMBER_SIZE];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        const char *came = text_of(item, "came");
        snprintf(text, sizeof text, "%.*s", SHORT, text_or_dash(text_of(item, "id")));
        table_add(table, text);
        table_add(table, text_number(item, "files", number));
        table_add(table, write_size(item, text));
        snprintf(text, sizeof text, "%s ago", text_age(came, age));
        table_add(table, came == NULL ? NULL : text);
        table_add(table, write_use(rollout, item, text));
    }
    table_print(table);
}

static void show_bundle(const json_t *bundle)
{
    char text[CELL], number[TEXT_NUMBER_SIZE];
    text_line("bundle", text_of(bundle, "id"));
    text_line("state", text_of(bundle, "state"));
    text_line("files", text_number(bundle, "files", number));
    text_line("size", write_size(bundle, text));
    text_line("came", text_of(bundle, "came"));
    text_line("served here", json_is_true(json_object_get(bundle, "serves")) ? "yes" : "no");
    text_line("needed", json_is_true(json_object_get(bundle, "needed")) ? "yes" : "no");
    text_line("missing", text_number(bundle, "missing_blocks", number));
}

/* The one that begins so. */
static enum steerctl_exit find(const struct steerctl *ctl, const char *start, char id[ID_LEN + 1])
{
    struct steerctl quiet = *ctl;
    json_t *answer;
    const json_t *item;
    size_t i, found = 0, len = strlen(start);
    quiet.json = false;
    if (len < LEAST || len > ID_LEN || strspn(start, "0123456789abcdef") != len) {
        return steerctl_usage("found \"%s\", expected the ID of a bundle, or how it begins: %d hexadecimal "
                              "digits or more",
                              start, LEAST);
    }
    enum steerctl_exit code = steerctl_ask_json(&quiet, "GET", "/v1/bundles", NULL, &answer);
    if (code != STEERCTL_OK) {
        return code;
    }
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        const char *name = text_of(item, "id");
        if (name != NULL && strlen(name) == ID_LEN && strncmp(name, start, len) == 0) {
            memcpy(id, name, ID_LEN + 1);
            found++;
        }
    }
    json_decref(answer);
    if (found != 1) {
        fprintf(stderr, "steerctl: %zu bundle%s begin%s with \"%s\"\n", found, words_plural(found),
                found == 1 ? "s" : "", start);
        return STEERCTL_NOT_FOUND;
    }
    return STEERCTL_OK;
}

static enum steerctl_exit ask_one(const struct steerctl *ctl, const char *method, const char *id)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_print(&target, "/v1/bundles/%s", id);
    if (strcmp(method, "DELETE") == 0) {
        steerctl_add_query(&target, "actor", ctl->actor);
        steerctl_add_query(&target, "reason", ctl->reason);
    }
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json && strcmp(method, "DELETE") == 0) {
        text_line("deleted", id);
    } else if (code == STEERCTL_OK && !ctl->json) {
        show_bundle(json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit list(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/bundles", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_bundles(ctl, json);
    }
    json_decref(json);
    return code;
}

/* "bundles", "bundles show ID", "bundles activate ID", "bundles delete ID", "bundles cancel" */
enum steerctl_exit run_bundles(const struct steerctl *ctl)
{
    const char *action = ctl->word_count > 1 ? ctl->words[1] : "list";
    bool is_list = strcmp(action, "list") == 0, is_cancel = strcmp(action, "cancel") == 0;
    bool activates = strcmp(action, "activate") == 0, deletes = strcmp(action, "delete") == 0;
    char id[ID_LEN + 1];
    if (!is_list && !is_cancel && !activates && !deletes && strcmp(action, "show") != 0) {
        return steerctl_usage("found \"%s\", expected list, show, activate, delete or cancel", action);
    }
    if ((is_list || is_cancel) != (ctl->word_count < 3)) {
        return steerctl_usage(
            is_list || is_cancel ? "bundles %s takes nothing more" : "bundles %s needs an ID", action);
    }
    if (is_list) {
        return list(ctl);
    }
    if (is_cancel) {
        return push_cancel(ctl);
    }
    enum steerctl_exit code = find(ctl, ctl->words[2], id);
    if (code != STEERCTL_OK) {
        return code;
    }
    return activates ? push_activate(ctl, id) : ask_one(ctl, deletes ? "DELETE" : "GET", id);
}

enum steerctl_exit run_push(const struct steerctl *ctl)
{
    return steerctl_become(ctl, "steerctl-push");
}
