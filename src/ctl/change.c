/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verbs that direct: overrides, loads, reloads. */
#include "config.h"

#include "ctl/verbs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is no number goes as it is: the server says what it expects. */
static void set_number(json_t *body, const char *key, const char *text)
{
    if (text != NULL) {
        char *end;
        long number = strtol(text, &end, 10);
        json_object_set_new(body, key,
                            *end == '\0' && end != text ? json_integer(number) : json_string(text));
    }
}

enum steerctl_exit run_override(const struct steerctl *ctl)
{
    const char *plural, *name;
    struct buffer target;
    json_t *body;
    bool is_auto = strcmp(ctl->words[0], "auto") == 0;
    if (!target_split(ctl->words[1], &plural, &name)) {
        return steerctl_usage(TARGET_EXPECTED, ctl->words[1]);
    }
    if (!is_auto && ctl->reason == NULL) {
        return steerctl_usage("%s needs --reason TEXT", ctl->words[0]);
    }
    if (ctl->for_ != NULL && ctl->until != NULL) {
        return steerctl_usage("--for and --until exclude each other");
    }
    if (ctl->in != NULL && ctl->at != NULL) {
        return steerctl_usage("--in and --at exclude each other");
    }
    body = json_object();
    steerctl_set(body, "state", ctl->words[0]);
    set_number(body, "share", ctl->share);
    set_number(body, "ttl", ctl->ttl);
    steerctl_set_list(body, "names", ctl->names);
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "starts_in", ctl->in);
    steerctl_set(body, "starts", ctl->at);
    steerctl_set(body, "expires_in", ctl->for_);
    steerctl_set(body, "expires", ctl->until);
    steerctl_set(body, "actor", ctl->actor);
    if ((ctl->given & OPTION_YES_UNSERVED) != 0) {
        json_object_set_new(body, "allow_unserved", json_true());
    }
    if ((ctl->given & OPTION_EMERGENCY) != 0) {
        json_object_set_new(body, "emergency", json_true());
    }
    steerctl_set_rules(ctl, body);
    buffer_init(&target);
    buffer_print(&target, "/v1/%s/", plural);
    steerctl_add_encoded(&target, name);
    buffer_add_text(&target, "/override");
    steerctl_add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    enum steerctl_exit code = steerctl_ask_show(ctl, "PUT", target.bytes, body, show_change);
    buffer_fini(&target);
    return code == STEERCTL_NOT_FOUND ? target_explain(ctl, code, plural, name) : code;
}

/* "failback az:us-east-1a" */
enum steerctl_exit run_failback(const struct steerctl *ctl)
{
    const char *plural, *name, *target = ctl->words[1];
    json_t *body;
    if (!target_split(target, &plural, &name)) {
        return steerctl_usage(TARGET_EXPECTED, target);
    }
    if (ctl->reason == NULL) {
        return steerctl_usage("failback needs --reason TEXT");
    }
    body = steerctl_make_body(ctl);
    json_object_set_new(body, "kind", json_stringn(target, (size_t)(name - 1 - target)));
    steerctl_set(body, "name", name);
    enum steerctl_exit code = steerctl_ask_show(ctl, "POST", "/v1/failback", body, show_change);
    return code == STEERCTL_NOT_FOUND ? target_explain(ctl, code, plural, name) : code;
}

/* "load endpoint:web-1 0.83", or "… forget" */
enum steerctl_exit run_load(const struct steerctl *ctl)
{
    const char *plural, *name, *value = ctl->words[2];
    bool forgets = strcmp(value, "forget") == 0;
    struct buffer target;
    json_t *json, *body = NULL;
    if (!target_split(ctl->words[1], &plural, &name) || strcmp(plural, "endpoints") != 0) {
        return steerctl_usage("found \"%s\", expected endpoint:NAME", ctl->words[1]);
    }
    if (!forgets) {
        char *end;
        double number = strtod(value, &end);
        if (end == value || *end != '\0' || !isfinite(number)) {
            return steerctl_usage("found \"%s\", expected a number or \"forget\"", value);
        }
        body = json_object();
        json_object_set_new(body, "value", json_real(number));
        steerctl_set(body, "ttl", ctl->for_);
        steerctl_set(body, "actor", ctl->actor);
    } else if (ctl->for_ != NULL) {
        return steerctl_usage("load TARGET forget does not take --for");
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/endpoints/");
    steerctl_add_encoded(&target, name);
    buffer_add_text(&target, "/load");
    steerctl_add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    steerctl_add_query(&target, "actor", forgets ? ctl->actor : NULL);
    enum steerctl_exit code = steerctl_ask_json(ctl, forgets ? "DELETE" : "PUT", target.bytes, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_load_change(json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code == STEERCTL_NOT_FOUND ? target_explain(ctl, code, plural, name) : code;
}

enum steerctl_exit run_report(const struct steerctl *ctl)
{
    const char *plural, *name;
    json_t *json;
    if (!target_split(ctl->words[1], &plural, &name) || strcmp(plural, "endpoints") != 0) {
        return steerctl_usage("found \"%s\", expected endpoint:NAME", ctl->words[1]);
    }
    json_t *body = json_object();
    steerctl_set(body, "endpoint", name);
    steerctl_set(body, "check", ctl->words[2]);
    steerctl_set(body, "state", ctl->words[3]);
    steerctl_set(body, "ttl", ctl->for_);
    steerctl_set(body, "actor", ctl->actor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", "/v1/report", body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        text_line("report",
                  json_is_true(json_object_get(json, "taken")) ? "taken" : text_of(json, "ignored"));
    }
    json_decref(json);
    return code == STEERCTL_NOT_FOUND ? target_explain(ctl, code, plural, name) : code;
}

enum steerctl_exit run_reload(const struct steerctl *ctl)
{
    json_t *json;
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/reload");
    steerctl_add_query(&target, "zone", ctl->word_count > 1 ? ctl->words[1] : NULL);
    steerctl_add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    steerctl_add_query(&target, "limit", ctl->limit);
    steerctl_add_query(&target, "reason", ctl->reason);
    steerctl_add_query(&target, "actor", ctl->actor);
    steerctl_add_rules(ctl, &target);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, json_object(), &json);
    buffer_fini(&target);
    if (code == STEERCTL_OK) {
        code = ctl->json ? judge_reload(json) : show_reload(ctl, json);
    }
    json_decref(json);
    return code == STEERCTL_NOT_FOUND ? target_explain(ctl, code, "zones", ctl->words[1]) : code;
}

static long long number_of(const json_t *json, const char *key)
{
    return (long long)json_integer_value(json_object_get(json, key));
}

enum steerctl_exit run_takeover(const struct steerctl *ctl)
{
    json_t *json;
    char clean[64];
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", "/v1/takeover", json_object(), &json);
    if (code == STEERCTL_OK && !ctl->json) {
        const char *version = text_of(json, "version");
        printf("taken over by process %lld, version %s, in %.1f s\n", number_of(json, "pid"),
               text_clean(version == NULL ? "?" : version, clean, sizeof clean),
               (double)number_of(json, "duration_ms") / 1000);
    }
    json_decref(json);
    return code;
}
