/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is the server one to be asked, as an exit code for anycast daemons; and the orders that it is not, or is
 * again. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static const struct template_row lines[] = {ROW("serving", "[?serving|yes][!serving|NO]"),
                                            ROW("?withdrawn by", "{withdrawn_by}"),
                                            ROW("?since", "[?withdrawn_by|{since|=-}]"),
                                            ROW("?how", "[?withdrawn_by|{how|=-}]"),
                                            ROW("?reason", "[?withdrawn_by|{reason|=-}]"),
                                            ROW("?announces", "[?withdrawn_by|{announces|=-}]"),
                                            ROW("?CUT OFF since", "[?cut_off|{cut_off_since|=-}]"),
                                            ROW("?withdraws", "[?cut_off|{withdraws|=-}]"),
                                            ROW_END};

static const struct template_row command_lines[] = {
    ROW("command told", "{settled}"),
    ROW("?command", "[+failures|FAILED {failures} times, tried again: {outcome|=-} {output|=-:.200}]"),
    ROW_END};

static void show_serving(const struct steerctl *ctl, const json_t *json)
{
    const char *kind;
    const json_t *sign;
    template_lines(ctl, lines, json);
    json_object_foreach((json_t *)(uintptr_t)json_object_get(json, "heard"), kind, sign)
    {
        char label[32];
        snprintf(label, sizeof label, "?%s heard", kind);
        template_lines(ctl, (struct template_row[]){ROW(label, "[+known|{heard} of {known}]"), ROW_END},
                       sign);
    }
    template_lines(ctl, command_lines, json_object_get(json, "command"));
}

static enum steerctl_exit order(const struct steerctl *ctl, bool withdraws)
{
    json_t *body = steerctl_make_body(ctl);
    json_object_set_new(body, "withdrawn", json_boolean(withdraws));
    return steerctl_ask_show(ctl, "PUT", "/v1/serving", body, show_serving);
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
        show_serving(ctl, reply.json);
    }
    steerctl_reply_fini(&reply);
    return serves ? STEERCTL_OK : STEERCTL_CHECK_FAILED;
}
