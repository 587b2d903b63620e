/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Explanations, and what a reload said, as text. */
#include "config.h"

#include "ctl/text.h"

/* ---- explain, reload ---- */

static const char *percent_text(const json_t *object, const char *key, char out[32])
{
    snprintf(out, 32, "%.4g %%", 100 * json_number_value(json_object_get(object, key)));
    return out;
}

static void show_tiers(const struct steerctl *ctl, const json_t *tiers)
{
    static const char *const headings[] = {"TIER",        "SERVING", "HEALTHY", "MIN HEALTHY",
                                           "SPILL BELOW", "TRICKLE", "SHARE",   NULL};
    size_t i;
    const json_t *tier;
    char text[64], one[32], other[32];
    struct table *table = table_begin(ctl, headings, tiers);
    if (table == NULL) {
        return;
    }
    json_array_foreach(tiers, i, tier)
    {
        table_add(table, text_of(tier, "label"));
        snprintf(text, sizeof text, "%s of %s%s", text_number(tier, "serving", one),
                 text_number(tier, "members", other),
                 json_integer_value(json_object_get(tier, "held")) > 0 ? ", held" : "");
        table_add(table, text);
        table_add(table, percent_text(tier, "healthy", one));
        table_add(table, text_of(tier, "min_healthy"));
        table_add(table, text_of(tier, "spill_below"));
        bool trickles = json_number_value(json_object_get(tier, "trickle")) > 0;
        table_add(table, trickles ? percent_text(tier, "trickle", one) : NULL);
        table_add(table, percent_text(tier, "share", one));
    }
    table_print(table);
}

static void show_members(const struct steerctl *ctl, const json_t *members)
{
    static const char *const headings[] = {"ENDPOINT",  "AZ",         "REGION", "TIER",
                                           "EFFECTIVE", "DECIDED BY", "WEIGHT", "SHEDS",
                                           "ODDS",      "RECORDS",    NULL};
    size_t i;
    const json_t *member;
    char text[32], list[TEXT_LIST_SIZE];
    struct table *table = table_begin(ctl, headings, members);
    if (table == NULL) {
        return;
    }
    json_array_foreach(members, i, member)
    {
        table_add(table, text_of(member, "endpoint"));
        table_add(table, text_of(member, "az"));
        table_add(table, text_of(member, "region"));
        table_add(table, text_of(member, "tier"));
        table_add_state(table, text_of(member, "effective"));
        table_add(table, text_of(member, "decided_by"));
        table_add(table, text_number(member, "weight", text));
        bool sheds = json_number_value(json_object_get(member, "shed")) > 0;
        table_add(table, sheds ? text_share(member, "shed", text) : NULL);
        snprintf(text, sizeof text, "%.1f %%", 100 * json_number_value(json_object_get(member, "odds")));
        table_add(table, text);
        table_add(table, text_join(json_object_get(member, "records"), ", ", list));
    }
    table_print(table);
}

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
    show_tiers(ctl, json_object_get(explanation, "tiers"));
    show_members(ctl, json_object_get(explanation, "members"));
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
