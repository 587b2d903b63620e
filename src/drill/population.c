/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each resolver goes from one refresh that changes something to the next one. What it has in between is added
 * to sums by second: the difference to what the cohort has at the start, so that who is not affected costs
 * nothing. Sums are kept as differences, too, and added up at the end. */
#include "config.h"

#include "drill/population.h"

#include "base/memory.h"

#include <stdlib.h>

enum { SECOND_MS = 1000, STEP_MS = 50 /* of times that are told */ };

/* Of what one has who has the answers of a step, while services do not change. */
struct outlook {
    double one, all, misled;
};

/* A sum by second, or by another span: level[i] counts for all of them from i on, extra[i] for that one. */
struct sum {
    double *level, *extra;
    int64_t span_ms;
};

struct work {
    struct population out; /* the first: what the caller sees */
    struct population_plan plan;
    struct sum failed_one, failed_all, misled, steps; /* steps: likewise the misled */
    struct sum *shares;                               /* by place */
    double *base;                                     /* likewise: of the first steps of all */
    struct outlook *outlooks;                         /* of a cohort: by step, then by turn */
    size_t outlook_capacity;
    double *step_shares; /* by step, then by place */
    size_t step_capacity;
};

/* ---- sums ---- */

static struct sum new_sum(size_t count, int64_t span_ms)
{
    return (struct sum){memory_alloc_array(count + 1, sizeof(double)),
                        memory_alloc_array(count + 1, sizeof(double)), span_ms};
}

static void free_sum(struct sum sum)
{
    free(sum.level);
    free(sum.extra);
}

/* value for all of [from, to), which is not beyond the last second. */
static void add(struct sum sum, int64_t from_ms, int64_t to_ms, double value)
{
    int64_t span_ms = sum.span_ms, first = from_ms / span_ms, last = to_ms / span_ms;
    if (value == 0 || from_ms >= to_ms) {
        return;
    }
    if (first == last) {
        sum.extra[first] += value * (double)(to_ms - from_ms) / (double)span_ms;
        return;
    }
    sum.extra[first] += value * (double)((first + 1) * span_ms - from_ms) / (double)span_ms;
    sum.extra[last] += value * (double)(to_ms - last * span_ms) / (double)span_ms;
    sum.level[first + 1] += value;
    sum.level[last] -= value;
}

static double *add_up(struct sum sum, size_t count, double base)
{
    double *all = memory_alloc_array(count + 1, sizeof *all), level = base;
    for (size_t i = 0; i < count; i++) {
        level += sum.level[i];
        double value = level + sum.extra[i];
        all[i] = value < 1e-12 ? 0 : value; /* what is left of sums that cancel out */
    }
    return all;
}

/* ---- clients ---- */

/* The chance that all of `records` addresses fail, which were drawn from all: exact where all are in the
 * answer, or where they are alike. */
static double fail_all(const struct population_step *step, double one, double product)
{
    double chance = 1, bad = one * (double)step->part_count;
    if (step->records >= step->part_count) {
        return product;
    }
    for (uint32_t i = 0; i < step->records; i++) {
        double left = bad - i;
        chance *= left <= 0 ? 0 : left / (double)(step->part_count - i);
    }
    return chance < one ? chance : one;
}

static struct outlook look(const struct work *work, const struct population_step *step, int64_t at_ms)
{
    struct outlook outlook = {.one = step->is_empty};
    double product = 1;
    for (size_t i = 0; i < step->part_count; i++) {
        struct population_service service =
            work->plan.serve(work->plan.context, step->parts[i].endpoint, at_ms);
        double fails = service.slow_ms > work->plan.patience_ms ? 1 : service.fails;
        outlook.one += step->parts[i].share * fails;
        outlook.misled += fails >= 1 ? step->parts[i].share : 0;
        product *= fails;
    }
    outlook.all = step->part_count == 0 ? outlook.one : fail_all(step, outlook.one, product);
    return outlook;
}

/* ---- a cohort ---- */

static void prepare(struct work *work, const struct population_cohort *cohort)
{
    size_t turns = work->plan.turn_count, places = work->out.place_count;
    if (cohort->step_count * turns > work->outlook_capacity) {
        work->outlook_capacity = 2 * cohort->step_count * turns;
        work->outlooks = memory_resize(work->outlooks, work->outlook_capacity, sizeof *work->outlooks);
    }
    if (cohort->step_count > work->step_capacity) {
        work->step_capacity = 2 * cohort->step_count;
        work->step_shares =
            memory_resize(work->step_shares, work->step_capacity * places, sizeof *work->step_shares);
    }
    for (size_t s = 0; s < cohort->step_count; s++) {
        const struct population_step *step = &cohort->steps[s];
        double *shares = work->step_shares + s * places;
        for (size_t t = 0; t < turns; t++) {
            work->outlooks[s * turns + t] = look(work, step, work->plan.turns[t]);
        }
        for (size_t p = 0; p < places; p++) {
            shares[p] = 0;
        }
        shares[places - 1] = step->part_count == 0;
        for (size_t i = 0; i < step->part_count; i++) {
            shares[work->plan.places[step->parts[i].endpoint]] += step->parts[i].share;
        }
    }
}

/* The last one that is not after a time: by halves, for there may be a thousand. */
static size_t find_turn(const struct work *work, int64_t at_ms)
{
    size_t first = 0, end = work->plan.turn_count;
    while (end - first > 1) {
        size_t middle = first + (end - first) / 2;
        if (work->plan.turns[middle] <= at_ms) {
            first = middle;
        } else {
            end = middle;
        }
    }
    return first;
}

/* Of a cohort that has had a step in [from, to), with this weight. */
static void spend(struct work *work, size_t step, int64_t from_ms, int64_t to_ms, double weight)
{
    size_t turns = work->plan.turn_count, places = work->out.place_count;
    const double *now = work->step_shares + step * places;
    to_ms = to_ms < work->plan.duration_ms ? to_ms : work->plan.duration_ms;
    if (from_ms >= to_ms) {
        return;
    }
    for (size_t p = 0; step != 0 && p < places; p++) {
        add(work->shares[p], from_ms, to_ms, weight * (now[p] - work->step_shares[p]));
    }
    for (size_t t = find_turn(work, from_ms); t < turns && work->plan.turns[t] < to_ms; t++) {
        int64_t begin_ms = work->plan.turns[t],
                end_ms = t + 1 < turns ? work->plan.turns[t + 1] : work->plan.duration_ms;
        begin_ms = begin_ms > from_ms ? begin_ms : from_ms;
        end_ms = end_ms < to_ms ? end_ms : to_ms;
        const struct outlook *outlook = &work->outlooks[step * turns + t];
        if (begin_ms >= end_ms || (outlook->one == 0 && outlook->misled == 0)) {
            continue;
        }
        add(work->failed_one, begin_ms, end_ms, weight * outlook->one);
        add(work->failed_all, begin_ms, end_ms, weight * outlook->all);
        add(work->misled, begin_ms, end_ms, weight * outlook->misled);
        add(work->steps, begin_ms, end_ms, weight * outlook->misled);
        double fails = (1 - work->plan.retry_share) * outlook->one + work->plan.retry_share * outlook->all;
        if (fails > 0) {
            work->out.first_ms =
                work->out.first_ms < 0 || begin_ms < work->out.first_ms ? begin_ms : work->out.first_ms;
            work->out.last_ms = end_ms > work->out.last_ms ? end_ms : work->out.last_ms;
        }
    }
}

static int64_t life_of(const struct work *work, const struct population_step *step, bool ignores,
                       int64_t odd_ms)
{
    int64_t life_ms = step->is_empty ? work->plan.negative_ms : step->ttl_ms;
    life_ms = ignores && life_ms < work->plan.ignore_ms ? work->plan.ignore_ms : life_ms;
    return life_ms == 0 ? 0 : life_ms + odd_ms; /* what is not kept is not kept a second longer */
}

/* phase: 0..1: how old its first answer is. */
static void follow(struct work *work, const struct population_cohort *cohort, double phase, int64_t odd_ms,
                   bool ignores, double weight)
{
    int64_t life_ms = life_of(work, &cohort->steps[0], ignores, odd_ms);
    int64_t asks_ms = life_ms - (int64_t)(phase * (double)life_ms), from_ms = 0; /* when it asks again */
    for (size_t step = 0;;) {
        if (step + 1 == cohort->step_count) {
            spend(work, step, from_ms, work->plan.duration_ms, weight);
            return;
        }
        int64_t next_ms = cohort->steps[step + 1].at_ms;
        if (asks_ms < next_ms) { /* as often as nothing is new */
            int64_t period_ms = life_ms > 0 ? life_ms : 1;
            asks_ms += (next_ms - asks_ms + period_ms - 1) / period_ms * period_ms;
        }
        spend(work, step, from_ms, asks_ms, weight);
        if (asks_ms >= work->plan.duration_ms) {
            return;
        }
        while (step + 1 < cohort->step_count && cohort->steps[step + 1].at_ms <= asks_ms) {
            step++;
        }
        from_ms = asks_ms;
        life_ms = life_of(work, &cohort->steps[step], ignores, odd_ms);
        asks_ms += life_ms;
    }
}

void population_add(struct population *population, const struct population_cohort *cohort)
{
    struct work *work = (struct work *)population;
    const struct population_plan *plan = &work->plan;
    prepare(work, cohort);
    for (size_t p = 0; p < work->out.place_count; p++) {
        work->base[p] += cohort->weight * work->step_shares[p];
    }
    if (cohort->step_count == 1) { /* whatever is cached, it is the same */
        spend(work, 0, 0, plan->duration_ms, cohort->weight);
        return;
    }
    for (uint32_t i = 0; i < plan->resolvers; i++) {
        double phase = (i + 0.5) / plan->resolvers, weight = cohort->weight / plan->resolvers;
        int64_t odd_ms = __builtin_parity(i) == 0 ? SECOND_MS : 0; /* evenly against the phases */
        if (plan->ignore_share < 1) {
            follow(work, cohort, phase, odd_ms, false, weight * (1 - plan->ignore_share));
        }
        if (plan->ignore_share > 0) {
            follow(work, cohort, phase, odd_ms, true, weight * plan->ignore_share);
        }
    }
}

/* ---- all of them ---- */

static size_t count_steps(int64_t duration_ms)
{
    return (size_t)((duration_ms + STEP_MS - 1) / STEP_MS);
}

struct population *population_new(const struct population_plan *plan)
{
    struct work *work = memory_alloc(sizeof *work);
    size_t seconds = (size_t)((plan->duration_ms + SECOND_MS - 1) / SECOND_MS);
    work->plan = *plan;
    work->out.second_count = seconds;
    work->out.place_count = plan->place_count + 1;
    work->out.first_ms = work->out.last_ms = -1;
    work->failed_one = new_sum(seconds, SECOND_MS);
    work->failed_all = new_sum(seconds, SECOND_MS);
    work->misled = new_sum(seconds, SECOND_MS);
    work->steps = new_sum(count_steps(plan->duration_ms), STEP_MS);
    work->shares = memory_alloc_array(work->out.place_count, sizeof *work->shares);
    for (size_t i = 0; i < work->out.place_count; i++) {
        work->shares[i] = new_sum(seconds, SECOND_MS);
    }
    work->base = memory_alloc_array(work->out.place_count, sizeof *work->base);
    return &work->out;
}

/* The first step after which no more than this share of the most is misled. */
static int64_t find_moved(const struct work *work, const double *misled, double left)
{
    size_t begin = (size_t)(work->plan.begin_ms / STEP_MS), most = begin;
    size_t count = count_steps(work->plan.duration_ms);
    for (size_t i = begin; i < count; i++) {
        most = misled[i] > misled[most] ? i : most;
    }
    if (most >= count || misled[most] <= 0) {
        return -1;
    }
    for (size_t i = most; i < count; i++) {
        if (misled[i] <= left * misled[most] + 1e-9) {
            int64_t at_ms = (int64_t)i * STEP_MS - work->plan.begin_ms;
            return at_ms < 0 ? 0 : at_ms;
        }
    }
    return -1;
}

void population_finish(struct population *population)
{
    static const double left[POPULATION_MOVED] = {0.5, 0.1, 0.01, 0};
    struct work *work = (struct work *)population;
    size_t seconds = population->second_count;
    population->failed_one = add_up(work->failed_one, seconds, 0);
    population->failed_all = add_up(work->failed_all, seconds, 0);
    population->misled = add_up(work->misled, seconds, 0);
    population->failed = memory_alloc_array(seconds + 1, sizeof *population->failed);
    for (size_t i = 0; i < seconds; i++) {
        population->failed[i] = (1 - work->plan.retry_share) * population->failed_one[i] +
                                work->plan.retry_share * population->failed_all[i];
        population->failed_seconds[0] += population->failed_one[i];
        population->failed_seconds[1] += population->failed_all[i];
        population->failed_seconds[2] += population->failed[i];
    }
    population->shares = memory_alloc_array(population->place_count * seconds + 1, sizeof(double));
    for (size_t p = 0; p < population->place_count; p++) {
        double *own = add_up(work->shares[p], seconds, work->base[p]);
        for (size_t i = 0; i < seconds; i++) {
            population->shares[p * seconds + i] = own[i];
        }
        free(own);
    }
    double *misled = add_up(work->steps, count_steps(work->plan.duration_ms), 0);
    for (size_t i = 0; i < POPULATION_MOVED; i++) {
        population->moved_ms[i] = find_moved(work, misled, left[i]);
    }
    free(misled);
}

void population_free(struct population *population)
{
    struct work *work = (struct work *)population;
    if (work == NULL) {
        return;
    }
    free_sum(work->failed_one);
    free_sum(work->failed_all);
    free_sum(work->misled);
    free_sum(work->steps);
    for (size_t i = 0; i < population->place_count; i++) {
        free_sum(work->shares[i]);
    }
    free(work->shares);
    free(work->base);
    free(work->outlooks);
    free(work->step_shares);
    free(population->failed_one);
    free(population->failed_all);
    free(population->failed);
    free(population->misled);
    free(population->shares);
    free(work);
}
