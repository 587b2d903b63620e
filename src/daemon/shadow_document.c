/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens in a shadow drill: a document, or losses, which are the short form of one. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"
#include "operate/operate.h"

#include <string.h>

static void list_enrolled(struct server *server, struct arena *arena, struct drill_vantages *list)
{
    lock_take(&server->lock);
    drill_list_enrolled(server->view->health, arena, list);
    lock_leave(&server->lock);
}

int shadow_parse_document(struct server *server, const struct admin_shadow_order *order, struct arena *arena,
                          struct drill_document *document)
{
    struct drill_vantages enrolled;
    list_enrolled(server, arena, &enrolled);
    return drill_parse_document(&(struct drill_source){.path = "the drill",
                                                       .text = order->document,
                                                       .len = order->document_len,
                                                       .report = order->report},
                                &(struct drill_ground){.topology = server->view->topology,
                                                       .vantages = &server->view->server->vantages,
                                                       .enrolled = &enrolled,
                                                       .geo = server->view->geo,
                                                       .geo_count = server->view->geo_count,
                                                       .is_real = true},
                                arena, document);
}

static bool take_losses(struct shadow *shadow, const struct admin_shadow_order *order,
                        struct admin_shadow_result *result)
{
    const struct view *view = shadow->all->server->view;
    struct drill_document *document = shadow->document;
    struct drill_loss *losses = arena_alloc(shadow->arena, order->loss_count * sizeof *losses);
    bool is_refused = strcmp(order->failure, "refused") == 0;
    for (size_t i = 0; i < order->loss_count; i++) {
        if (operate_parse_target(view, order->losses[i], &losses[i].kind, &losses[i].index) != 0) {
            *result = (struct admin_shadow_result){.trouble = ADMIN_SHADOW_LOSS, .what = order->losses[i]};
            return false;
        }
    }
    drill_init_document(document);
    list_enrolled(shadow->all->server, shadow->arena, &document->vantages);
    document->duration_ms = order->duration_ms;
    document->causes =
        drill_list_losses(view->topology, losses, order->loss_count,
                          is_refused ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_TIMEOUT, shadow->arena);
    document->cause_count = order->loss_count;
    shadow->failure = is_refused ? "refused" : "timeout";
    return true;
}

static bool is_listed(const struct shadow *shadow, const char *text)
{
    for (size_t i = 0; i < shadow->lose_count; i++) {
        if (strcmp(shadow->lose[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void list_lost(struct shadow *shadow)
{
    const struct drill_document *document = shadow->document;
    shadow->lose = arena_alloc(shadow->arena, document->cause_count * sizeof *shadow->lose);
    for (size_t i = 0; i < document->cause_count; i++) {
        const struct drill_cause *cause = &document->causes[i];
        if (cause->how != DRILL_RECOVERED && !is_listed(shadow, cause->text)) {
            shadow->lose[shadow->lose_count++] = cause->text;
        }
    }
}

bool shadow_take_document(struct shadow *shadow, const struct admin_shadow_order *order,
                          struct admin_shadow_result *result)
{
    shadow->document = arena_alloc(shadow->arena, sizeof *shadow->document);
    if (order->document == NULL && !take_losses(shadow, order, result)) {
        return false;
    }
    if (order->document != NULL &&
        shadow_parse_document(shadow->all->server, order, shadow->arena, shadow->document) != 0) {
        *result = (struct admin_shadow_result){.trouble = ADMIN_SHADOW_DOCUMENT, .report = order->report};
        return false;
    }
    shadow->duration_ms = drill_document_duration(shadow->document);
    if (shadow->duration_ms < ADMIN_SHADOW_MIN_MS || shadow->duration_ms > ADMIN_SHADOW_MAX_MS) {
        *result = (struct admin_shadow_result){.trouble = ADMIN_SHADOW_DURATION};
        return false;
    }
    list_lost(shadow);
    return true;
}
