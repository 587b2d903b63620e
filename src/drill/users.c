/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names with the same answers at the same times and the same TTL are one cohort of users: courses are
 * compared by what is in them, so that ten thousand names that fail over alike are computed once. */
#include "config.h"

#include "drill/users.h"

#include "base/memory.h"
#include "conf/value.h"
#include "drill/population.h"

#include <stdlib.h>
#include <string.h>

enum { TURNS_MAX = DRILL_TURNS_MAX + 1 }; /* and the start */

/* ---- cohorts ---- */

struct entry {
    uint32_t course; /* the first one that is like it */
    uint32_t ttl;
    double weight;
};

struct print {
    uint64_t hash;
    uint32_t course;
};

static uint64_t stir(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9fb21c651e98df25u;
    return hash ^ hash >> 32;
}

static uint64_t hash_course(const struct drill_course *course)
{
    uint64_t hash = course->step_count, bits;
    for (size_t s = 0; s < course->step_count; s++) {
        const struct drill_step *step = &course->steps[s];
        hash = stir(stir(stir(hash, (uint64_t)step->at_ms), step->ttl_max), step->records);
        hash = stir(hash, (uint64_t)step->is_empty << 32 | step->part_count);
        for (size_t i = 0; i < step->part_count; i++) {
            memcpy(&bits, &step->parts[i].share, sizeof bits);
            hash = stir(stir(hash, step->parts[i].endpoint), bits);
        }
    }
    return hash;
}

static bool is_same_step(const struct drill_step *a, const struct drill_step *b)
{
    if (a->at_ms != b->at_ms || a->ttl_max != b->ttl_max || a->records != b->records ||
        a->is_empty != b->is_empty || a->part_count != b->part_count) {
        return false;
    }
    for (size_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].endpoint != b->parts[i].endpoint || a->parts[i].share != b->parts[i].share) {
            return false;
        }
    }
    return true;
}

static bool is_same_course(const struct drill_course *a, const struct drill_course *b)
{
    bool is_same = a->step_count == b->step_count;
    for (size_t s = 0; is_same && s < a->step_count; s++) {
        is_same = is_same_step(&a->steps[s], &b->steps[s]);
    }
    return is_same;
}

static int compare_prints(const void *a, const void *b)
{
    const struct print *one = a, *other = b;
    return one->hash != other->hash ? (one->hash < other->hash ? -1 : 1)
                                    : (one->course > other->course) - (one->course < other->course);
}

/* Of each course the first one that is like it. Owned. */
static uint32_t *find_alike(const struct drill_report *report)
{
    uint32_t *alike = memory_alloc_array(report->course_count, sizeof *alike);
    struct print *prints = memory_alloc_array(report->course_count, sizeof *prints);
    for (uint32_t i = 0; i < report->course_count; i++) {
        prints[i] = (struct print){hash_course(&report->courses[i]), i};
        alike[i] = i;
    }
    qsort(prints, report->course_count, sizeof *prints, compare_prints);
    for (size_t i = 1; i < report->course_count; i++) {
        uint32_t before = alike[prints[i - 1].course], own = prints[i].course;
        if (prints[i].hash == prints[i - 1].hash &&
            is_same_course(&report->courses[before], &report->courses[own])) {
            alike[own] = before;
        }
    }
    free(prints);
    return alike;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    return one->course != other->course ? (one->course < other->course ? -1 : 1)
                                        : (one->ttl > other->ttl) - (one->ttl < other->ttl);
}

bool drill_is_asked_for(const struct drill_clients *clients, const char *name)
{
    for (size_t i = 0; i < clients->name_count; i++) {
        if (value_matches(clients->names[i], name)) {
            return true;
        }
    }
    return clients->name_count == 0;
}

/* Of the names that are asked for: all together are one. Returns how many there are. */
static size_t list_entries(const struct drill_report *report, const struct drill_clients *clients,
                           struct entry *entries)
{
    uint32_t *alike = find_alike(report);
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < report->name_count && !progress_is_cancelled(report->progress); i++) {
        const struct drill_name *name = &report->names[i];
        if (name->weight > 0 && drill_is_asked_for(clients, name->name)) {
            entries[count++] = (struct entry){alike[name->course], name->ttl, name->weight};
            sum += name->weight;
        }
    }
    bool is_part = clients->name_count != 0 || clients->recording != NULL;
    for (size_t i = 0; i < count && is_part && sum > 0; i++) {
        entries[i].weight /= sum;
    }
    free(alike);
    return count;
}

/* Returns how many there are. */
static size_t list_cohorts(const struct drill_report *report, const struct drill_clients *clients,
                           struct entry *entries)
{
    size_t count = 0, listed = list_entries(report, clients, entries);
    if (listed > 1) {
        qsort(entries, listed, sizeof *entries, compare_entries);
    }
    for (size_t i = 0; i < listed; i++) {
        if (count != 0 && compare_entries(&entries[count - 1], &entries[i]) == 0) {
            entries[count - 1].weight += entries[i].weight;
        } else {
            entries[count++] = entries[i];
        }
    }
    return count;
}

static void add_cohort(struct population *population, const struct drill_course *course,
                       const struct entry *entry)
{
    struct population_step *steps = memory_alloc_array(course->step_count, sizeof *steps);
    for (size_t s = 0; s < course->step_count; s++) {
        const struct drill_step *from = &course->steps[s];
        uint32_t ttl = entry->ttl < from->ttl_max ? entry->ttl : from->ttl_max;
        steps[s] = (struct population_step){.at_ms = from->at_ms,
                                            .ttl_ms = (int64_t)ttl * 1000,
                                            .records = from->records,
                                            .parts = from->parts,
                                            .part_count = from->part_count,
                                            .is_empty = from->is_empty};
    }
    population_add(population, &(struct population_cohort){steps, course->step_count, entry->weight});
    free(steps);
}

/* ---- places ---- */

static struct population_service serve(void *context, uint32_t endpoint, int64_t at_ms)
{
    struct drill_service service = drill_causes_serve(context, endpoint, at_ms);
    return (struct population_service){.fails = service.fails, .slow_ms = service.slow_ms};
}

/* When endpoints begin or cease to serve. Returns how many. */
static size_t list_turns(const struct drill_causes *causes, int64_t duration_ms, int64_t turns[TURNS_MAX])
{
    size_t count = 0;
    turns[count++] = 0;
    for (int64_t at_ms = drill_causes_next(causes, 1); at_ms < duration_ms && count < TURNS_MAX;
         at_ms = drill_causes_next(causes, at_ms + 1)) {
        turns[count++] = at_ms;
    }
    return count;
}

/* Shares by place, for an az, or for all of a region added up. */
static const double *copy_series(struct arena *arena, const struct population *population, const bool *has)
{
    double *sum = arena_alloc(arena, population->second_count * sizeof *sum);
    for (size_t p = 0; p < population->place_count; p++) {
        for (size_t i = 0; has[p] && i < population->second_count; i++) {
            sum[i] += population->shares[p * population->second_count + i];
        }
    }
    return sum;
}

static void list_series(const struct conf_topology *topology, const struct population *population,
                        struct arena *arena, struct drill_users *users)
{
    bool *has = memory_alloc_array(topology->az_count + 1, sizeof *has);
    users->azs = arena_alloc(arena, topology->az_count * sizeof *users->azs);
    users->az_count = topology->az_count;
    users->regions = arena_alloc(arena, topology->region_count * sizeof *users->regions);
    users->region_count = topology->region_count;
    for (size_t i = 0; i < topology->az_count; i++) {
        has[i] = true;
        users->azs[i] = (struct drill_series){arena_copy_text(arena, topology->azs[i].name),
                                              copy_series(arena, population, has)};
        has[i] = false;
    }
    for (size_t r = 0; r < topology->region_count; r++) {
        for (size_t i = 0; i < topology->az_count; i++) {
            has[i] = topology->azs[i].region == r;
        }
        users->regions[r] = (struct drill_series){arena_copy_text(arena, topology->regions[r].name),
                                                  copy_series(arena, population, has)};
    }
    memset(has, 0, topology->az_count * sizeof *has);
    has[topology->az_count] = true;
    users->nowhere = copy_series(arena, population, has);
    free(has);
}

/* ---- capacity ---- */

/* What is left of it from a time on, requests per second; below 0: some endpoint does not say its own. */
static double find_capacity(const struct drill_causes *causes, uint32_t region, int64_t at_ms)
{
    double capacity = 0;
    const struct conf_topology *topology = causes->topology;
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        if (endpoint->region != region) {
            continue;
        }
        if (endpoint->capacity == 0) {
            return -1;
        }
        capacity += endpoint->capacity * (1 - drill_causes_lose(causes, i, at_ms));
    }
    return capacity;
}

/* The worst second of a region, of those in which it can serve at all. */
static struct drill_capacity use_region(const struct drill_causes *causes, const struct drill_users *users,
                                        uint32_t region, const int64_t *turns, size_t turn_count)
{
    const struct drill_series *series = &users->regions[region];
    struct drill_capacity worst = {.region = series->name, .at_ms = -1};
    for (size_t t = 0; t < turn_count; t++) {
        double capacity = find_capacity(causes, region, turns[t]);
        size_t first = (size_t)(turns[t] / 1000),
               end = t + 1 < turn_count ? (size_t)(turns[t + 1] / 1000) : users->second_count;
        worst.all = t == 0 ? find_capacity(causes, region, -1) : worst.all;
        for (size_t i = first; capacity > 0 && i < end && i < users->second_count; i++) {
            double use = series->shares[i] * users->per_second / capacity;
            if (worst.at_ms < 0 || use > worst.use + 1e-9) {
                worst.use = use;
                worst.capacity = capacity;
                worst.at_ms = (int64_t)i * 1000;
            }
        }
    }
    return worst;
}

static void list_capacities(const struct drill_causes *causes, struct drill_users *users,
                            const int64_t *turns, size_t turn_count, struct arena *arena)
{
    if (users->per_second <= 0) {
        return;
    }
    users->capacities = arena_alloc(arena, users->region_count * sizeof *users->capacities);
    for (uint32_t r = 0; r < users->region_count; r++) {
        struct drill_capacity worst = use_region(causes, users, r, turns, turn_count);
        if (worst.all > 0) {
            users->capacities[users->capacity_count++] = worst;
        }
    }
}

/* ---- the whole ---- */

static void take_population(const struct population *population, struct arena *arena,
                            struct drill_users *users)
{
    size_t size = population->second_count * sizeof(double);
    users->second_count = population->second_count;
    users->failed = arena_copy(arena, population->failed, size);
    users->failed_one = arena_copy(arena, population->failed_one, size);
    users->failed_all = arena_copy(arena, population->failed_all, size);
    users->misled = arena_copy(arena, population->misled, size);
    users->first_ms = population->first_ms;
    users->last_ms = population->last_ms;
    memcpy(users->moved_ms, population->moved_ms, sizeof users->moved_ms);
    for (size_t i = 0; i < population->second_count; i++) {
        users->worst = population->failed[i] > users->worst ? population->failed[i] : users->worst;
    }
    double all = population->second_count == 0 ? 1 : (double)population->second_count;
    users->share = population->failed_seconds[2] / all;
    users->share_one = population->failed_seconds[0] / all;
    users->share_all = population->failed_seconds[1] / all;
}

static uint32_t *list_places(const struct conf_topology *topology)
{
    uint32_t *places = memory_alloc_array(topology->endpoint_count, sizeof *places);
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        places[i] = topology->endpoints[i].az;
    }
    return places;
}

static int64_t find_begin(const struct drill_report *report)
{
    for (size_t i = 0; i < report->phase_count; i++) {
        if (!report->phases[i].is_back) {
            return report->phases[i].at_ms;
        }
    }
    return 0;
}

static void list_froms(const struct drill_clients *clients, struct arena *arena, struct drill_users *users)
{
    struct drill_from *froms = arena_alloc(arena, clients->origin_count * sizeof *froms);
    for (size_t i = 0; i < clients->origin_count; i++) {
        froms[i] =
            (struct drill_from){arena_copy_text(arena, clients->origins[i].text), clients->origins[i].share};
    }
    users->froms = froms;
    users->from_count = clients->origin_count;
}

static const struct drill_recorded *copy_recorded(const struct drill_clients *clients, struct arena *arena)
{
    if (clients->recording == NULL) {
        return NULL;
    }
    struct drill_recorded *copy = arena_copy(arena, clients->recording, sizeof *copy);
    copy->path = arena_copy_text(arena, copy->path);
    copy->shares = NULL;
    return copy;
}

void drill_add_users(const struct drill_causes *causes, const struct drill_clients *clients,
                     struct arena *arena, struct drill_report *report)
{
    struct drill_users *users = arena_alloc(arena, sizeof *users);
    int64_t *turns = memory_alloc_array(TURNS_MAX, sizeof *turns);
    uint32_t *places = list_places(causes->topology);
    size_t turn_count = list_turns(causes, report->duration_ms, turns);
    struct population *population =
        population_new(&(struct population_plan){.duration_ms = report->duration_ms,
                                                 .begin_ms = find_begin(report),
                                                 .resolvers = clients->resolvers,
                                                 .ignore_share = clients->ignore_share,
                                                 .ignore_ms = clients->ignore_ms,
                                                 .negative_ms = clients->negative_ms,
                                                 .patience_ms = clients->patience_ms,
                                                 .retry_share = clients->retry_share,
                                                 .turns = turns,
                                                 .turn_count = turn_count,
                                                 .serve = serve,
                                                 .context = (void *)(uintptr_t)causes,
                                                 .places = places,
                                                 .place_count = causes->topology->az_count});
    struct entry *entries = memory_alloc_array(report->name_count, sizeof *entries);
    users->cohorts = list_cohorts(report, clients, entries);
    for (size_t i = 0; i < users->cohorts && !progress_is_cancelled(report->progress); i++) {
        add_cohort(population, &report->courses[entries[i].course], &entries[i]);
    }
    population_finish(population);
    users->clients = clients->count;
    users->per_second = clients->per_second;
    users->resolvers = clients->resolvers;
    list_froms(clients, arena, users);
    users->recorded = copy_recorded(clients, arena);
    take_population(population, arena, users);
    list_series(causes->topology, population, arena, users);
    list_capacities(causes, users, turns, turn_count, arena);
    population_free(population);
    report->users = users;
    free(entries);
    free(places);
    free(turns);
}
