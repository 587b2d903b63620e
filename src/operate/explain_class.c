/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Explain: who the client is, which rule took it to which class, and for whom else the answer holds. */
#include "config.h"

#include "operate/explain_parts.h"

#include "base/buffer.h"
#include "dns/types.h"

/* "DE, EU, US-VA, Paris, AS64496 at 48.9 2.4" */
static const char *describe_place(struct explain_work *w, const struct geo_place *place)
{
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, place->country);
    if (place->continent[0] != '\0') {
        buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", place->continent);
    }
    for (size_t i = 0; i < place->subdivision_count; i++) {
        buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", place->subdivisions[i]);
    }
    if (place->city != NULL) {
        buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", place->city);
    }
    if (place->asn != 0) {
        buffer_print(&text, "%sAS%u", text.len == 0 ? "" : ", ", place->asn);
    }
    if (place->has_location) {
        buffer_print(&text, "%s%.2f %.2f", text.len == 0 ? "" : " at ", place->latitude, place->longitude);
    }
    const char *copy = text.len == 0 ? NULL : arena_copy_text(w->arena, text.bytes);
    buffer_fini(&text);
    return copy;
}

static const char *prefix_text(struct explain_work *w, const struct addr *addr, unsigned len)
{
    char text[ADDR_TEXT_SIZE];
    struct addr_prefix prefix = {.addr = *addr, .len = (uint8_t)len};
    addr_mask(&prefix.addr, len);
    return arena_print(w->arena, "%s/%u", addr_write(&prefix.addr, text), len);
}

/* Which rule, and what is known of the client. */
static void describe_geo(struct explain_work *w)
{
    const struct view *view = w->view;
    struct operate_geo *geo = arena_alloc(w->arena, sizeof *geo);
    bool known = geo_find_place(view->geo, view->geo_count, w->client, w->arena, &geo->place);
    struct geo_reason reason = geo_explain(w->policy->geo, view->geo, view->geo_count, w->client);
    geo->network = prefix_text(w, w->client, w->geo_scope);
    const char *place = known ? describe_place(w, &geo->place) : NULL;
    if (place != NULL) {
        explain_say(w, "client %s is in %s", w->to->client, place);
    } else {
        explain_say(w, "no geo database knows anything of client %s", w->to->client);
    }
    if (reason.prefix.addr.family != ADDR_NONE) {
        geo->cidr = prefix_text(w, &reason.prefix.addr, reason.prefix.len);
    }
    if (reason.rule != -1) {
        const char *label = w->policy->geo_label == NULL ? "geo" : w->policy->geo_label;
        geo->rule = arena_print(w->arena, "%s[%td]", label, reason.rule);
        explain_say(w, "rule %s matches%s%s", geo->rule, geo->cidr == NULL ? "" : " by its prefix ",
                    geo->cidr == NULL ? "" : geo->cidr);
    } else {
        explain_say(w, "no rule matches");
    }
    w->to->geo = geo;
}

void explain_class(struct explain_work *w)
{
    static const struct addr unknown = {.family = ADDR_NONE};
    if (w->policy->geo != NULL) {
        struct geo_match match = steer_find_class(w->policy, w->client == NULL ? &unknown : w->client);
        w->class_id = match.class_id;
        w->geo_scope = w->policy->ignores_subnet ? 0 : match.scope;
    }
    w->to->class_label = arena_copy_text(w->arena, w->policy->classes[w->class_id].label);
    if (w->policy->geo == NULL) {
        explain_say(w, "there are no geo rules: every client is of class %s", w->to->class_label);
    } else if (w->client == NULL) {
        explain_say(w, "no client address was given: class %s", w->to->class_label);
    } else if (w->policy->ignores_subnet) {
        describe_geo(w);
        explain_say(w, "resolver %s is of class %s; what it says of its clients does not count",
                    w->to->client, w->to->class_label);
    } else {
        describe_geo(w);
        explain_say(w, "client %s is of class %s; the same holds for its /%u", w->to->client,
                    w->to->class_label, w->geo_scope);
    }
}

/* ---- the scope of the reply ---- */

/* The reply says it; why it is so follows from what decided. */
void explain_scope(struct explain_work *w)
{
    struct operate_explanation *to = w->to;
    to->scope = w->reply.scope;
    if (w->client == NULL || w->policy == NULL || (w->policy->geo == NULL && to->sticks == NULL)) {
        return;
    }
    if (to->scope == 0 && to->answer_count == 0 && w->geo_scope != 0) {
        to->scope_reason = "negative";
        explain_say(w, "ECS scope 0: resolvers take a negative answer for one of every client");
    } else if (to->sticks != NULL && to->scope > w->geo_scope) {
        to->scope_reason = "sticky";
        explain_say(w, "ECS scope %u: clients of one prefix of that length stick together", to->scope);
    } else if (to->scope != 0) {
        to->scope_reason = "geo";
        explain_say(w, "ECS scope %u: geography tells clients of %s from others", to->scope,
                    prefix_text(w, w->client, to->scope));
    } else {
        explain_say(w, "ECS scope 0: the answer holds for every client");
    }
}
