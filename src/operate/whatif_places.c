/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where traffic goes before and after, and how full that makes places. Shares are gathered by endpoint and
 * summed up to azs and regions; work of a row is per member of its policy, whatever the topology's size. */
#include "config.h"

#include "operate/whatif_internal.h"

#include "operate/choice.h"

#include <string.h>

#define UNKNOWN    (-1.0)
#define NOTHING    1e-9
#define A_BIT_MORE 1.001 /* what rounding may make of "just full" */

void whatif_init_tally(struct whatif *w, struct whatif_tally *tally)
{
    for (int side = 0; side < 2; side++) {
        tally->endpoints[side] = arena_alloc(w->scratch, w->topology->endpoint_count * sizeof(double));
        tally->azs[side] = arena_alloc(w->scratch, w->topology->az_count * sizeof(double));
        tally->regions[side] = arena_alloc(w->scratch, w->topology->region_count * sizeof(double));
        tally->az_capacity[side] = arena_alloc(w->scratch, w->topology->az_count * sizeof(double));
        tally->region_capacity[side] = arena_alloc(w->scratch, w->topology->region_count * sizeof(double));
        tally->nowhere[side] = 0;
    }
}

void whatif_add_shares(struct whatif *w, const struct steer_policy *policy,
                       const struct steer_choice choice[2], double weight, struct whatif_tally *tally)
{
    for (int side = 0; side < 2; side++) {
        if (choice[side].count == 0) {
            tally->nowhere[side] += weight;
        }
        operate_find_shares(policy, &choice[side], w->shares);
        for (size_t i = 0; i < choice[side].count; i++) {
            uint32_t endpoint = policy->members[choice[side].members[i]].endpoint;
            tally->endpoints[side][endpoint] += weight * w->shares[i];
        }
    }
}

/* ---- from endpoints upwards ---- */

static void add_capacity(double *sum, uint32_t capacity)
{
    *sum = capacity == 0 || *sum < 0 ? UNKNOWN : *sum + capacity;
}

static void sum_up_endpoint(const struct whatif *w, uint32_t index, struct whatif_tally *tally)
{
    const struct conf_endpoint *endpoint = &w->topology->endpoints[index];
    for (int side = 0; side < 2; side++) {
        double share = tally->endpoints[side][index];
        if (share > 0) {
            tally->azs[side][endpoint->az] += share;
            tally->regions[side][endpoint->region] += share;
            add_capacity(&tally->az_capacity[side][endpoint->az], endpoint->capacity);
            add_capacity(&tally->region_capacity[side][endpoint->region], endpoint->capacity);
        }
    }
}

void whatif_sum_up(const struct whatif *w, const struct steer_policy *policy, struct whatif_tally *tally)
{
    if (policy == NULL) {
        for (uint32_t i = 0; i < w->topology->endpoint_count; i++) {
            sum_up_endpoint(w, i, tally);
        }
        return;
    }
    for (size_t i = 0; i < policy->member_count; i++) {
        sum_up_endpoint(w, policy->members[i].endpoint, tally);
    }
}

void whatif_clear(const struct whatif *w, const struct steer_policy *policy, struct whatif_tally *tally)
{
    for (size_t i = 0; i < policy->member_count; i++) {
        const struct conf_endpoint *endpoint = &w->topology->endpoints[policy->members[i].endpoint];
        for (int side = 0; side < 2; side++) {
            tally->endpoints[side][policy->members[i].endpoint] = 0;
            tally->azs[side][endpoint->az] = tally->regions[side][endpoint->region] = 0;
            tally->az_capacity[side][endpoint->az] = tally->region_capacity[side][endpoint->region] = 0;
        }
    }
    tally->nowhere[0] = tally->nowhere[1] = 0;
}

/* ---- loads ---- */

/* The least of `room` and what some places have; 0: not known. */
static double least_room(const double *shares, const double *capacities, size_t count, double room)
{
    for (size_t i = 0; i < count; i++) {
        if (shares[i] > 0 && capacities[i] > 0 && (room <= 0 || capacities[i] / shares[i] < room)) {
            room = capacities[i] / shares[i];
        }
    }
    return room;
}

double whatif_find_room(const struct whatif *w, const struct whatif_tally *tally, int side)
{
    double room =
        least_room(tally->regions[side], tally->region_capacity[side], w->topology->region_count, 0);
    return least_room(tally->azs[side], tally->az_capacity[side], w->topology->az_count, room);
}

static double find_load(double share, double capacity, double traffic)
{
    if (traffic <= 0 || (share > 0 && capacity <= 0)) {
        return UNKNOWN;
    }
    return share > 0 ? traffic * share / capacity : 0;
}

bool whatif_overloads(const struct whatif *w, const struct whatif_tally *tally)
{
    double before = whatif_find_room(w, tally, 0), after = whatif_find_room(w, tally, 1);
    return before > 0 && after > 0 && before > after * A_BIT_MORE;
}

/* Rounding aside; both sides of a member of the policy at a time. */
bool whatif_moves(const struct steer_policy *policy, const struct whatif_tally *tally)
{
    for (size_t i = 0; i < policy->member_count; i++) {
        uint32_t endpoint = policy->members[i].endpoint;
        double moved = tally->endpoints[1][endpoint] - tally->endpoints[0][endpoint];
        if (moved > NOTHING || moved < -NOTHING) {
            return true;
        }
    }
    return false;
}

/* ---- lists ---- */

/* Places of a kind: their shares and capacities. */
struct level {
    const double *share[2], *capacity[2];
    size_t count;
};

static bool has_share(const struct level *level, size_t index)
{
    return level->share[0][index] > 0 || level->share[1][index] > 0;
}

static struct operate_place make_place(const char *name, const double share[2], const double capacity[2],
                                       double traffic)
{
    struct operate_place place = {.name = name};
    for (int side = 0; side < 2; side++) {
        place.share[side] = share[side];
        place.capacity[side] = share[side] > 0 && capacity[side] > 0 ? capacity[side] : 0;
        place.load[side] = find_load(share[side], capacity[side], traffic);
    }
    return place;
}

/* room: for how many more there is to be place. */
static void start_list(const struct whatif *w, const struct level *level, size_t room,
                       struct operate_places *places)
{
    *places = (struct operate_places){.total = 0};
    for (size_t i = 0; i < level->count; i++) {
        places->total += has_share(level, i);
    }
    places->items = arena_alloc(w->arena, (places->total + room) * sizeof *places->items);
}

static struct operate_place place_at(const struct level *level, size_t index, const char *name,
                                     double traffic)
{
    const double share[] = {level->share[0][index], level->share[1][index]},
                 capacity[] = {level->capacity[0][index], level->capacity[1][index]};
    return make_place(name, share, capacity, traffic);
}

void whatif_list_regions(const struct whatif *w, const struct whatif_tally *tally, double traffic,
                         struct operate_places *places)
{
    static const double none[2] = {0, 0};
    const struct level level = {{tally->regions[0], tally->regions[1]},
                                {tally->region_capacity[0], tally->region_capacity[1]},
                                w->topology->region_count};
    start_list(w, &level, 1, places);
    for (size_t i = 0; i < level.count; i++) {
        if (has_share(&level, i)) {
            const char *name = arena_copy_text(w->arena, w->topology->regions[i].name);
            places->items[places->count++] = place_at(&level, i, name, traffic);
        }
    }
    if (tally->nowhere[0] > 0 || tally->nowhere[1] > 0) {
        places->items[places->count] = make_place(NULL, tally->nowhere, none, 0);
        places->total = ++places->count;
    }
}

void whatif_list_azs(const struct whatif *w, const struct whatif_tally *tally, double traffic,
                     struct operate_places *places)
{
    const struct level level = {{tally->azs[0], tally->azs[1]},
                                {tally->az_capacity[0], tally->az_capacity[1]},
                                w->topology->az_count};
    start_list(w, &level, 0, places);
    for (size_t i = 0; i < level.count; i++) {
        if (has_share(&level, i)) {
            const char *name = arena_copy_text(w->arena, w->topology->azs[i].name);
            places->items[places->count++] = place_at(&level, i, name, traffic);
        }
    }
}

void whatif_list_endpoints(const struct whatif *w, const struct steer_policy *policy, double traffic,
                           struct operate_places *places)
{
    *places = (struct operate_places){.total = 0};
    places->items = arena_alloc(w->arena, OPERATE_ROW_ENDPOINTS * sizeof *places->items);
    for (size_t i = 0; i < policy->member_count; i++) {
        uint32_t index = policy->members[i].endpoint;
        const struct conf_endpoint *endpoint = &w->topology->endpoints[index];
        const double share[] = {w->row.endpoints[0][index], w->row.endpoints[1][index]},
                     capacity[] = {endpoint->capacity, endpoint->capacity};
        bool is_listed = (share[0] > 0 || share[1] > 0) && places->total++ < OPERATE_ROW_ENDPOINTS;
        if (is_listed) {
            places->items[places->count++] =
                make_place(arena_copy_text(w->arena, endpoint->name), share, capacity, traffic);
        }
    }
}
