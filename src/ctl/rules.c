/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules: whether they are kept, and what they would allow. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>

static const struct template_row columns[] = {ROW("RULE", "{name}"),
                                              ROW("TYPE", "{type}"),
                                              ROW("FOR", "{applies_to:, }"),
                                              ROW_STATE("STATE", "{state}"),
                                              ROW("SINCE", "{since:age}"),
                                              ROW("WHY", "{why}"),
                                              ROW_END};

static enum steerctl_exit list(const struct steerctl *ctl)
{
    return steerctl_ask_rows(ctl, "/v1/rules", columns);
}

static enum steerctl_exit show_check(const struct steerctl *ctl, const json_t *told)
{
    const json_t *rules = json_object_get(told, "rules"), *unserved = json_object_get(told, "unserved");
    bool allowed = json_is_true(json_object_get(told, "allowed"));
    if (ctl->json) {
        return allowed ? STEERCTL_OK : STEERCTL_REFUSED;
    }
    puts(allowed ? "allowed" : "not allowed");
    if (json_array_size(rules) != 0) {
        puts("safety rules forbid it, so it takes --override-rule for each:");
        show_rules(stdout, rules);
    }
    if (json_integer_value(json_object_get(unserved, "total")) != 0) {
        puts("names that nobody would serve, so it takes --yes-unserved:");
        show_unserved(stdout, unserved);
    }
    return allowed ? STEERCTL_OK : STEERCTL_REFUSED;
}

static enum steerctl_exit check(const struct steerctl *ctl)
{
    json_t *wishes, *json, *wish;
    const char *bad;
    struct buffer target;
    size_t i;
    wishes = whatif_parse_words(ctl->words + 2, ctl->word_count - 2, &bad);
    if (wishes == NULL) {
        return steerctl_usage("found \"%s\", expected TARGET=STATE such as region:us-east=drain", bad);
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/rules:check");
    json_array_foreach(wishes, i, wish)
    {
        steerctl_add_query(&target, "wish", json_string_value(wish));
    }
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", target.bytes, NULL, &json);
    code = code == STEERCTL_OK ? show_check(ctl, json) : code;
    json_decref(json);
    json_decref(wishes);
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit release_one(const struct steerctl *ctl, const char *rule, json_t *body)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/rules/");
    steerctl_add_encoded(&target, rule);
    buffer_add_text(&target, ":release");
    steerctl_add_query(&target, "dry_run", (ctl->given & OPTION_DRY_RUN) != 0 ? "true" : NULL);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, body, &json);
    if (code == STEERCTL_OK && !ctl->json && (ctl->given & OPTION_DRY_RUN) != 0) {
        show_report(ctl, json_object_get(json, "report"));
    } else if (code == STEERCTL_OK && !ctl->json) {
        show_change(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

/* "rules release data slowly region:us-east": each by itself; what one says does not stop the others. */
static enum steerctl_exit release(const struct steerctl *ctl)
{
    const char *plural, *name, *last = ctl->words[ctl->word_count - 1];
    if (!target_split(last, &plural, &name) || strcmp(plural, "regions") != 0) {
        return steerctl_usage("found \"%s\", expected region:NAME", last);
    }
    if (ctl->reason == NULL) {
        return steerctl_usage("rules release needs --reason TEXT");
    }
    if (ctl->word_count > 4 && (ctl->json || (ctl->given & OPTION_DRY_RUN) != 0)) {
        return steerctl_usage("%s goes with one RULE at a time", ctl->json ? "--json" : "--dry-run");
    }
    enum steerctl_exit code = STEERCTL_OK;
    json_t *body = steerctl_make_body(ctl);
    steerctl_set(body, "region", name);
    for (int i = 2; i < ctl->word_count - 1; i++) {
        enum steerctl_exit one = release_one(ctl, ctl->words[i], json_incref(body));
        code = code == STEERCTL_OK ? one : code;
    }
    json_decref(body);
    return code;
}

enum steerctl_exit run_rules(const struct steerctl *ctl)
{
    if (ctl->word_count == 1) {
        return list(ctl);
    }
    if (strcmp(ctl->words[1], "release") == 0) {
        return ctl->word_count > 3 ? release(ctl)
                                   : steerctl_usage("rules release needs RULE and region:NAME");
    }
    if (strcmp(ctl->words[1], "check") != 0) {
        return steerctl_usage("found \"%s\", expected check or release", ctl->words[1]);
    }
    if ((ctl->given & (OPTION_REASON | OPTION_ACTOR | OPTION_DRY_RUN)) != 0) {
        return steerctl_usage("rules check takes no --reason, --actor or --dry-run");
    }
    return ctl->word_count > 2
               ? check(ctl)
               : steerctl_usage("rules check needs TARGET=STATE, such as region:us-east=drain");
}

/* ---- objectives ---- */

static const struct template_row objective_columns[] = {ROW("OF", "[{from} to {to|=-}][!from|{name|=all}]"),
                                                        ROW("RTO", "{rto_ms:s0}"),
                                                        ROW("RPO", "{rpo_ms:s0}"),
                                                        ROW("CAPACITY", "{capacity:%0}"),
                                                        ROW("ERRORS", "{errors:%0}"),
                                                        ROW("MAY MOVE", "{may_move|=no}"),
                                                        ROW_END};

enum steerctl_exit run_objectives(const struct steerctl *ctl)
{
    return steerctl_ask_rows(ctl, "/v1/objectives", objective_columns);
}
