/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Assumptions: overrides on a copy of a view, which has a state of its own over the same content. Whatever
 * reads a view (answers, explain, reports) reads the copy alike, so nothing has to know that it is one. */
#include "config.h"

#include "operate/operate.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "20": of a drain in part. */
static int parse_share(const char *text, uint8_t *share)
{
    char *end;
    unsigned long value = text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (value == 0 || value >= HEALTH_RAMP_WHOLE || *end != '\0') {
        return ERROR_SYNTAX;
    }
    *share = (uint8_t)value;
    return 0;
}

/* The states as overrides spell them, and as people say them. */
static int parse_state(const char *text, struct operate_assumption *assumption)
{
    static const char partly[] = "drain:";
    if (strncmp(text, partly, sizeof partly - 1) == 0) {
        assumption->desired = HEALTH_DESIRED_DRAIN;
        return parse_share(text + sizeof partly - 1, &assumption->share);
    }
    if (strcmp(text, "drained") == 0) {
        assumption->desired = HEALTH_DESIRED_DRAIN;
        return 0;
    }
    return health_parse_desired(text, &assumption->desired);
}

int operate_parse_assumption(const struct view *view, const char *text, struct operate_assumption *assumption)
{
    assumption->to = assumption->names = NULL;
    assumption->share = 0;
    const char *equals = strrchr(text, '=');
    if (equals == NULL || parse_state(equals + 1, assumption) != 0) {
        return ERROR_SYNTAX;
    }
    char *target = memory_copy_text(text);
    target[equals - text] = '\0';
    int error = operate_parse_target(view, target, &assumption->kind, &assumption->index);
    free(target);
    return error;
}

enum health_state operate_find_state(const struct view *view, uint32_t endpoint, uint32_t group)
{
    const struct conf_endpoint *conf = &view->topology->endpoints[endpoint];
    return health_table_effective_within(view->table, endpoint, conf->az, conf->region, HEALTH_ANY, group)
        .state;
}

/* Also where an order would be refused because it lets somebody back: what is assumed is what is then. */
static void put(struct health *health, const struct operate_assumption *of,
                const struct health_override *override, int64_t wall_ms)
{
    const struct health_override none = {.desired = HEALTH_DESIRED_AUTO};
    if (override->desired != HEALTH_DESIRED_AUTO &&
        health_override_collides(health, of->kind, of->index, override)) {
        health_set_override(health, of->kind, of->index, &none, wall_ms);
    }
    health_set_override(health, of->kind, of->index, override, wall_ms);
}

void operate_assume(struct view *copy, const struct operate_assumption *assumptions, size_t count,
                    int64_t wall_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct health_override override = {.desired = assumptions[i].desired,
                                           .set_ms = wall_ms,
                                           .reason = "an assumption",
                                           .actor = "what-if"};
        snprintf(override.to, sizeof override.to, "%s", assumptions[i].to == NULL ? "" : assumptions[i].to);
        snprintf(override.names, sizeof override.names, "%s",
                 assumptions[i].names == NULL ? "" : assumptions[i].names);
        override.share = assumptions[i].share;
        put(copy->health, &assumptions[i], &override, wall_ms);
    }
}

const char *operate_write_assumption(const struct view *view, const struct operate_assumption *assumption,
                                     struct arena *arena)
{
    struct health_status status;
    health_get_status(view->health, assumption->kind, assumption->index, &status);
    const char *state = health_desired_text(assumption->desired);
    return assumption->share == 0
               ? arena_print(arena, "%s:%s=%s", health_kind_text(assumption->kind), status.name, state)
               : arena_print(arena, "%s:%s=%s:%u", health_kind_text(assumption->kind), status.name, state,
                             assumption->share);
}
