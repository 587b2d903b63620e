/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "steer_world.h"

#include "base/memory.h"

#include <stdlib.h>

struct world *world_new(void)
{
    static const char *const labels[TIERS] = {"a", "b", "c", "d"};
    struct world *w = memory_alloc(sizeof *w);
    w->table = (struct health_table){.endpoint_count = MEMBERS,
                                     .az_count = MEMBERS / 2,
                                     .region_count = TIERS,
                                     .endpoints = w->endpoints,
                                     .azs = w->azs,
                                     .regions = w->regions};
    atomic_init(&w->table.generation, 1);
    for (uint16_t i = 0; i < MEMBERS; i++) {
        w->members[i] =
            (struct steer_member){.endpoint = i, .weight = 10, .types = STEER_HAS_A | STEER_HAS_AAAA};
        w->places[i] = (struct steer_place){.az = i / 2, .region = i / EACH};
        w->indices[i] = i;
    }
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t] =
            (struct steer_tier){.label = labels[t], .members = w->indices + t * EACH, .count = EACH};
    }
    w->class = (struct steer_class){.label = "default", .tiers = w->tiers, .tier_count = TIERS};
    w->policy = (struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                      .fallback = STEER_FALLBACK_NODATA,
                                      .answers = 1,
                                      .member_count = MEMBERS,
                                      .class_count = 1,
                                      .members = w->members,
                                      .places = w->places,
                                      .classes = &w->class};
    struct steer_room room = steer_find_room(&w->policy, 0);
    w->memory = memory_alloc_array(steer_room_size(room), 1);
    steer_choice_init(&w->choice, room, w->memory);
    w->trace.tiers = w->traced;
    return w;
}

void world_free(struct world *w)
{
    free(w->memory);
    free(w);
}

void lose(struct world *w, size_t tier, size_t count)
{
    for (size_t i = 0; i < EACH; i++) {
        w->endpoints[tier * EACH + i] = i < count ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY;
    }
}

bool is_near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

void expect_shares(struct world *w, double a, double b, double c, double d)
{
    const double expected[TIERS] = {a, b, c, d};
    double untraced[TIERS] = {0};
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    for (size_t i = 0; w->choice.source == STEER_FROM_TIER && i < w->choice.part_count; i++) {
        untraced[w->choice.parts[i].tier] += w->choice.parts[i].share;
    }
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    for (size_t t = 0; t < TIERS; t++) {
        if (!is_near(w->traced[t].share, expected[t]) || !is_near(untraced[t], expected[t])) {
            fail_msg("tier %zu has %.6f (untraced %.6f), expected %.6f", t, w->traced[t].share, untraced[t],
                     expected[t]);
        }
    }
}
