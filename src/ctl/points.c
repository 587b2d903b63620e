/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points, going back to one, and imports. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/error.h"
#include "base/file.h"
#include "base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CELL = 256, IMPORT_MAX = 16 << 20 };

/* ---- points ---- */

static const char *used_cell(const json_t *point, char out[CELL])
{
    const json_t *used = json_object_get(point, "used");
    size_t count = json_array_size(used);
    const char *last = count == 0 ? NULL : text_of(json_array_get(used, count - 1), "time");
    char age[32];
    if (last == NULL) {
        return NULL;
    }
    snprintf(out, CELL, "%zu time%s, %s ago", count, words_plural(count), text_age(last, age));
    return out;
}

static void show_points(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"POINT", "KIND", "WHEN", "SEQ", "BY", "USED", "REASON", NULL};
    size_t i;
    const json_t *point;
    char text[CELL], number[TEXT_NUMBER_SIZE];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, point)
    {
        table_add(table, text_of(point, "id"));
        table_add(table, text_of(point, "kind"));
        table_add(table, text_when(point, text));
        table_add(table, text_number(point, "seq", number));
        table_add(table, text_of(point, "actor"));
        table_add(table, used_cell(point, text));
        table_add(table, text_of(point, "reason"));
    }
    table_print(table);
}

static void show_point(const json_t *point)
{
    char text[CELL], number[TEXT_NUMBER_SIZE];
    size_t i;
    const json_t *use;
    text_line("point", text_of(point, "id"));
    text_line("kind", text_of(point, "kind"));
    text_line("made", text_when(point, text));
    text_line("by", text_of(point, "actor"));
    text_line("reason", text_of(point, "reason"));
    text_line("seq", text_number(point, "seq", number));
    text_line("hash", text_of(point, "hash"));
    text_line("objects", text_of(point, "objects"));
    text_line("config", text_of(point, "configuration"));
    json_array_foreach(json_object_get(point, "used"), i, use)
    {
        char line[2 * CELL];
        const char *reason = text_of(use, "reason");
        snprintf(line, sizeof line, "%s by %s%s%s", text_when(use, text), text_or_dash(text_of(use, "actor")),
                 reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
        text_line("used", line);
    }
}

static enum steerctl_exit list_points(const struct steerctl *ctl)
{
    return steerctl_show(ctl, "/v1/points", show_points);
}

static enum steerctl_exit ask_point(const struct steerctl *ctl, const char *method, const char *suffix,
                                    json_t *body)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_one(ctl, method, "/v1/points/", suffix, body, &json);
    if (code == STEERCTL_OK && !ctl->json && strcmp(method, "DELETE") == 0) {
        printf("recovery point %s deleted\n", ctl->words[2]);
    } else if (code == STEERCTL_OK && !ctl->json) {
        show_point(json);
    }
    json_decref(json);
    return code;
}

static json_t *make_body(const struct steerctl *ctl)
{
    json_t *body = json_object();
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    return body;
}

static enum steerctl_exit save_point(const struct steerctl *ctl)
{
    json_t *json, *body = make_body(ctl);
    steerctl_set(body, "name", ctl->words[2]);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", "/v1/points", body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_point(json);
    }
    json_decref(json);
    return code;
}

enum steerctl_exit run_point(const struct steerctl *ctl)
{
    const char *what = ctl->words[1];
    bool is_list = strcmp(what, "list") == 0;
    if (is_list != (ctl->word_count == 2)) {
        return steerctl_usage(is_list ? "point list takes no name" : "point %s needs a name", what);
    }
    const char *odd = options_find_odd(ctl, strcmp(what, "files") == 0 ? OPTION_TO | OPTION_STATE
                                                                       : OPTION_REASON | OPTION_ACTOR);
    if (odd != NULL) {
        return steerctl_usage("point %s does not take --%s", what, odd);
    }
    if (strcmp(what, "files") == 0) {
        return ctl->to == NULL ? steerctl_usage("point files needs --to, an empty or a new folder")
                               : run_backup(ctl);
    }
    if (is_list) {
        return list_points(ctl);
    }
    if (strcmp(what, "show") == 0) {
        return ask_point(ctl, "GET", "", NULL);
    }
    if (strcmp(what, "save") == 0) {
        return save_point(ctl);
    }
    if (strcmp(what, "delete") == 0) {
        return ask_point(ctl, "DELETE", "", NULL);
    }
    if (strcmp(what, "use") == 0) {
        return ask_point(ctl, "POST", ":use", make_body(ctl));
    }
    return steerctl_usage("found \"point %s\", expected list, show, save, delete, use or files", what);
}

/* ---- going back ---- */

/* "drain", "planned drain until …", or nothing. */
static const char *state_cell(const json_t *value, char out[CELL])
{
    const char *state = text_of(value, "state"), *expires = text_of(value, "expires");
    bool is_planned = json_is_true(json_object_get(value, "planned"));
    if (state == NULL) {
        return json_is_null(value) || value == NULL ? "auto" : "there";
    }
    snprintf(out, CELL, "%s%.32s%s%.24s", is_planned ? "planned " : "", state,
             expires == NULL ? "" : " until ", expires == NULL ? "" : expires);
    return out;
}

static void show_changes(const struct steerctl *ctl, const json_t *result)
{
    static const char *const headings[] = {"TARGET", "CHANGE", "NOW", "THEN", "NOTE", NULL};
    const json_t *items = json_object_get(result, "changes"), *item;
    size_t i;
    struct table *table = table_begin(ctl, headings, items);
    if (table == NULL) {
        return;
    }
    json_array_foreach(items, i, item)
    {
        char now[CELL], then[CELL];
        bool is_dormant = json_is_true(json_object_get(item, "dormant"));
        table_add(table, text_of(item, "key"));
        table_add(table, text_of(item, "change"));
        table_add(table, state_cell(json_object_get(item, "before"), now));
        table_add(table, state_cell(json_object_get(item, "after"), then));
        table_add(table, is_dormant ? "dormant: its target is not there" : text_of(item, "note"));
    }
    table_print(table);
}

static long long count_of(const json_t *result, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(result, "counts"), key));
}

static void show_counts(const json_t *result)
{
    static const char *const words[] = {"added", "removed", "changed", NULL};
    char text[CELL];
    size_t used = 0;
    for (size_t i = 0; words[i] != NULL; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld %s", i == 0 ? "" : ", ",
                                 count_of(result, words[i]), words[i]);
    }
    text_line("overrides", text);
    if (count_of(result, "ended") != 0) {
        snprintf(text, sizeof text, "%lld would have ended since: not put again", count_of(result, "ended"));
        text_line("ended", text);
    }
    if (count_of(result, "not_understood") != 0) {
        snprintf(text, sizeof text, "%lld: what there is now stays", count_of(result, "not_understood"));
        text_line("unclear", text);
    }
    if (count_of(result, "left_alone") != 0) {
        snprintf(text, sizeof text, "%lld objects of other kinds, which no restore turns back",
                 count_of(result, "left_alone"));
        text_line("left", text);
    }
}

static void show_answers(const json_t *result)
{
    const json_t *answers = json_object_get(result, "answers"),
                 *unserved = json_object_get(result, "unserved");
    json_int_t total = json_integer_value(json_object_get(unserved, "total"));
    size_t i;
    const json_t *step;
    char clean[TABLE_CELL_SIZE * 2];
    json_array_foreach(json_object_get(answers, "steps"), i, step)
    {
        printf("%s%s\n", i == 0 ? "\n" : "", text_clean(json_string_value(step), clean, sizeof clean));
    }
    if (total != 0) {
        printf("\nnobody would serve %lld name%s:\n", (long long)total, words_plural((size_t)total));
        show_unserved(stdout, unserved);
    }
    if (json_array_size(json_object_get(result, "rules")) != 0) {
        puts("\nsafety rules that it violates:");
        show_rules(stdout, json_object_get(result, "rules"));
    }
}

static void show_restore(const struct steerctl *ctl, const json_t *result)
{
    bool is_dry = json_is_true(json_object_get(result, "dry_run"));
    const char *time = text_of(result, "time"), *why = text_of(result, "not_durable_because");
    if (time != NULL) {
        text_line("as of", time);
        text_line("point", text_of(result, "point"));
    }
    show_counts(result);
    if (!is_dry) {
        text_line("before it", text_of(result, "saved"));
        text_line("durable", json_is_true(json_object_get(result, "durable")) ? "yes"
                             : why == NULL                                    ? "no"
                                                                              : why);
    } else {
        puts("dry run: nothing has changed");
    }
    show_changes(ctl, result);
    show_answers(result);
}

static bool has(const struct steerctl *ctl, unsigned option)
{
    return (ctl->given & option) != 0;
}

enum steerctl_exit run_restore(const struct steerctl *ctl)
{
    json_t *json, *body;
    struct buffer target;
    if (ctl->reason == NULL && !has(ctl, OPTION_DRY_RUN)) {
        return steerctl_usage("restore needs --reason TEXT, or --dry-run");
    }
    body = make_body(ctl);
    steerctl_set(body, "to", ctl->words[1]);
    if (has(ctl, OPTION_YES_UNSERVED)) {
        json_object_set_new(body, "allow_unserved", json_true());
    }
    if (has(ctl, OPTION_YES_WITHOUT_POINT)) {
        json_object_set_new(body, "without_point", json_true());
    }
    steerctl_set_rules(ctl, body);
    buffer_init(&target);
    buffer_add_text(&target, "/v1/restore");
    steerctl_add_query(&target, "dry_run", has(ctl, OPTION_DRY_RUN) ? "true" : NULL);
    steerctl_add_query(&target, "limit", ctl->limit);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_restore(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

/* All of stdin, for "-". NULL: it cannot be read, or is too much. */
static char *read_input(size_t *len)
{
    struct buffer input;
    char piece[65536];
    size_t got;
    buffer_init(&input);
    while ((got = fread(piece, 1, sizeof piece, stdin)) != 0 && input.len <= IMPORT_MAX) {
        buffer_add(&input, piece, got);
    }
    bool is_good = ferror(stdin) == 0 && input.len <= IMPORT_MAX;
    buffer_add(&input, "", 1);
    *len = input.len - 1;
    if (!is_good) {
        buffer_fini(&input);
        return NULL;
    }
    return input.bytes;
}

static char *read_import(const char *path, size_t *len)
{
    struct file file = {.fd = -1};
    int code = ERROR_TOO_LARGE;
    char *text =
        strcmp(path, "-") == 0 ? read_input(len) : file_read_all(path, IMPORT_MAX, &file, len, &code);
    if (text == NULL) {
        fprintf(stderr, "steerctl: %s cannot be read: %s\n", path,
                file.why[0] != '\0' ? file.why : error_text(code));
    } else if (strlen(text) != *len) {
        fprintf(stderr, "steerctl: %s: found a NUL, expected lines of JSON\n", path);
        free(text);
        text = NULL;
    }
    return text;
}

enum steerctl_exit run_import(const struct steerctl *ctl)
{
    json_t *json;
    size_t len;
    struct buffer target;
    if (import_is_foreign(ctl)) {
        return import_foreign(ctl);
    }
    if (ctl->reason == NULL && !has(ctl, OPTION_DRY_RUN)) {
        return steerctl_usage("import needs --reason TEXT, or --dry-run");
    }
    if ((ctl->given & OPTION_CONFIRM) != 0 && !has(ctl, OPTION_REPLACE)) {
        return steerctl_usage("import asks nothing: --yes and --confirm belong to --replace");
    }
    if (has(ctl, OPTION_REPLACE)) {
        enum steerctl_exit meant = confirm_typed(ctl, "replace", "remove what is not in the file");
        if (meant != STEERCTL_OK) {
            return meant;
        }
    }
    char *text = read_import(ctl->words[1], &len);
    if (text == NULL) {
        return STEERCTL_USAGE;
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/import");
    steerctl_add_query(&target, "dry_run", has(ctl, OPTION_DRY_RUN) ? "true" : NULL);
    steerctl_add_query(&target, "replace", has(ctl, OPTION_REPLACE) ? "true" : NULL);
    steerctl_add_query(&target, "allow_unserved", has(ctl, OPTION_YES_UNSERVED) ? "true" : NULL);
    steerctl_add_query(&target, "without_point", has(ctl, OPTION_YES_WITHOUT_POINT) ? "true" : NULL);
    steerctl_add_query(&target, "reason", ctl->reason);
    steerctl_add_query(&target, "actor", ctl->actor);
    steerctl_add_query(&target, "limit", ctl->limit);
    steerctl_add_rules(ctl, &target);
    enum steerctl_exit code = steerctl_ask_lines(ctl, target.bytes, text, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_restore(ctl, json);
    }
    json_decref(json);
    buffer_fini(&target);
    free(text);
    return code;
}
