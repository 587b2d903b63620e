/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules to JSON. */
#include "config.h"

#include "admin/render_set.h"

json_t *render_objective(const struct admin_objective *objective)
{
    json_t *object = json_object();
    set_text(object, "scope", objective->scope);
    set_text(object, "name", objective->name);
    set_text(object, "from", objective->from);
    set_text(object, "to", objective->to);
    set(object, "rto_ms", number_or_null(objective->rto_ms));
    set(object, "rpo_ms", number_or_null(objective->rpo_ms));
    set(object, "capacity", objective->capacity == 0 ? json_null() : json_real(objective->capacity));
    set(object, "errors", objective->errors == 0 ? json_null() : json_real(objective->errors));
    set(object, "may_move", json_boolean(objective->may_move));
    return object;
}

json_t *render_rule(const struct admin_rule *rule)
{
    const struct operate_rule *judged = &rule->judged;
    json_t *object = json_object(), *applies = json_array(), *bans = json_array();
    if (judged->rule->automatic) {
        json_array_append_new(applies, json_string("automatic"));
    }
    if (judged->rule->manual) {
        json_array_append_new(applies, json_string("manual"));
    }
    set_text(object, "name", judged->rule->name);
    set_text(object, "type", judged->type);
    set(object, "applies_to", applies);
    set(object, "definition", render_value(judged->rule->definition));
    set_text(object, "state", judged->is_violated ? "violated" : "kept");
    set_text(object, "why", judged->why);
    set_text(object, "needs", judged->needs);
    set_time(object, "since", rule->since_ms);
    for (size_t i = 0; i < rule->ban_count; i++) {
        json_t *ban = json_object();
        set_text(ban, "from", rule->bans[i].from);
        set_text(ban, "to", rule->bans[i].to);
        json_array_append_new(bans, ban);
    }
    set(object, "forbids", bans);
    set(object, "holds", render_texts(rule->holds, rule->hold_count));
    return object;
}

json_t *render_violated(const struct operate_rules *rules)
{
    json_t *items = json_array();
    for (size_t i = 0; i < rules->count; i++) {
        const struct operate_rule *rule = &rules->items[i];
        if (rule->is_violated) {
            json_t *item = json_object();
            set_text(item, "rule", rule->rule->name);
            set_text(item, "type", rule->type);
            set_text(item, "message", rule->why);
            set_text(item, "needs", rule->needs);
            set_time(item, "from", rule->from_ms);
            json_array_append_new(items, item);
        }
    }
    return items;
}
