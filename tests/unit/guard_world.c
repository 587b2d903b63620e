/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "guard_world.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t guard_wall = WALL;

struct health *guard_machine(void)
{
    guard_wall = WALL;
    return guard_machine_of(0);
}

struct health *guard_machine_of(unsigned variant)
{
    double lost_at = (variant & GUARD_IS_FRAIL) != 0 ? 0.5 : 1;
    const struct health_region_plan regions[] = {{"us", 1}, {"eu", lost_at}, {"ap", 1}, {"sa", lost_at}};
    static const uint32_t all[] = {US, EU, AP, SA};
    static const struct health_guard_plan rules[RULES + 1] = {
        [TWO_LOST] = {.name = "two-lost", .regions = all, .region_count = REGIONS, .limit = 2},
        [LAG] = {.name = "lag"},
        [FREEZE] = {.name = "freeze"},
        [WAIT] = {.name = "wait", .wait_ms = WAIT_MS}};
    struct health_az_plan azs[ENDPOINTS];
    struct health_endpoint_plan endpoints[ENDPOINTS];
    struct health_monitor_plan monitors[ENDPOINTS];
    struct health_way ways[WAYS];
    char names[ENDPOINTS][2];
    size_t way_count = 0;
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        snprintf(names[i], sizeof names[i], "%c", 'a' + (int)i);
        azs[i] = (struct health_az_plan){names[i], i / 2, 1};
        endpoints[i] = (struct health_endpoint_plan){names[i], i};
        monitors[i] = (struct health_monitor_plan){i, 1, 1, 100 + i, 0};
    }
    for (uint32_t i = 0; i < REGIONS * REGIONS; i++) {
        if (i / REGIONS != i % REGIONS) {
            ways[way_count++] = (struct health_way){i % REGIONS, i / REGIONS};
        }
    }
    const struct health_guards_plan guards = {rules, RULES + (variant & GUARD_WAITS), ways, way_count};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = REGIONS,
                                     .azs = azs,
                                     .az_count = ENDPOINTS,
                                     .endpoints = endpoints,
                                     .endpoint_count = ENDPOINTS,
                                     .monitors = monitors,
                                     .monitor_count = ENDPOINTS,
                                     .guards = &guards};
    struct health *health = health_new(&plan, guard_wall);
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        guard_heal(health, i);
    }
    return health;
}

struct name *guard_name(const char *tiers)
{
    struct name *name = memory_alloc(sizeof *name);
    uint16_t count = 0;
    for (uint16_t i = 0; i < ENDPOINTS; i++) {
        name->members[i] = (struct steer_member){.endpoint = i, .weight = 1, .types = STEER_HAS_A};
        name->places[i] = (struct steer_place){.az = i, .region = i / 2};
    }
    struct steer_tier *tier = name->tiers;
    tier->members = name->indices;
    for (; *tiers != '\0'; tiers++) {
        if (*tiers == ',') {
            (++tier)->members = name->indices + count;
        } else {
            name->indices[count++] = (uint16_t)(*tiers - 'a');
            tier->count++;
        }
        tier->label = "";
    }
    name->class = (struct steer_class){
        .label = "default", .tiers = name->tiers, .tier_count = (uint16_t)(tier - name->tiers + 1)};
    name->policy = (struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                         .fallback = STEER_FALLBACK_FIRST,
                                         .answers = 1,
                                         .member_count = ENDPOINTS,
                                         .class_count = 1,
                                         .members = name->members,
                                         .places = name->places,
                                         .classes = &name->class};
    struct steer_room room = steer_find_room(&name->policy, 0);
    name->memory = memory_alloc_array(steer_room_size(room), 1);
    steer_choice_init(&name->choice, room, name->memory);
    return name;
}

void guard_name_free(struct name *name)
{
    free(name->memory);
    free(name);
}

void guard_ask(struct name *name, const struct health_table *table)
{
    steer_evaluate(&name->policy, (struct steer_ask){.types = STEER_HAS_A}, table, &name->choice, NULL);
}

const char *guard_answer(struct name *name, const struct health *health)
{
    static char text[64];
    const struct steer_choice *choice = &name->choice;
    guard_ask(name, health_get_table(health));
    size_t len = 0;
    if (choice->source != STEER_FROM_TIER) {
        len = (size_t)snprintf(text, sizeof text, "%s%s", steer_source_text(choice->source),
                               choice->count == 0 ? "" : " ");
    }
    for (size_t i = 0; i < choice->part_count; i++) {
        for (size_t j = 0; j < choice->parts[i].count; j++) {
            text[len++] = (char)('a' + choice->members[choice->parts[i].first + j]);
        }
        if (choice->part_count > 1) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%.0f", 100 * choice->parts[i].share);
        }
    }
    text[len] = '\0';
    return text;
}

void guard_lose(struct health *health, uint32_t endpoint)
{
    health_observe(health, endpoint, HEALTH_OUTCOME_TIMEOUT, guard_wall, 0, 0);
}

void guard_heal(struct health *health, uint32_t endpoint)
{
    health_observe(health, endpoint, HEALTH_OUTCOME_OK, guard_wall, 0, 0);
}

void guard_forbid(struct health *health, size_t rule, uint32_t from, uint32_t to, bool forbids)
{
    assert_int_equal(health_forbid(health, rule, from, to, forbids, guard_wall), 0);
}

void guard_order(struct health *health, enum health_kind kind, uint32_t index, enum health_desired desired)
{
    const struct health_override override = {.desired = desired, .set_ms = guard_wall};
    assert_int_equal(health_set_override(health, kind, index, &override, guard_wall), 0);
}
