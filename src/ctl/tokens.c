/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tokens of those who come to the admin API from elsewhere: a table of them, and making and ending them. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

#include <string.h>

/* "us-east, zone example.com.", "all" */
#define SCOPE "[{regions:, }[?zones|, ]][zone {zones:, zone }][!regions|[!zones|all]]"

static const struct template_row columns[] = {ROW("TOKEN", "{name}"),
                                              ROW("ROLE", "{role}"),
                                              ROW("SCOPE", SCOPE),
                                              ROW("EXPIRES", "[?expired|expired][!expired|{expires:age}]"),
                                              ROW("USED", "{used:age}"),
                                              ROW("MADE BY", "{made_by}"),
                                              ROW_END};

enum steerctl_exit run_tokens(const struct steerctl *ctl)
{
    return steerctl_ask_rows(ctl, "/v1/tokens", columns);
}

/* ---- one of them ---- */

static const struct template_row lines[] = {ROW("token", "{name}"),      ROW("role", "{role}"),
                                            ROW("scope", SCOPE),         ROW("made", "{made}"),
                                            ROW("made by", "{made_by}"), ROW("expires", "{expires}"),
                                            ROW("rotated", "{rotated}"), ROW("overlap", "{overlap}"),
                                            ROW("used", "{used}"),       ROW_END};

static const char secret[] =
    "{name|=-} may come until {expires|=-} with this token, which is not shown again:\n\n"
    "  {secret|=-}[\n\nThe one before is good until {overlap}.]";

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
    json_t *body = steerctl_make_body(ctl);
    steerctl_set(body, "name", is_new ? ctl->words[2] : NULL);
    steerctl_set(body, "role", ctl->role);
    set_names(body, "regions", ctl->region);
    set_names(body, "zones", ctl->zone);
    steerctl_set(body, "expires_in", ctl->expires);
    steerctl_set(body, "overlap", ctl->overlap);
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
            adds || rotates ? template_print(secret, json) : template_lines(ctl, lines, json);
        }
    }
    json_decref(json);
    return code;
}
