/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points, going back to one, and imports. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include "base/error.h"
#include "base/file.h"
#include "base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMPORT_MAX = 16 << 20 };

/* ---- points ---- */

static const struct template_row columns[] = {
    ROW("POINT", "{id}"),       ROW("KIND", "{kind}"),
    ROW("WHEN", "{time:when}"), ROW("SEQ", "{seq}"),
    ROW("BY", "{actor}"),       ROW("USED", "[{used:#} time{used:#(s)}, {used.-1.time:age} ago]"),
    ROW("REASON", "{reason}"),  ROW_END};

static const struct template_row lines[] = {ROW("point", "{id}"),
                                            ROW("kind", "{kind}"),
                                            ROW("made", "{time:when}"),
                                            ROW("by", "{actor}"),
                                            ROW("reason", "{reason}"),
                                            ROW("seq", "{seq}"),
                                            ROW("hash", "{hash}"),
                                            ROW("objects", "{objects}"),
                                            ROW("config", "{configuration}"),
                                            ROW_END};

static const struct template_row used_lines[] = {ROW("used", "{time:when} by {actor|=-}[: {reason}]"),
                                                 ROW_END};

static void show_point(const struct steerctl *ctl, const json_t *point)
{
    template_lines(ctl, lines, point);
    template_lines_each(ctl, used_lines, json_object_get(point, "used"));
}

static enum steerctl_exit list_points(const struct steerctl *ctl)
{
    return steerctl_show_rows(ctl, "/v1/points", columns);
}

static enum steerctl_exit ask_point(const struct steerctl *ctl, const char *method, const char *suffix,
                                    json_t *body)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_one(ctl, method, "/v1/points/", suffix, body, &json);
    if (code == STEERCTL_OK && !ctl->json && strcmp(method, "DELETE") == 0) {
        printf("recovery point %s deleted\n", ctl->words[2]);
    } else if (code == STEERCTL_OK && !ctl->json) {
        show_point(ctl, json);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit save_point(const struct steerctl *ctl)
{
    json_t *body = steerctl_make_body(ctl);
    steerctl_set(body, "name", ctl->words[2]);
    return steerctl_ask_show(ctl, "POST", "/v1/points", body, show_point);
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
        return ask_point(ctl, "POST", ":use", steerctl_make_body(ctl));
    }
    return steerctl_usage("found \"point %s\", expected list, show, save, delete, use or files", what);
}

/* ---- going back ---- */

#define STATE(side)                                                                                          \
    "[?" side ".state|[?" side ".planned|planned ]{" side ".state}[ until {" side ".expires}]]"              \
    "[!" side ".state|[?" side "|there][!" side "|auto]]"

static const struct template_row change_columns[] = {
    ROW("TARGET", "{key}"),
    ROW("CHANGE", "{change}"),
    ROW("NOW", STATE("before")),
    ROW("THEN", STATE("after")),
    ROW("NOTE", "[?dormant|dormant: its target is not there][!dormant|{note}]"),
    ROW_END};

static const struct template_row count_lines[] = {
    ROW("overrides", "{counts.added|=0} added, {counts.removed|=0} removed, {counts.changed|=0} changed"),
    ROW("?ended", "[+counts.ended|{counts.ended} would have ended since: not put again]"),
    ROW("?unclear", "[+counts.not_understood|{counts.not_understood}: what there is now stays]"),
    ROW("?left",
        "[+counts.left_alone|{counts.left_alone} objects of other kinds, which no restore turns back]"),
    ROW_END};

static const struct template_row done_lines[] = {
    ROW("before it", "{saved}"), ROW("durable", "[?durable|yes][!durable|{not_durable_because|=no}]"),
    ROW_END};

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
    static const struct template_row of_lines[] = {ROW("as of", "{time}"), ROW("point", "{point}"), ROW_END};
    if (text_of(result, "time") != NULL) {
        template_lines(ctl, of_lines, result);
    }
    template_lines(ctl, count_lines, result);
    if (json_is_true(json_object_get(result, "dry_run"))) {
        puts("dry run: nothing has changed");
    } else {
        template_lines(ctl, done_lines, result);
    }
    template_table_below(ctl, change_columns, json_object_get(result, "changes"));
    show_answers(result);
}

static bool has(const struct steerctl *ctl, unsigned option)
{
    return (ctl->given & option) != 0;
}

enum steerctl_exit run_restore(const struct steerctl *ctl)
{
    json_t *body;
    struct buffer target;
    if (ctl->reason == NULL && !has(ctl, OPTION_DRY_RUN)) {
        return steerctl_usage("restore needs --reason TEXT, or --dry-run");
    }
    body = steerctl_make_body(ctl);
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
    enum steerctl_exit code = steerctl_ask_show(ctl, "POST", target.bytes, body, show_restore);
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
