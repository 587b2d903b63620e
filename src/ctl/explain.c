/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Explanations, and what a reload said, as text. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"

/* ---- explain, reload ---- */

static const struct template_row tier_columns[] = {
    ROW("TIER", "{label}"),
    ROW("SERVING", "{serving|=-} of {members|=-}[+held|, held]"),
    ROW("HEALTHY", "{healthy|=0 %:%4}"),
    ROW("MIN HEALTHY", "{min_healthy}"),
    ROW("SPILL BELOW", "{spill_below}"),
    ROW("TRICKLE", "[+trickle|{trickle:%4}]"),
    ROW("SHARE", "{share|=0 %:%4}"),
    ROW_END};

static const struct template_row member_columns[] = {ROW("ENDPOINT", "{endpoint}"),
                                                     ROW("AZ", "{az}"),
                                                     ROW("REGION", "{region}"),
                                                     ROW("TIER", "{tier}"),
                                                     ROW_STATE("EFFECTIVE", "{effective}"),
                                                     ROW("DECIDED BY", "{decided_by}"),
                                                     ROW("WEIGHT", "{weight}"),
                                                     ROW("SHEDS", "[+shed|{shed:%}]"),
                                                     ROW("ODDS", "{odds|=0.0 %:p1}"),
                                                     ROW("RECORDS", "{records:, }"),
                                                     ROW_END};

void show_explanation(const struct steerctl *ctl, const json_t *explanation)
{
    char clean[1024];
    size_t i;
    const json_t *line;
    json_array_foreach(json_object_get(explanation, "answers"), i, line)
    {
        puts(text_clean(text_or_dash(json_string_value(line)), clean, sizeof clean));
    }
    if (i == 0) {
        printf("%s, no records\n",
               text_clean(text_or_dash(text_of(explanation, "rcode")), clean, sizeof clean));
    }
    putchar('\n');
    json_array_foreach(json_object_get(explanation, "steps"), i, line)
    {
        printf("%2zu. %s\n", i + 1, text_clean(text_or_dash(json_string_value(line)), clean, sizeof clean));
    }
    template_table_below(ctl, tier_columns, json_object_get(explanation, "tiers"));
    template_table_below(ctl, member_columns, json_object_get(explanation, "members"));
}

enum steerctl_exit judge_reload(const json_t *result)
{
    return json_array_size(json_object_get(result, "errors")) == 0 ? STEERCTL_OK : STEERCTL_REFUSED;
}

enum { STEP_SIZE = 2048 };

static void show_traffic_changes(const json_t *changes, bool dry_run)
{
    size_t i;
    const json_t *step;
    json_array_foreach(json_object_get(changes, "steps"), i, step)
    {
        char clean[STEP_SIZE];
        printf("  %s\n", text_clean(text_or_dash(json_string_value(step)), clean, sizeof clean));
    }
    if (dry_run && json_array_size(json_object_get(changes, "steps")) == 0) {
        puts("  nothing changes for traffic");
    }
}

enum steerctl_exit show_reload(const struct steerctl *ctl, const json_t *result)
{
    const json_t *errors = json_object_get(result, "errors"), *warnings = json_object_get(result, "warnings");
    long long generation = (long long)json_integer_value(json_object_get(result, "generation"));
    bool dry_run = json_is_true(json_object_get(result, "dry_run"));
    bool is_bundle = text_of(result, "id") != NULL;
    printf(!dry_run    ? "generation %lld serves\n"
           : is_bundle ? "generation %lld goes on serving; with this bundle:\n"
                       : "generation %lld goes on serving; with what the files say now:\n",
           generation);
    show_traffic_changes(json_object_get(result, "changes"), dry_run);
    show_violated(result);
    fflush(stdout);
    if (json_array_size(errors) != 0) {
        fputs(dry_run ? "steerctl: what is broken would be as it is now:\n"
                      : "steerctl: what is broken is as it was before:\n",
              stderr);
        steerctl_print_errors(ctl, errors);
    }
    if (json_array_size(warnings) != 0) {
        fputs("steerctl: warnings:\n", stderr);
        steerctl_print_errors(ctl, warnings);
    }
    return judge_reload(result);
}
