/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What speaks against an order: names that nobody would serve, safety rules; and how to go on all the same.
 */
#include "config.h"

#include "ctl/text.h"

#include <string.h>

enum { NAMES_SHOWN = 20 };

static void print_name(FILE *out, const json_t *name)
{
    char clean[TABLE_CELL_SIZE], list[TEXT_LIST_SIZE], class[TABLE_CELL_SIZE];
    json_int_t classes = json_integer_value(json_object_get(name, "classes"));
    fprintf(out, "  %s %s (class %s", text_clean(text_or_dash(text_of(name, "name")), clean, sizeof clean),
            text_join(json_object_get(name, "types"), " ", list),
            text_clean(text_or_dash(text_of(name, "class")), class, sizeof class));
    if (classes > 1) {
        fprintf(out, " and %lld more", (long long)classes - 1);
    }
    fputs(")\n", out);
}

void show_unserved(FILE *out, const json_t *unserved)
{
    const json_t *names = json_object_get(unserved, "names");
    json_int_t total = json_integer_value(json_object_get(unserved, "total"));
    size_t count = json_array_size(names), shown = count < NAMES_SHOWN ? count : NAMES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        print_name(out, json_array_get(names, i));
    }
    if (total > (json_int_t)shown) {
        fprintf(out, "  and %lld more\n", (long long)total - (long long)shown);
    }
}

/* As a shell reads it. */
static void print_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/=@%+,";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '\'') {
            fputs("'\\''", out);
        } else {
            putc(*at, out);
        }
    }
    putc('\'', out);
}

void show_rules(FILE *out, const json_t *errors)
{
    size_t i;
    const json_t *error;
    json_array_foreach(errors, i, error)
    {
        char name[TABLE_CELL_SIZE], why[TABLE_CELL_SIZE], needs[TABLE_CELL_SIZE], from[TABLE_CELL_SIZE];
        const char *when = text_of(error, "from");
        fprintf(out, "  %s: %s; %s%s%s\n",
                text_clean(text_or_dash(text_of(error, "rule")), name, sizeof name),
                text_clean(text_or_dash(text_of(error, "message")), why, sizeof why),
                text_clean(text_or_dash(text_of(error, "needs")), needs, sizeof needs),
                when == NULL ? "" : ", from ", when == NULL ? "" : text_clean(when, from, sizeof from));
    }
}

void show_violated(const json_t *result)
{
    const json_t *rules = json_object_get(result, "rules");
    if (json_array_size(rules) != 0) {
        puts(json_is_true(json_object_get(result, "dry_run"))
                 ? "safety rules forbid it, so it takes --override-rule for each:"
                 : "safety rules that were overridden:");
        show_rules(stdout, rules);
    }
}

static void print_options(const struct steerctl *ctl, const json_t *problem, FILE *out)
{
    size_t i;
    const json_t *error;
    bool names_rules = false;
    json_array_foreach(json_object_get(problem, "errors"), i, error)
    {
        if (text_of(error, "rule") != NULL) {
            fputs(" --override-rule ", out);
            print_word(out, text_of(error, "rule"));
            names_rules = true;
        }
    }
    if (names_rules && ctl->reason == NULL) {
        fputs(" --reason TEXT", out);
    }
    if (json_object_get(problem, "unserved") != NULL) {
        fputs(" --yes-unserved", out);
    }
}

void show_way_on(const struct steerctl *ctl, FILE *out, const json_t *problem)
{
    bool ends = false;
    for (char *const *at = ctl->arguments; *at != NULL; at++) {
        ends |= strcmp(*at, "--") == 0;
    }
    fputs("to do it all the same: steerctl", out);
    if (ends) {
        print_options(ctl, problem, out);
    }
    for (char *const *at = ctl->arguments; *at != NULL; at++) {
        putc(' ', out);
        print_word(out, *at);
    }
    if (!ends) {
        print_options(ctl, problem, out);
    }
    putc('\n', out);
}

void steerctl_set_rules(const struct steerctl *ctl, json_t *body)
{
    json_t *names = ctl->rule_count == 0 ? NULL : json_array();
    for (size_t i = 0; i < ctl->rule_count; i++) {
        json_array_append_new(names, json_string(ctl->rules[i]));
    }
    if (names != NULL) {
        json_object_set_new(body, "override_rules", names);
    }
}
