/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles of configuration: which the server has, and which of them is active. They are brought by a program
 * of its own, steerctl-push, which has to hash files. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include "base/memory.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 4, ID_LEN = 64 };

/* What it is to the cluster, and here, in words. */
static json_t *list_uses(const json_t *rollout, const json_t *bundle)
{
    static const char *const uses[] = {"active", "next", "before"};
    const char *id = text_of(bundle, "id"), *state = text_of(bundle, "state");
    json_t *words = json_array();
    if (state != NULL && strcmp(state, "coming") == 0) {
        json_array_append_new(words, json_string(state));
    }
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        const json_t *value = json_object_get(rollout, uses[i]);
        const char *named = json_is_object(value) ? text_of(value, "id") : json_string_value(value);
        if (named != NULL && id != NULL && strcmp(named, id) == 0) {
            json_array_append_new(words, json_string(uses[i]));
        }
    }
    if (json_is_true(json_object_get(bundle, "serves"))) {
        json_array_append_new(words, json_string("served here"));
    }
    return words;
}

static void show_bundles(const struct steerctl *ctl, const json_t *answer)
{
    static const struct template_row columns[] = {ROW("BUNDLE", "{id:.12}"),  ROW("FILES", "{files}"),
                                                  ROW("SIZE", "{size:size}"), ROW("CAME", "{came:age} ago"),
                                                  ROW("IS", "{is:, }"),       ROW_END};
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        json_object_set_new(item, "is", list_uses(json_object_get(answer, "rollout"), item));
    }
    template_table(ctl, columns, json_object_get(answer, "items"));
}

static const struct template_row lines[] = {ROW("bundle", "{id}"),
                                            ROW("state", "{state}"),
                                            ROW("files", "{files}"),
                                            ROW("size", "{size:size}"),
                                            ROW("came", "{came}"),
                                            ROW("served here", "{serves|=no}"),
                                            ROW("needed", "{needed|=no}"),
                                            ROW("missing", "{missing_blocks}"),
                                            ROW_END};

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
        template_lines(ctl, lines, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit list(const struct steerctl *ctl)
{
    return steerctl_ask_show(ctl, "GET", "/v1/bundles", NULL, show_bundles);
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
