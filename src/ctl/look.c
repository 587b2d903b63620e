/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verbs that look: one or a few requests each, and what comes back as text. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include "ctl/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum steerctl_exit run_status(const struct steerctl *ctl)
{
    return steerctl_ask_show(ctl, "GET", "/v1/status", NULL, show_status);
}

static enum steerctl_exit show_one(const struct steerctl *ctl, const char *plural, const char *name)
{
    struct buffer target;
    buffer_init(&target);
    buffer_print(&target, "/v1/%s/", plural);
    steerctl_add_encoded(&target, name);
    enum steerctl_exit code = steerctl_ask_show(ctl, "GET", target.bytes, NULL, show_target);
    buffer_fini(&target);
    return code == STEERCTL_NOT_FOUND ? target_explain(ctl, code, plural, name) : code;
}

static void show_all(const struct steerctl *ctl, const json_t *items)
{
    show_targets(ctl, ctl->words[0], items);
}

enum steerctl_exit run_targets(const struct steerctl *ctl)
{
    struct buffer target;
    if (ctl->word_count > 1) {
        return ctl->given == 0 ? show_one(ctl, ctl->words[0], ctl->words[1])
                               : steerctl_usage("a name and a filter exclude each other");
    }
    buffer_init(&target);
    buffer_print(&target, "/v1/%s", ctl->words[0]);
    steerctl_add_query(&target, "region", ctl->region);
    steerctl_add_query(&target, "az", ctl->az);
    steerctl_add_query(&target, "effective", ctl->effective);
    steerctl_add_query(&target, "fields", ctl->json ? NULL : show_target_fields(ctl->words[0]));
    enum steerctl_exit code = steerctl_show(ctl, target.bytes, show_all);
    buffer_fini(&target);
    if (code == STEERCTL_REFUSED && ctl->region != NULL) {
        code = target_explain(ctl, code, "regions", ctl->region);
    }
    if (code == STEERCTL_REFUSED && ctl->az != NULL) {
        code = target_explain(ctl, code, "azs", ctl->az);
    }
    return code;
}

enum steerctl_exit run_list(const struct steerctl *ctl)
{
    static const struct {
        const char *name;
        const struct template_row *columns;
    } lists[] = {{"overrides", override_columns},
                 {"zones", zone_columns},
                 {"names", name_columns},
                 {"geo", geo_columns}};
    struct buffer target;
    size_t i = 0;
    while (i + 1 < sizeof lists / sizeof *lists && strcmp(lists[i].name, ctl->words[0]) != 0) {
        i++;
    }
    buffer_init(&target);
    buffer_print(&target, "/v1/%s", ctl->words[0]);
    enum steerctl_exit code = steerctl_show_rows(ctl, target.bytes, lists[i].columns);
    buffer_fini(&target);
    return code;
}

enum steerctl_exit run_show(const struct steerctl *ctl)
{
    const char *plural, *name;
    if (!target_split(ctl->words[1], &plural, &name)) {
        return steerctl_usage(TARGET_EXPECTED, ctl->words[1]);
    }
    return show_one(ctl, plural, name);
}

enum steerctl_exit run_explain(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/explain");
    steerctl_add_query(&target, "name", ctl->words[1]);
    steerctl_add_query(&target, "type", ctl->word_count > 2 ? ctl->words[2] : NULL);
    steerctl_add_query(&target, "client", ctl->client);
    steerctl_add_query(&target, "at", ctl->at);
    for (size_t i = 0; i < ctl->assumed_count; i++) {
        steerctl_add_query(&target, "assume", ctl->assumed[i]);
    }
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json && json_is_object(json_object_get(json, "at"))) {
        show_moment(json_object_get(json, "at"));
    }
    if (code == STEERCTL_OK && !ctl->json) {
        (ctl->assumed_count == 0 ? show_explanation : show_assumed)(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    for (size_t n = 0; code == STEERCTL_REFUSED && n < ctl->assumed_count; n++) {
        code = target_explain_text(ctl, code, ctl->assumed[n]);
    }
    return code;
}

enum steerctl_exit run_what_if(const struct steerctl *ctl)
{
    json_t *body = json_object();
    const char *bad = NULL;
    char *end = NULL;
    struct buffer target;
    json_t *assumed = whatif_parse_words(ctl->words + 1, ctl->word_count - 1, &bad);
    double traffic = ctl->traffic == NULL ? 0 : strtod(ctl->traffic, &end);
    if (assumed == NULL || (end != NULL && (end == ctl->traffic || *end != '\0' || !isfinite(traffic)))) {
        json_decref(body);
        json_decref(assumed);
        return assumed == NULL
                   ? steerctl_usage("at \"%s\": expected region NAME STATE, az NAME STATE or endpoint NAME "
                                    "STATE; STATE is down, drain, drain:PERCENT, up or auto",
                                    bad)
                   : steerctl_usage("found --traffic \"%s\", expected requests per second", ctl->traffic);
    }
    json_object_set(body, "assume", assumed);
    if (ctl->traffic != NULL) {
        json_object_set_new(body, "traffic", json_real(traffic));
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/what-if");
    steerctl_add_query(&target, "limit", ctl->limit);
    enum steerctl_exit code = steerctl_ask_show(ctl, "POST", target.bytes, body, show_report);
    buffer_fini(&target);
    for (size_t i = 0; code == STEERCTL_REFUSED && i < json_array_size(assumed); i++) {
        code = target_explain_text(ctl, code, json_string_value(json_array_get(assumed, i)));
    }
    json_decref(assumed);
    return code;
}

/* What is no JSON as it is; with --json as one string under this key. */
static enum steerctl_exit print_text(const struct steerctl *ctl, const char *path, const char *key)
{
    struct steerctl_reply reply;
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    if (steerctl_ask(ctl, "GET", path, NULL, &reply)) {
        code = steerctl_judge(ctl, &reply);
    }
    if (code == STEERCTL_OK && ctl->json) {
        json_t *document = json_pack("{s:s%}", key, reply.body.bytes, reply.body.len);
        text_print_json(document, JSON_INDENT(2));
        json_decref(document);
    } else if (code == STEERCTL_OK && reply.body.len != 0) {
        text_put_lines(reply.body.bytes, reply.body.len);
    }
    steerctl_reply_fini(&reply);
    return code;
}

enum steerctl_exit run_metrics(const struct steerctl *ctl)
{
    return print_text(ctl, "/metrics", "metrics");
}

enum steerctl_exit run_openapi(const struct steerctl *ctl)
{
    return print_text(ctl, "/v1/openapi.yaml", "openapi");
}
