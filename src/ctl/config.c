/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Documents, by the API: what they have, edits, where files differ, and both ways between them. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE_MAX = 16 << 20, PATH_LEN = 4096 };

static bool has(const struct steerctl *ctl, uint64_t option)
{
    return (ctl->given & option) != 0;
}

/* ---- what is meant ---- */

static const char *const kinds[][2] = {
    {"region", "regions"}, {"az", "azs"},       {"endpoint", "endpoints"},
    {"check", "checks"},   {"group", "groups"}, {"document", "documents"},
};

/* "endpoint:web-1", "name:example.com/www": the path; or, without a name, the list: "endpoints",
 * "name:example.com". false: it is none of these. */
static bool add_path(struct buffer *target, const char *thing)
{
    const char *colon = strchr(thing, ':'), *slash;
    size_t len = colon == NULL ? strlen(thing) : (size_t)(colon - thing);
    buffer_add_text(target, "/v1/config/");
    if (len == 4 && strncmp(thing, "name", len) == 0 && colon != NULL && colon[1] != '\0') {
        slash = strchr(colon, '/');
        char *zone = slash == NULL ? memory_copy_text(colon + 1)
                                   : memory_print("%.*s", (int)(slash - colon - 1), colon + 1);
        buffer_add_text(target, "zones/");
        steerctl_add_encoded(target, zone);
        buffer_add_text(target, "/names");
        free(zone);
        colon = slash;
    } else {
        size_t i = 0, count = sizeof kinds / sizeof *kinds;
        while (i < count && !(strncmp(thing, kinds[i][0], len) == 0 && kinds[i][0][len] == '\0') &&
               !(colon == NULL && strcmp(thing, kinds[i][1]) == 0)) {
            i++;
        }
        if (i == count) {
            return false;
        }
        buffer_add_text(target, kinds[i][1]);
    }
    if (colon != NULL) {
        buffer_add_text(target, "/");
        steerctl_add_encoded(target, colon + 1);
    }
    return colon == NULL || colon[1] != '\0';
}

static enum steerctl_exit refuse_thing(const char *thing)
{
    return steerctl_usage(
        "found \"%s\", expected region:NAME, az:NAME, endpoint:NAME, check:NAME, group:NAME, "
        "document:NAME or name:ZONE/NAME",
        thing);
}

/* ---- what is given ---- */

static char *read_input(void)
{
    struct buffer input;
    char piece[65536];
    size_t got;
    buffer_init(&input);
    while ((got = fread(piece, 1, sizeof piece, stdin)) != 0 && input.len <= VALUE_MAX) {
        buffer_add(&input, piece, got);
    }
    buffer_add(&input, "", 1);
    return input.bytes;
}

/* JSON, "@FILE", or "-": stdin. Owned; NULL: it is none, and why was said. */
static json_t *read_value(const char *word)
{
    struct file file = {.fd = -1};
    json_error_t error;
    int code = 0;
    size_t len;
    char *text = strcmp(word, "-") == 0 ? read_input()
                 : word[0] == '@'       ? file_read_all(word + 1, VALUE_MAX, &file, &len, &code)
                                        : memory_copy_text(word);
    if (text == NULL) {
        fprintf(stderr, "steerctl: %s cannot be read: %s\n", word + 1,
                file.why[0] != '\0' ? file.why : error_text(code));
        return NULL;
    }
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        fprintf(stderr, "steerctl: %s is no JSON: line %d, column %d: %s\n", word, error.line, error.column,
                error.text);
    }
    free(text);
    return value;
}

/* ---- edits ---- */

static void add_options(const struct steerctl *ctl, struct buffer *target)
{
    steerctl_add_query(target, "dry_run", has(ctl, OPTION_DRY_RUN) ? "true" : NULL);
    steerctl_add_query(target, "reason", ctl->reason);
    steerctl_add_query(target, "actor", ctl->actor);
    steerctl_add_rules(ctl, target);
}

static enum steerctl_exit show_edited(const struct steerctl *ctl, const json_t *result)
{
    const json_t *steps = json_object_get(json_object_get(result, "changes"), "steps"), *item;
    const json_t *errors = json_object_get(result, "errors");
    bool is_dry = json_is_true(json_object_get(result, "dry_run"));
    json_int_t generation = json_integer_value(json_object_get(result, "generation"));
    char line[TABLE_CELL_SIZE];
    size_t i;
    if (is_dry) {
        printf("nothing was changed: this is a dry run\n");
    } else if (json_array_size(errors) != 0) {
        printf("stored: generation %lld serves, without the zones that have errors\n", (long long)generation);
    } else {
        printf("stored, and serves: generation %lld\n", (long long)generation);
    }
    json_array_foreach(json_object_get(result, "documents"), i, item)
    {
        printf("  %s\n", text_clean(text_or_dash(text_of(item, "name")), line, sizeof line));
    }
    json_array_foreach(steps, i, item)
    {
        printf("  %s\n", text_clean(json_string_value(item), line, sizeof line));
    }
    json_array_foreach(json_object_get(result, "warnings"), i, item)
    {
        printf("  warning: %s: %s\n", text_or_dash(text_of(item, "path")),
               text_clean(text_or_dash(text_of(item, "message")), line, sizeof line));
    }
    show_violated(result);
    fflush(stdout);
    if (json_array_size(errors) != 0) {
        fprintf(stderr, "steerctl: the configuration has errors, with and without this edit; zones that have "
                        "them are not updated:\n");
        steerctl_print_errors(ctl, errors);
    }
    return judge_reload(result);
}

/* Takes the body. */
static enum steerctl_exit edit(const struct steerctl *ctl, const char *method, const char *target,
                               json_t *body)
{
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, method, target, body, &json);
    if (code == STEERCTL_OK) {
        code = ctl->json ? judge_reload(json) : show_edited(ctl, json);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit edit_thing(const struct steerctl *ctl, const char *method)
{
    bool deletes = strcmp(method, "DELETE") == 0;
    enum steerctl_exit code;
    struct buffer target;
    if (ctl->word_count != (deletes ? 3 : 4)) {
        return steerctl_usage("expected config %s THING%s", ctl->words[1],
                              deletes ? "" : " and its value: JSON, @FILE, or - for stdin");
    }
    buffer_init(&target);
    if (!add_path(&target, ctl->words[2]) || strchr(ctl->words[2], ':') == NULL) {
        code = refuse_thing(ctl->words[2]);
    } else if (deletes && (code = confirm_typed(ctl, ctl->words[2], "delete it")) != STEERCTL_OK) {
        /* why was said */
    } else {
        json_t *value = deletes ? NULL : read_value(ctl->words[3]);
        add_options(ctl, &target);
        code = !deletes && value == NULL ? STEERCTL_USAGE : edit(ctl, method, target.bytes, value);
    }
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit apply(const struct steerctl *ctl)
{
    if (ctl->word_count != 3) {
        return steerctl_usage("expected config apply FILE");
    }
    char *word = strcmp(ctl->words[2], "-") == 0 ? memory_copy_text("-") : memory_print("@%s", ctl->words[2]);
    json_t *value = read_value(word), *body = value;
    free(word);
    if (value == NULL) {
        return STEERCTL_USAGE;
    }
    if (json_is_array(value)) { /* the edits alone */
        body = steerctl_make_body(ctl);
        json_object_set_new(body, "edits", value);
    }
    steerctl_set_rules(ctl, body);
    return edit(ctl, "POST", has(ctl, OPTION_DRY_RUN) ? "/v1/config:apply?dry_run=true" : "/v1/config:apply",
                body);
}

static enum steerctl_exit import(const struct steerctl *ctl)
{
    struct buffer target;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/config:import");
    add_options(ctl, &target);
    steerctl_add_query(&target, "document", ctl->word_count > 2 ? ctl->words[2] : NULL);
    enum steerctl_exit code = edit(ctl, "POST", target.bytes, NULL);
    buffer_fini(&target);
    return code;
}

/* ---- looking ---- */

static void show_documents(const struct steerctl *ctl, const json_t *json)
{
    static const struct template_row columns[] = {ROW("DOCUMENT", "{name}"),
                                                  ROW("KIND", "{kind}"),
                                                  ROW("ZONE", "{zone}"),
                                                  ROW("SIZE", "[?sha256|{size|=0}]"),
                                                  ROW("CONTENT", "{sha256:.12}"),
                                                  ROW("FILE", "{file}"),
                                                  ROW_END};
    template_table(ctl, columns, json_object_get(json, "documents"));
    template_print("\nowner: {owner|=-}[\nUNSURE: {unsure}]", json);
}

static enum steerctl_exit show(const struct steerctl *ctl)
{
    return steerctl_ask_show(ctl, "GET", "/v1/config", NULL, show_documents);
}

/* From files to what serves. */
static enum steerctl_exit diff(const struct steerctl *ctl)
{
    static const struct template_row columns[] = {ROW("DOCUMENT", "{document}"), ROW("KIND", "{kind}"),
                                                  ROW("NAME", "{name}"), ROW("CHANGE", "{change}"), ROW_END};
    json_t *json;
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/config/drift?limit=1000", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        const json_t *items = json_object_get(json, "differences");
        json_int_t total = json_integer_value(json_object_get(json, "differences_total"));
        show_documents(ctl, json);
        template_table_below(ctl, columns, items);
        if ((size_t)total > json_array_size(items)) {
            printf("and %lld more\n", (long long)total - (long long)json_array_size(items));
        }
    }
    json_decref(json);
    return code;
}

static void show_document_names(const struct steerctl *ctl, const json_t *items)
{
    (void)ctl;
    template_print_each("{name|=-}", items);
}

static enum steerctl_exit get(const struct steerctl *ctl)
{
    struct buffer target;
    struct steerctl_reply reply;
    if (ctl->word_count != 3) {
        return steerctl_usage("expected config get THING, or a kind, such as endpoints");
    }
    const char *colon = strchr(ctl->words[2], ':');
    bool is_name = strncmp(ctl->words[2], "name:", 5) == 0;
    bool is_list = colon == NULL || (is_name && strchr(colon, '/') == NULL);
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    buffer_init(&target);
    if (!add_path(&target, ctl->words[2])) {
        code = refuse_thing(ctl->words[2]);
    } else if (is_list) {
        code = steerctl_show(ctl, target.bytes, show_document_names);
    } else if (steerctl_ask(ctl, "GET", target.bytes, NULL, &reply)) {
        code = steerctl_judge(ctl, &reply);
        if (code == STEERCTL_OK && (ctl->json || strncmp(ctl->words[2], "document:", 9) == 0)) {
            text_put_json(reply.body.bytes, reply.body.len);
        } else if (code == STEERCTL_OK) {
            json_t *whole = text_read_json(reply.body.bytes, reply.body.len, false);
            text_print_json(json_object_get(whole, "value"),
                            JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
            json_decref(whole);
        }
        steerctl_reply_fini(&reply);
    }
    buffer_fini(&target);
    return code;
}

/* ---- to files: they hold what checks send, and who may ask ---- */

enum { EXPORT_FOLDER_MODE = 0700, EXPORT_FILE_MODE = 0600 };

/* Folders on the way to it; a name never leads out of the folder. */
static bool make_way(char *path, size_t from)
{
    for (char *at = path + from; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        bool good = mkdir(path, EXPORT_FOLDER_MODE) == 0 || errno == EEXIST;
        *at = '/';
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool write_file(const char *folder, const char *name, const struct buffer *text)
{
    char path[PATH_LEN];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name[0] == '/' ? name + 1 : name);
    bool good = len < PATH_LEN && strstr(name, "..") == NULL && make_way(path, strlen(folder) + 1);
    int fd = good ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, EXPORT_FILE_MODE) : -1;
    good = fd != -1;
    for (size_t at = 0; good && at < text->len;) {
        ssize_t done = write(fd, text->bytes + at, text->len - at);
        good = done > 0;
        at += good ? (size_t)done : 0;
    }
    int number = errno;
    if (fd != -1 && close(fd) != 0) {
        good = false;
    }
    if (!good) {
        fprintf(stderr, "steerctl: %s/%s cannot be written: %s\n", folder, name, strerror(number));
    }
    return good;
}

static enum steerctl_exit export_one(const struct steerctl *ctl, const char *folder, const char *name)
{
    struct buffer target;
    struct steerctl_reply reply;
    enum steerctl_exit code = STEERCTL_UNREACHABLE;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/config/documents/");
    steerctl_add_encoded(&target, name);
    if (steerctl_ask(ctl, "GET", target.bytes, NULL, &reply)) {
        code = steerctl_judge(ctl, &reply);
        if (code == STEERCTL_OK && memmem(reply.body.bytes, reply.body.len, "\"$redacted\"", 11) != NULL) {
            fprintf(stderr,
                    "steerctl: %s has secrets, which are shown to the role editor only: it is not written\n",
                    name);
            code = STEERCTL_REFUSED;
        }
        if (code == STEERCTL_OK && !write_file(folder, name, &reply.body)) {
            code = STEERCTL_USAGE;
        }
        steerctl_reply_fini(&reply);
    }
    buffer_fini(&target);
    return code;
}

static enum steerctl_exit export(const struct steerctl *ctl) {
    json_t *items; const json_t * item; size_t i;
    if (ctl->word_count != 3){return steerctl_usage("expected config export DIR");}
if (mkdir(ctl->words[2], EXPORT_FOLDER_MODE) != 0 && errno != EEXIST)
{
    fprintf(stderr, "steerctl: %s cannot be made: %s\n", ctl->words[2], strerror(errno));
    return STEERCTL_USAGE;
}
enum steerctl_exit code = steerctl_list(ctl, "/v1/config/documents", &items);
json_array_foreach(items, i, item)
{
    const char *name = text_of(item, "name");
    if (code == STEERCTL_OK && name != NULL) {
        code = export_one(ctl, ctl->words[2], name);
    }
    if (code == STEERCTL_OK && !ctl->json && name != NULL) {
        printf("%s/%s\n", ctl->words[2], name[0] == '/' ? name + 1 : name);
    }
}
if (code == STEERCTL_OK && ctl->json) {
    steerctl_print_page(items, NULL);
}
json_decref(items);
return code;
}

enum steerctl_exit run_config(const struct steerctl *ctl)
{
    const char *what = ctl->word_count > 1 ? ctl->words[1] : "show";
    if ((ctl->given & OPTION_CONFIRM) != 0 && strcmp(what, "delete") != 0) {
        return steerctl_usage("config %s asks nothing: --yes and --confirm belong to delete", what);
    }
    static const struct {
        const char *name;
        enum steerctl_exit (*run)(const struct steerctl *ctl);
    } verbs[] = {{"show", show},   {"diff", diff},     {"get", get},
                 {"apply", apply}, {"import", import}, {"export", export}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(what, verbs[i].name) == 0) {
            return verbs[i].run(ctl);
        }
    }
    const char *method = strcmp(what, "set") == 0      ? "PUT"
                         : strcmp(what, "merge") == 0  ? "PATCH"
                         : strcmp(what, "delete") == 0 ? "DELETE"
                                                       : NULL;
    return method == NULL
               ? steerctl_usage("found \"config %s\", expected show, diff, get, set, merge, delete, "
                                "apply, import or export",
                                what)
               : edit_thing(ctl, method);
}
