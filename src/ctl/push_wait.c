/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A bundle is to be active. */
#include "config.h"

#include "ctl/verbs.h"

enum steerctl_exit push_activate(const struct steerctl *ctl, const char *id)
{
    json_t *json;
    struct buffer target;
    buffer_init(&target);
    buffer_print(&target, "/v1/bundles/%s:activate", id);
    json_t *body = json_object();
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, body, &json);
    buffer_fini(&target);
    json_decref(json);
    return code;
}

enum steerctl_exit push_cancel(const struct steerctl *ctl)
{
    json_t *json, *body = json_object();
    steerctl_set(body, "reason", ctl->reason);
    steerctl_set(body, "actor", ctl->actor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", "/v1/bundles:cancel", body, &json);
    json_decref(json);
    return code;
}
