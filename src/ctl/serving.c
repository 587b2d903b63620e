/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is the server one to be asked, as an exit code for anycast daemons; and the orders that it is not, or is
 * again. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static void show_heard(const json_t *heard)
{
    const char *kind;
    const json_t *sign;
    char text[TABLE_CELL_SIZE], one[TEXT_NUMBER_SIZE], other[TEXT_NUMBER_SIZE], label[32];
    json_object_foreach((json_t *)(uintptr_t)heard, kind, sign)
    {
        if (json_integer_value(json_object_get(sign, "known")) != 0) {
            snprintf(text, sizeof text, "%s of %s", text_number(sign, "heard", one),
                     text_number(sign, "known", other));
            snprintf(label, sizeof label, "%s heard", kind);
            text_line(label, text);
        }
    }
}

static void show_command(const json_t *command)
{
    char failures[TEXT_NUMBER_SIZE], text[TABLE_CELL_SIZE];
    if (!json_is_object(command)) {
        return;
    }
    text_line("command told", text_or_dash(text_of(command, "settled")));
    if (json_integer_value(json_object_get(command, "failures")) != 0) {
        snprintf(text, sizeof text, "FAILED %s times, tried again: %.200s %.200s",
                 text_number(command, "failures", failures), text_or_dash(text_of(command, "outcome")),
                 text_or_dash(text_of(command, "output")));
        text_line("command", text);
    }
}

static void show_serving(const json_t *json)
{
    const char *by = text_of(json, "withdrawn_by");
    text_line("serving", is_true(json, "serving") ? "yes" : "NO");
    if (by != NULL) {
        text_line("withdrawn by", by);
        text_line("since", text_of(json, "since"));
        text_line("how", text_of(json, "how"));
        text_line("reason", text_of(json, "reason"));
        text_line("announces", text_of(json, "announces"));
    }
    if (is_true(json, "cut_off")) {
        text_line("CUT OFF since", text_of(json, "cut_off_since"));
        text_line("withdraws", text_of(json, "withdraws"));
    }
    show_heard(json_object_get(json, "heard"));
    show_command(json_object_get(json, "command"));
}

static enum steerctl_exit order(const struct steerctl *ctl, bool withdraws)
{
    json_t *json, *body = json_object();
    json_object_set_new(body, "withdrawn", json_boolean(withdraws));
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "PUT", "/v1/serving", body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_serving(json);
    }
    json_decref(json);
    return code;
}

enum steerctl_exit run_withdraw(const struct steerctl *ctl)
{
    bool withdraws = strcmp(ctl->words[0], "withdraw") == 0;
    if (withdraws && ctl->reason == NULL) {
        return steerctl_usage("withdraw needs --reason TEXT");
    }
    return order(ctl, withdraws);
}

/* 503 is an answer here, too. */
enum steerctl_exit run_serving(const struct steerctl *ctl)
{
    struct steerctl_reply reply;
    enum { HTTP_OK = 200, HTTP_UNAVAILABLE = 503 };
    if (!steerctl_ask(ctl, "GET", "/v1/serving", NULL, &reply)) {
        return STEERCTL_UNREACHABLE;
    }
    bool is_answer = json_is_boolean(json_object_get(reply.json, "serving")) &&
                     (reply.status == HTTP_OK || reply.status == HTTP_UNAVAILABLE);
    bool serves = is_answer && is_true(reply.json, "serving");
    if (!is_answer) {
        enum steerctl_exit code = steerctl_judge(ctl, &reply);
        steerctl_reply_fini(&reply);
        return code == STEERCTL_OK ? STEERCTL_UNREACHABLE : code;
    }
    if (ctl->json) {
        text_print_json(reply.json, JSON_COMPACT);
    } else {
        show_serving(reply.json);
    }
    steerctl_reply_fini(&reply);
    return serves ? STEERCTL_OK : STEERCTL_CHECK_FAILED;
}
