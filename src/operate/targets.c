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

static void fill_target(const struct view *view, enum health_kind kind, uint32_t index, struct arena *arena,
                        struct operate_target *target)
{
    *target = (struct operate_target){.kind = kind};
    health_get_status(view->health, kind, index, &target->status);
    const struct health_override *override = health_get_override(view->health, kind, index);
    target->override = override == NULL ? NULL : arena_copy(arena, override, sizeof *override);
    target->name = target->status.name = arena_copy_text(arena, target->status.name);
    fill_parts(view, kind, index, arena, target);
}

static size_t count_of(const struct view *view, enum health_kind kind)
{
    return view->topology == NULL || view->health == NULL ? 0 : health_count(view->health, kind);
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
    const char *colon = strchr(text, ':');
    char word[16];
    if (colon == NULL || (size_t)(colon - text) >= sizeof word || colon[1] == '\0') {
        return ERROR_SYNTAX;
    }
    memcpy(word, text, (size_t)(colon - text));
    word[colon - text] = '\0';
    if (health_parse_kind(word, kind) != 0) {
        return ERROR_SYNTAX;
    }
    ptrdiff_t found = operate_find_target(view, *kind, colon + 1);
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
    struct health_status status;
    if (index < 0) {
        bool is_dormant =
            removes && view->health != NULL && health_find_dormant(view->health, kind, name) != NULL;
        return is_dormant ? 0 : ERROR_NOT_FOUND;
    }
    if (!removes && override->expires_ms != 0 &&
        (override->expires_ms <= wall_ms || override->expires_ms <= override->starts_ms)) {
        return ERROR_INVALID;
    }
    health_get_status(view->health, kind, (uint32_t)index, &status);
    return !removes && override->starts_ms != 0 && status.desired != HEALTH_DESIRED_AUTO ? ERROR_CONFLICT : 0;
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

size_t operate_list_dormant(const struct view *view, struct arena *arena, struct health_dormant **items)
{
    size_t count = view->health == NULL ? 0 : health_count_dormant(view->health);
    *items = arena_alloc(arena, count * sizeof **items);
    for (size_t i = 0; i < count; i++) {
        (*items)[i] = *health_get_dormant(view->health, i);
        (*items)[i].name = arena_copy_text(arena, (*items)[i].name);
        (*items)[i].heir = NULL;
    }
    return count;
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

int operate_foresee_shed(const struct view *view, const char *endpoint, double load, double *shed)
{
    ptrdiff_t index = operate_find_target(view, HEALTH_ENDPOINT, endpoint);
    if (index < 0) {
        return ERROR_NOT_FOUND;
    }
    *shed = health_foresee_shed(view->health, (uint32_t)index, load);
    return 0;
}

const char *operate_describe_plan(const struct view *view, uint32_t endpoint, struct arena *arena)
{
    const struct conf_endpoint *parts = &view->topology->endpoints[endpoint];
    const uint32_t at[] = {
        [HEALTH_ENDPOINT] = endpoint, [HEALTH_AZ] = parts->az, [HEALTH_REGION] = parts->region};
    const struct health_table *table = view->table;
    enum health_kind kind;
    struct health_status status;
    char starts[CLOCK_TEXT_SIZE];
    if (!health_find_planned(atomic_load(&table->endpoints[endpoint]), atomic_load(&table->azs[parts->az]),
                             atomic_load(&table->regions[parts->region]), &kind)) {
        return "nothing is planned";
    }
    const struct health_override *override = health_get_override(view->health, kind, at[kind]);
    health_get_status(view->health, kind, at[kind], &status);
    return arena_print(arena, "%s of %s %s is planned for %s by %s: %s",
                       health_desired_text(override->desired), health_kind_text(kind), status.name,
                       clock_write_rfc3339(override->starts_ms, starts), override->actor, override->reason);
}
