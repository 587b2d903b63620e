/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_capacity.h. DNS does not know how much work an answer leads to. Endpoints that report their
 * load do: a load at its high watermark is all of the capacity that is declared. Where all report that lose
 * or gain anything, what those lose is what the others gain, in the proportions in which answers move. Where
 * one does not, nothing is known of how full places are, and capacities are compared with what just fits
 * before. */
#include "config.h"

#include "operate/switchover_capacity.h"

#include "base/words.h"
#include "operate/operate.h"

#include <string.h>

#define NOTHING    1e-9
#define A_BIT_MORE 1.001

/* An az. */
struct room {
    double share[2];    /* of the answers: before, after */
    double capacity[2]; /* of endpoints that serve; requests per second */
    double used[2];     /* of it */
    bool is_known;      /* all of its endpoints that serve report; and who is to serve has a capacity */
};

struct rooms {
    const struct switchover_sides *sides;
    const struct conf_topology *topology;
    struct arena *arena;
    struct room *azs;
    const char *silent; /* the first that moves and of which not all report */
};

/* ---- what is reported ---- */

/* How much of its capacity an endpoint uses, as it reports; false: it does not, or it has none. */
static bool find_used(const struct view *view, uint32_t index, double *used)
{
    const struct conf_endpoint *endpoint = &view->topology->endpoints[index];
    const struct conf_load *marks = conf_get_load(endpoint);
    struct health_status status;
    if (!marks->is_given || marks->high <= 0 || endpoint->capacity == 0 ||
        health_get_status(view->health, HEALTH_ENDPOINT, index, &status) != 0 ||
        status.load.source == HEALTH_LOAD_NONE) {
        return false;
    }
    *used = endpoint->capacity * status.load.value / marks->high;
    return true;
}

static bool serves(const struct view *view, uint32_t index)
{
    return health_state_serves(operate_find_state(view, index, 0));
}

static void add_endpoint(struct rooms *rooms, uint32_t index)
{
    const struct switchover_sides *sides = rooms->sides;
    const struct conf_endpoint *endpoint = &rooms->topology->endpoints[index];
    struct room *room = &rooms->azs[endpoint->az];
    double used = 0;
    room->capacity[0] += serves(sides->without, index) ? endpoint->capacity : 0;
    room->capacity[1] += serves(sides->with, index) ? endpoint->capacity : 0;
    bool reports = find_used(sides->now, index, &used);
    room->used[0] += used;
    bool is_idle = !serves(sides->now, index) && (endpoint->capacity != 0 || !serves(sides->with, index));
    room->is_known &= reports || is_idle;
}

static void read_shares(struct rooms *rooms, const struct operate_places *azs)
{
    for (size_t i = 0; i < azs->count; i++) {
        const struct operate_place *place = &azs->items[i];
        ptrdiff_t at =
            place->name == NULL ? -1 : operate_find_target(rooms->sides->now, HEALTH_AZ, place->name);
        if (at >= 0) {
            memcpy(rooms->azs[at].share, place->share, sizeof place->share);
        }
    }
}

static bool moves(const struct room *room)
{
    double more = room->share[1] - room->share[0];
    return more > NOTHING || more < -NOTHING;
}

/* Of what moves; of the rest it does not matter. */
static void find_silent(struct rooms *rooms)
{
    for (size_t i = 0; i < rooms->topology->az_count && rooms->silent == NULL; i++) {
        const struct room *room = &rooms->azs[i];
        bool matters = moves(room) && !room->is_known;
        rooms->silent = matters ? rooms->topology->azs[i].name : NULL;
    }
}

/* ---- what would be ---- */

static void move_loads(struct rooms *rooms)
{
    double lost = 0, lost_share = 0;
    size_t count = rooms->topology->az_count;
    for (size_t i = 0; i < count; i++) {
        const struct room *room = &rooms->azs[i];
        double less = room->share[0] - room->share[1];
        if (less > NOTHING) {
            lost += room->used[0] * less / room->share[0];
            lost_share += less;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct room *room = &rooms->azs[i];
        double more = room->share[1] - room->share[0];
        room->used[1] = more < -NOTHING                    ? room->used[0] * room->share[1] / room->share[0]
                        : more > NOTHING && lost_share > 0 ? room->used[0] + lost * more / lost_share
                                                           : room->used[0];
    }
}

/* What is reported is how it is after it. */
static void take_loads(struct rooms *rooms)
{
    for (size_t i = 0; i < rooms->topology->az_count; i++) {
        rooms->azs[i].used[1] = rooms->azs[i].used[0];
        rooms->azs[i].used[0] = -1;
    }
}

static struct rooms make_rooms(const struct switchover_sides *sides, struct arena *arena,
                               const struct operate_report *report)
{
    const struct conf_topology *topology = sides->now->topology;
    struct rooms rooms = {.sides = sides, .topology = topology, .arena = arena};
    rooms.azs = arena_alloc(arena, (topology->az_count + 1) * sizeof *rooms.azs);
    for (size_t i = 0; i < topology->az_count; i++) {
        rooms.azs[i] = (struct room){.is_known = true};
    }
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        add_endpoint(&rooms, i);
    }
    read_shares(&rooms, &report->azs);
    find_silent(&rooms);
    (sides->is_now ? take_loads : move_loads)(&rooms);
    return rooms;
}

/* ---- figures ---- */

static double divide(double used, double capacity)
{
    return used < 0 || capacity <= 0 ? -1 : used / capacity;
}

static void tell_region(const struct rooms *rooms, uint32_t region, const struct operate_place *place,
                        struct switchover_load *to)
{
    const struct operate_rates *rates = rooms->sides->rates;
    struct room sum = {.is_known = true};
    for (size_t i = 0; i < rooms->topology->az_count; i++) {
        const struct room *az = &rooms->azs[i];
        for (int side = 0; side < 2 && rooms->topology->azs[i].region == region; side++) {
            sum.capacity[side] += az->capacity[side];
            sum.used[side] = az->used[side] < 0 ? -1 : sum.used[side] + az->used[side];
            sum.is_known &= az->is_known;
        }
    }
    *to = (struct switchover_load){.region = place->name, .capacity = sum.capacity[1]};
    for (int side = 0; side < 2; side++) {
        to->share[side] = place->share[side];
        to->load[side] =
            sum.is_known && rooms->sides->is_known ? divide(sum.used[side], sum.capacity[side]) : -1;
        to->rate[side] = rates == NULL || rates->all <= 0 ? -1 : rates->all * place->share[side];
    }
}

static void tell_regions(const struct rooms *rooms, const struct operate_places *regions,
                         struct switchover_capacity *to)
{
    to->items = arena_alloc(rooms->arena, (regions->count + 1) * sizeof *to->items);
    for (size_t i = 0; i < regions->count; i++) {
        const struct operate_place *place = &regions->items[i];
        ptrdiff_t at =
            place->name == NULL ? -1 : operate_find_target(rooms->sides->now, HEALTH_REGION, place->name);
        if (at >= 0) {
            tell_region(rooms, (uint32_t)at, place, &to->items[to->count++]);
        }
    }
}

/* ---- judging ---- */

static const char *tell_weights(const struct operate_report *report)
{
    return report->is_by_rates ? "names weigh by the answers of the last 5 minutes"
                               : "all names weigh alike, for nothing was asked lately";
}

/* The fullest of those that get more than they had. */
static const struct switchover_load *find_fullest(const struct switchover_capacity *capacity)
{
    const struct switchover_load *fullest = NULL;
    for (size_t i = 0; i < capacity->count; i++) {
        const struct switchover_load *load = &capacity->items[i];
        bool gains = load->share[1] > load->share[0] + NOTHING;
        fullest = gains && (fullest == NULL || load->load[1] > fullest->load[1]) ? load : fullest;
    }
    return fullest;
}

/* An az that gets more than it can take, though its region does not; NULL: none. */
static const char *find_full_az(const struct rooms *rooms, double *load)
{
    for (size_t i = 0; i < rooms->topology->az_count; i++) {
        const struct room *room = &rooms->azs[i];
        *load = divide(room->used[1], room->capacity[1]);
        if (room->share[1] > room->share[0] + NOTHING && *load > A_BIT_MORE) {
            return rooms->topology->azs[i].name;
        }
    }
    return NULL;
}

static void judge_reported(const struct rooms *rooms, struct switchover_look *look)
{
    const struct switchover_load *fullest = find_fullest(&look->capacity);
    double az_load = 0;
    const char *az = find_full_az(rooms, &az_load), *text;
    bool is_full = fullest != NULL && fullest->load[1] > A_BIT_MORE;
    const char *before = fullest == NULL || fullest->load[0] < 0
                             ? ""
                             : arena_print(rooms->arena, " (%.0f %% before)", fullest->load[0] * 100);
    if (fullest == NULL) {
        text = "no region gets more than it had";
    } else if (az != NULL && !is_full) {
        text = arena_print(rooms->arena, "az %s gets %.0f %% of its capacity", az, az_load * 100);
    } else {
        text = arena_print(rooms->arena, "region %s gets %.0f %% of its capacity%s", fullest->region,
                           fullest->load[1] * 100, before);
    }
    switchover_add_finding(look, "capacity", az == NULL && !is_full,
                           arena_print(rooms->arena, "%s, by the loads that are reported; %s", text,
                                       tell_weights(&look->answers)));
}

static const struct operate_place *find_overloaded(const struct operate_places *regions)
{
    const struct operate_place *fullest = NULL;
    for (size_t i = 0; i < regions->count; i++) {
        const struct operate_place *place = &regions->items[i];
        bool is_fuller =
            place->load[1] > A_BIT_MORE && (fullest == NULL || place->load[1] > fullest->load[1]);
        fullest = is_fuller ? place : fullest;
    }
    return fullest;
}

static void judge_assumed(const struct rooms *rooms, struct switchover_look *look)
{
    const struct operate_report *report = &look->answers;
    size_t rows = report->rows_by_severity[OPERATE_OVERLOADED];
    const struct operate_place *fullest = find_overloaded(&report->regions);
    const char *text = "no place gets more than its capacity, if the fullest is just full before";
    if (rows != 0 || fullest != NULL) {
        const char *where =
            fullest == NULL || fullest->name == NULL
                ? ""
                : arena_print(rooms->arena, "; region %s at %.0f %%", fullest->name, fullest->load[1] * 100);
        text = arena_print(rooms->arena,
                           "%zu answer%s would get places beyond their capacity, if the fullest is just full "
                           "before%s",
                           rows, words_plural(rows), where);
    }
    const char *why =
        rooms->silent == NULL
            ? ""
            : arena_print(rooms->arena, "; how full they are is not known, not all of az %s report a load",
                          rooms->silent);
    switchover_add_finding(look, "capacity", rows == 0 && fullest == NULL,
                           arena_print(rooms->arena, "%s%s; %s", text, why, tell_weights(report)));
}

void switchover_judge_capacity(const struct switchover_sides *sides, struct arena *arena,
                               struct switchover_look *look)
{
    if (sides->now->topology == NULL) {
        return;
    }
    struct rooms rooms = make_rooms(sides, arena, &look->answers);
    look->capacity = (struct switchover_capacity){.is_reported = sides->is_known && rooms.silent == NULL,
                                                  .silent = rooms.silent};
    tell_regions(&rooms, &look->answers.regions, &look->capacity);
    (look->capacity.is_reported ? judge_reported : judge_assumed)(&rooms, look);
}
