/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is told of safety rules. */
#include "config.h"

#include "daemon/changes.h"

#include <stdio.h>
#include <string.h>

void changes_tell_rule(struct changes *changes, const struct changes_rule *rule)
{
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    snprintf(name, sizeof name, "rule:%s", rule->name);
    change_body_init(&body);
    change_body_add(&body, "state", rule->is_violated ? "violated" : "kept");
    change_body_add(&body, "why", rule->why);
    change_body_add(&body, "needs", rule->needs);
    changes_publish(changes, &(struct change){.kind = CHANGE_RULE, .name = name, .body = body.text});
}

static const char *say(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

void changes_tell_overridden(struct changes *changes, const char *rules,
                             const struct changes_overriding *overriding)
{
    char name[CHANGE_NAME_MAX + 1];
    for (const char *at = rules; *at != '\0'; at += strspn(at, ",")) {
        size_t len = strcspn(at, ",");
        struct change_body body;
        change_body_init(&body);
        change_body_add(&body, "turn", "overridden");
        change_body_add(&body, "by", overriding->by);
        change_body_add(&body, "target", overriding->target);
        snprintf(name, sizeof name, "rule:%.*s", (int)len, at);
        changes_publish(changes, &(struct change){.kind = CHANGE_RULE,
                                                  .name = name,
                                                  .actor = say(overriding->actor),
                                                  .peer = say(overriding->peer),
                                                  .reason = say(overriding->reason),
                                                  .body = body.text});
        at += len;
    }
}

void changes_tell_released(struct changes *changes, const char *rule, const char *region,
                           const struct health_override *who)
{
    char name[CHANGE_NAME_MAX + 1], target[CHANGE_NAME_MAX + 1];
    struct change_body body;
    snprintf(name, sizeof name, "rule:%s", rule);
    snprintf(target, sizeof target, "region:%s", region);
    change_body_init(&body);
    change_body_add(&body, "turn", "released");
    change_body_add(&body, "target", target);
    changes_publish(changes, &(struct change){.kind = CHANGE_RULE,
                                              .name = name,
                                              .actor = who->actor,
                                              .peer = who->peer[0] == '\0' ? NULL : who->peer,
                                              .reason = who->reason[0] == '\0' ? NULL : who->reason,
                                              .body = body.text});
}
