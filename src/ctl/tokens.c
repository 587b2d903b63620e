/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tokens of those who come to the admin API from elsewhere: a table of them, and making and ending them. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 256 };

/* "us-east, zone example.com.", "all" */
static const char *scope_cell(const json_t *token, char out[CELL])
{
    const json_t *regions = json_object_get(token, "regions"), *zones = json_object_get(token, "zones"),
                 *item;
    size_t i, len = 0;
    out[0] = '\0';
    json_array_foreach(regions, i, item)
    {
        len += (size_t)snprintf(out + len, CELL - len, "%s%s", len == 0 ? "" : ", ", json_string_value(item));
        len = len < CELL ? len : CELL - 1;
    }
    json_array_foreach(zones, i, item)
    {
        len += (size_t)snprintf(out + len, CELL - len, "%szone %s", len == 0 ? "" : ", ",
                                json_string_value(item));
        len = len < CELL ? len : CELL - 1;
    }
    return len == 0 ? "all" : out;
}

static const char *age_cell(const json_t *token, const char *key, char out[32])
{
    const char *time = text_of(token, key);
    return time == NULL ? NULL : text_age(time, out);
}

enum steerctl_exit run_tokens(const struct steerctl *ctl)
{
    static const char *const headings[] = {"TOKEN", "ROLE", "SCOPE", "EXPIRES", "USED", "MADE BY", NULL};
    json_t *json;
    size_t i;
    const json_t *token;
    char text[CELL], age[32];
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", "/v1/tokens", NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        struct table *table = table_new(ctl, headings);
        json_array_foreach(json_object_get(json, "items"), i, token)
        {
            bool is_expired = json_is_true(json_object_get(token, "expired"));
            table_add(table, text_of(token, "name"));
            table_add(table, text_of(token, "role"));
            table_add(table, scope_cell(token, text));
            table_add(table, is_expired ? "expired" : age_cell(token, "expires", age));
            table_add(table, age_cell(token, "used", age));
            table_add(table, text_of(token, "made_by"));
        }
        table_print(table);
    }
    json_decref(json);
    return code;
}

/* ---- one of them ---- */

static void show_token(const json_t *token)
{
    char text[CELL];
    text_line("token", text_of(token, "name"));
    text_line("role", text_of(token, "role"));
    text_line("scope", scope_cell(token, text));
    text_line("made", text_of(token, "made"));
    text_line("made by", text_of(token, "made_by"));
    text_line("expires", text_of(token, "expires"));
    text_line("rotated", text_of(token, "rotated"));
    text_line("overlap", text_of(token, "overlap"));
    text_line("used", text_of(token, "used"));
}

static void show_secret(const json_t *token)
{
    const char *overlap = text_of(token, "overlap");
    printf("%s may come until %s with this token, which is not shown again:\n\n  %s\n",
           text_or_dash(text_of(token, "name")), text_or_dash(text_of(token, "expires")),
           text_or_dash(text_of(token, "secret")));
    if (overlap != NULL) {
        printf("\nThe one before is good until %s.\n", overlap);
    }
}

/* "a,b" */
static void set_names(json_t *body, const char *key, const char *names)
{
    json_t *list = names == NULL ? NULL : json_array();
    for (const char *at = names; at != NULL; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
        json_t *name = json_stringn(at, strcspn(at, ","));
        json_array_append_new(list, name != NULL ? name : json_string("(not UTF-8)"));
    }
    if (list != NULL) {
        json_object_set_new(body, key, list);
    }
}

static json_t *make_body(const struct steerctl *ctl, bool is_new)
{
    json_t *body = json_object();
    steerctl_set(body, "name", is_new ? ctl->words[2] : NULL);
    steerctl_set(body, "role", ctl->role);
    set_names(body, "regions", ctl->region);
    set_names(body, "zones", ctl->zone);
    steerctl_set(body, "expires_in", ctl->expires);
    steerctl_set(body, "overlap", ctl->overlap);
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    return body;
}

enum steerctl_exit run_token(const struct steerctl *ctl)
{
    const char *what = ctl->words[1];
    const uint64_t scope = OPTION_ROLE | OPTION_REGION | OPTION_ZONE, overlap = OPTION_OVERLAP;
    bool adds = strcmp(what, "add") == 0, rotates = strcmp(what, "rotate") == 0,
         deletes = strcmp(what, "delete") == 0;
    json_t *json;
    enum steerctl_exit code;
    if (!adds && !rotates && !deletes && strcmp(what, "show") != 0) {
        return steerctl_usage("found \"token %s\", expected add, show, rotate or delete", what);
    }
    if ((ctl->given &
         ((adds ? 0 : scope) | (rotates ? 0 : overlap) | (adds || rotates ? 0 : OPTION_EXPIRES))) != 0) {
        return steerctl_usage("token %s does not take all of these options", what);
    }
    if (((ctl->given & OPTION_CONFIRM) != 0) && !deletes) {
        return steerctl_usage("token %s asks nothing: --yes and --confirm belong to delete", what);
    }
    if (deletes && (code = confirm_typed(ctl, ctl->words[2], "delete it")) != STEERCTL_OK) {
        return code;
    }
    if (adds) {
        code = steerctl_ask_json(ctl, "POST", "/v1/tokens", make_body(ctl, true), &json);
    } else if (rotates) {
        code = steerctl_ask_one(ctl, "POST", "/v1/tokens/", ":rotate", make_body(ctl, false), &json);
    } else {
        code = steerctl_ask_one(ctl, deletes ? "DELETE" : "GET", "/v1/tokens/", "", NULL, &json);
    }
    if (code == STEERCTL_OK && !ctl->json) {
        if (deletes) {
            printf("token %s: lets in nobody any more\n", ctl->words[2]);
        } else {
            (adds || rotates ? show_secret : show_token)(json);
        }
    }
    json_decref(json);
    return code;
}
