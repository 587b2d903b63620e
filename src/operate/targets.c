/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects of the topology and their states, and what changes them from outside: overrides and loads. A view
 * without a topology has no objects. Called by the admin API and drills under the health lock of the
 * application. */
#include "config.h"

#include "operate/operate.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

static const struct operate_host *copy_host(const struct view *view, uint32_t index, struct arena *arena)
{
    const struct view_host *from = &view->hosts[index];
    const struct view_addresses *addresses = view_get_addresses(view, index);
    struct operate_host *host = arena_alloc(arena, sizeof *host);
    host->name = arena_copy_text(arena, from->conf->name);
    host->loop = from->loop == NULL ? NULL : arena_copy_text(arena, from->loop);
    host->state = view_host_state(from);
    for (enum view_family family = VIEW_V4; family < VIEW_FAMILIES; family++) {
        struct view_news *to = &host->families[family];
        *to = from->told[family];
        to->count = addresses->count[family];
        to->addresses = arena_copy(arena, addresses->items[family], to->count * sizeof *to->addresses);
    }
    return host;
}

static void fill_parts(const struct view *view, enum health_kind kind, uint32_t index, struct arena *arena,
                       struct operate_target *target)
{
    const struct conf_topology *topology = view->topology;
    if (kind == HEALTH_ENDPOINT) {
        const struct conf_host *host = topology->endpoints[index].host;
        target->host = host == NULL ? NULL : copy_host(view, host->index, arena);
        target->endpoint = &topology->endpoints[index];
        target->az = arena_copy_text(arena, topology->azs[target->endpoint->az].name);
        target->region = arena_copy_text(arena, topology->regions[target->endpoint->region].name);
    } else if (kind == HEALTH_AZ) {
        target->region = arena_copy_text(arena, topology->regions[topology->azs[index].region].name);
    }
}

static void fill_missing(const struct view *view, uint32_t index, struct arena *arena,
                         struct operate_target *target)
{
    const struct conf_topology *topology = view->topology;
    uint32_t list[OPERATE_MISSING_MAX];
    target->missing_count = health_list_missing(view->health, target->kind, index, list, OPERATE_MISSING_MAX);
    target->missing = arena_alloc(arena, target->missing_count * sizeof *target->missing);
    for (size_t i = 0; i < target->missing_count; i++) {
        const char *name =
            target->kind == HEALTH_AZ ? topology->endpoints[list[i]].name : topology->azs[list[i]].name;
        target->missing[i] = arena_copy_text(arena, name);
    }
}

static void fill_hold(const struct view *view, uint32_t region, struct arena *arena,
                      struct operate_target *target)
{
    const struct health *health = view->health;
    struct health_hold_status status;
    (void)health_get_hold(health, region, &status);
    const char *why = health_describe_hold(health, &status, arena);
    if (why == NULL) {
        return;
    }
    struct operate_hold *hold = arena_alloc(arena, sizeof *hold);
    uint64_t rules = status.is_held ? status.rules : status.keeps;
    *hold =
        (struct operate_hold){.is_return = !status.is_held,
                              .rules = arena_alloc(arena, health_count_guards(health) * sizeof *hold->rules),
                              .since_ms = status.is_held ? status.since_ms : target->status.stay.down_ms,
                              .why = why};
    for (size_t i = 0; i < health_count_guards(health); i++) {
        if ((rules >> i & 1) != 0) {
            hold->rules[hold->rule_count++] = arena_copy_text(arena, health_get_guard_name(health, i));
        }
    }
    target->hold = hold;
}

static void fill_target(const struct view *view, enum health_kind kind, uint32_t index, struct arena *arena,
                        struct operate_target *target)
{
    *target = (struct operate_target){.kind = kind};
    health_get_status(view->health, kind, index, &target->status);
    const struct health_override *override = health_get_override(view->health, kind, index);
    target->override = override == NULL ? NULL : arena_copy(arena, override, sizeof *override);
    target->name = target->status.name = arena_copy_text(arena, target->status.name);
    target->status.stay.rule = arena_copy_text(arena, target->status.stay.rule);
    fill_parts(view, kind, index, arena, target);
    if (kind == HEALTH_REGION) {
        fill_hold(view, index, arena, target);
    }
    if (kind != HEALTH_ENDPOINT && target->status.members_unhealthy != 0) {
        fill_missing(view, index, arena, target);
    }
}

static size_t count_of(const struct view *view, enum health_kind kind)
{
    return view->topology == NULL || view->health == NULL ? 0 : health_count(view->health, kind);
}

int operate_list_group(const struct view *view, const char *name, struct arena *arena,
                       const char *const **names, size_t *count)
{
    const struct conf_topology *topology = view->topology;
    const struct conf_group *group = NULL;
    for (size_t i = 0; topology != NULL && i < topology->group_count && group == NULL; i++) {
        group = strcmp(topology->groups[i].name, name) == 0 ? &topology->groups[i] : NULL;
    }
    if (group == NULL) {
        return ERROR_NOT_FOUND;
    }
    const char **list = arena_alloc(arena, group->endpoint_count * sizeof *list);
    for (size_t i = 0; i < group->endpoint_count; i++) {
        list[i] = arena_copy_text(arena, topology->endpoints[group->endpoints[i]].name);
    }
    *names = list;
    *count = group->endpoint_count;
    return 0;
}

ptrdiff_t operate_find_target(const struct view *view, enum health_kind kind, const char *name)
{
    return count_of(view, kind) == 0 ? -1 : health_find(view->health, kind, name);
}

void operate_list_targets(const struct view *view, enum health_kind kind, struct arena *arena,
                          struct operate_targets *targets)
{
    *targets = (struct operate_targets){.count = count_of(view, kind)};
    operate_list_some(view, kind, arena, targets);
}

void operate_list_some(const struct view *view, enum health_kind kind, struct arena *arena,
                       struct operate_targets *targets)
{
    size_t all = count_of(view, kind), left = targets->first < all ? all - targets->first : 0;
    targets->count = targets->count < left ? targets->count : left;
    targets->items = arena_alloc(arena, targets->count * sizeof *targets->items);
    for (size_t i = 0; i < targets->count; i++) {
        fill_target(view, kind, (uint32_t)(targets->first + i), arena, &targets->items[i]);
    }
}

void operate_list_overridden(const struct view *view, enum health_kind kind, struct arena *arena,
                             struct operate_targets *targets)
{
    size_t all = count_of(view, kind), at = targets->first, count = 0;
    uint32_t *found = arena_alloc(arena, targets->count * sizeof *found);
    for (; at < all && count < targets->count; at++) {
        if (health_get_override(view->health, kind, (uint32_t)at) != NULL) {
            found[count++] = (uint32_t)at;
        }
    }
    targets->first = at;
    targets->count = count;
    targets->items = arena_alloc(arena, count * sizeof *targets->items);
    for (size_t i = 0; i < count; i++) {
        fill_target(view, kind, found[i], arena, &targets->items[i]);
    }
}

int operate_get_target(const struct view *view, enum health_kind kind, const char *name, struct arena *arena,
                       struct operate_target *target)
{
    ptrdiff_t index = operate_find_target(view, kind, name);
    if (index < 0) {
        return ERROR_NOT_FOUND;
    }
    fill_target(view, kind, (uint32_t)index, arena, target);
    return 0;
}

int operate_parse_target(const struct view *view, const char *text, enum health_kind *kind, uint32_t *index)
{
    const char *name;
    if (health_parse_target(text, kind, &name) != 0 || name[0] == '\0') {
        return ERROR_SYNTAX;
    }
    ptrdiff_t found = operate_find_target(view, *kind, name);
    if (found < 0) {
        return ERROR_NOT_FOUND;
    }
    *index = (uint32_t)found;
    return 0;
}

int operate_judge_override(const struct view *view, enum health_kind kind, const char *name,
                           const struct health_override *override, int64_t wall_ms)
{
    ptrdiff_t index = operate_find_target(view, kind, name);
    bool removes = override->desired == HEALTH_DESIRED_AUTO;
    if (index < 0) {
        bool is_dormant =
            removes && view->health != NULL && health_find_dormant(view->health, kind, name) != NULL;
        return is_dormant ? 0 : ERROR_NOT_FOUND;
    }
    if (!removes && override->expires_ms != 0 &&
        (override->expires_ms <= wall_ms || override->expires_ms <= override->starts_ms)) {
        return ERROR_INVALID;
    }
    size_t missing = 0;
    (void)health_find_groups(view->health, override->names, NULL, &missing);
    if (missing != 0) {
        return ERROR_SYNTAX;
    }
    return !removes && health_override_collides(view->health, kind, (uint32_t)index, override)
               ? ERROR_CONFLICT
               : 0;
}

int operate_put_override(const struct view *view, enum health_kind kind, const char *name,
                         const struct health_override *override, int64_t wall_ms)
{
    ptrdiff_t index = operate_find_target(view, kind, name);
    int error = operate_judge_override(view, kind, name, override, wall_ms);
    if (error != 0) {
        return error;
    }
    if (index < 0) {
        (void)health_forget_dormant(view->health, kind, name);
        return 0;
    }
    return health_set_override(view->health, kind, (uint32_t)index, override, wall_ms);
}

size_t operate_list_dormant(const struct view *view, struct health_dormant_cursor *cursor,
                            struct arena *arena, struct health_dormant items[OPERATE_DORMANT_PAGE])
{
    size_t count = 0;
    while (view->health != NULL && count < OPERATE_DORMANT_PAGE) {
        const struct health_dormant *dormant = health_next_dormant(view->health, cursor);
        if (dormant == NULL) {
            break;
        }
        items[count] = *dormant;
        items[count].name = arena_copy_text(arena, dormant->name);
        items[count++].heir = NULL;
    }
    return count;
}

bool operate_seek_dormant(const struct view *view, enum health_kind kind, const char *name,
                          struct health_dormant_cursor *cursor)
{
    return view->health != NULL && health_seek_dormant(view->health, kind, name, cursor);
}

int operate_put_load(const struct view *view, const char *endpoint, const struct health_load_report *report,
                     int64_t wall_ms, int64_t now_ms)
{
    ptrdiff_t index = operate_find_target(view, HEALTH_ENDPOINT, endpoint);
    if (index < 0) {
        return ERROR_NOT_FOUND;
    }
    return report->source == HEALTH_LOAD_NONE
               ? health_forget_load(view->health, (uint32_t)index, wall_ms, now_ms)
               : health_report_load(view->health, (uint32_t)index, report, wall_ms, now_ms);
}

int operate_push(const struct view *view, const char *endpoint, const char *check,
                 const struct health_push *push, int64_t wall_ms, int64_t now_ms, enum health_push_fate *fate)
{
    ptrdiff_t index = operate_find_target(view, HEALTH_ENDPOINT, endpoint);
    if (index < 0) {
        return ERROR_NOT_FOUND;
    }
    int error = ERROR_INVALID;
    size_t count, first = view_find_monitors(view, (uint32_t)index, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct conf_check *one = &view->topology->checks[view->monitors[i].check];
        if (strcmp(one->name, check) != 0) {
            continue;
        }
        if (one->type != CONF_CHECK_PUSH) {
            return ERROR_UNSUPPORTED;
        }
        *fate = health_push(view->health, (uint32_t)i, push, wall_ms, now_ms);
        error = 0;
    }
    return error;
}

int operate_foresee_shed(const struct view *view, const char *endpoint, double load, double *shed)
{
    ptrdiff_t index = operate_find_target(view, HEALTH_ENDPOINT, endpoint);
    if (index < 0) {
        return ERROR_NOT_FOUND;
    }
    *shed = health_foresee_shed(view->health, (uint32_t)index, load);
    return 0;
}

const char *operate_describe_plan(const struct view *view, uint32_t endpoint, enum health_kind kind,
                                  struct arena *arena)
{
    const struct conf_endpoint *parts = &view->topology->endpoints[endpoint];
    const uint32_t at[] = {
        [HEALTH_ENDPOINT] = endpoint, [HEALTH_AZ] = parts->az, [HEALTH_REGION] = parts->region};
    const struct health_override *override = health_get_override(view->health, kind, at[kind]);
    struct health_status status;
    char starts[CLOCK_TEXT_SIZE], text[HEALTH_OVERRIDE_TEXT_SIZE];
    if (override == NULL) {
        return "nothing is planned";
    }
    health_get_status(view->health, kind, at[kind], &status);
    const char *what = arena_print(arena, "%s of %s %s", health_override_text(override, text),
                                   health_kind_text(kind), status.name);
    return status.planned
               ? arena_print(arena, "%s is planned for %s by %s: %s", what,
                             clock_write_rfc3339(override->starts_ms, starts), override->actor,
                             override->reason)
               : arena_print(arena, "%s by %s is not whole yet: %s", what, override->actor, override->reason);
}
