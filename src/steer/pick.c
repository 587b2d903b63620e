/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drawing from a choice, once per query on the data path: no allocation, and a few dozen instructions for the
 * common case of one answer.
 *
 * Several weighted answers are drawn one after another without replacement, exactly: the intervals of those
 * that are drawn are cut out of the line of cumulative weights, a point is drawn on what remains of it, and
 * moved back over the cuts. No try is ever repeated, so a query has a bounded cost whatever the weights are.
 */
#include "config.h"

#include "steer/steer.h"

enum { SCAN_MAX = 8 }; /* up to so many weights a scan beats halving */

/* The first of more than SCAN_MAX cumulative weights from which a scan finds the interval that holds `point`.
 */
__attribute__((noinline)) static const uint32_t *find_scan(const struct steer_choice *choice, uint32_t point)
{
    const uint32_t *weights = choice->weights;
    size_t low = 0, high = choice->count - 1u;
    while (high - low > SCAN_MAX) {
        size_t middle = (low + high) / 2;
        if (weights[middle] > point) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return weights + low;
}

/* The index of the interval that holds `point` (< total): the first cumulative weight above it. */
static inline size_t find_interval(const struct steer_choice *choice, uint32_t point)
{
    const uint32_t *at = choice->count > SCAN_MAX ? find_scan(choice, point) : choice->weights;
    while (*at <= point) {
        at++;
    }
    return (size_t)(at - choice->weights);
}

static uint32_t interval_start(const struct steer_choice *choice, size_t index)
{
    return index == 0 ? 0 : choice->weights[index - 1];
}

/* drawn: the indices drawn so far, ascending. Returns how many there are now. */
static size_t insert_drawn(uint16_t *drawn, size_t count, uint16_t index)
{
    size_t at = count;
    while (at > 0 && drawn[at - 1] > index) {
        drawn[at] = drawn[at - 1];
        at--;
    }
    drawn[at] = index;
    return count + 1;
}

/* Not inlined: its array and registers would be set up and guarded for the common single answer, too. */
__attribute__((noinline)) static size_t pick_weighted(const struct steer_choice *choice, size_t answers,
                                                      struct random *random, uint16_t *out)
{
    uint16_t drawn[STEER_ANSWERS_MAX];
    size_t count = 0;
    uint32_t left = choice->total_weight;
    while (count < answers) {
        uint32_t point = (uint32_t)random_below(random, left);
        for (size_t i = 0; i < count; i++) {
            uint32_t start = interval_start(choice, drawn[i]);
            if (point < start) {
                break;
            }
            point += choice->weights[drawn[i]] - start;
        }
        size_t index = find_interval(choice, point);
        left -= choice->weights[index] - interval_start(choice, index);
        out[count] = choice->members[index];
        count = insert_drawn(drawn, count, (uint16_t)index);
    }
    return count;
}

/* Consecutive members from a start that advances by one per query. */
__attribute__((noinline)) static size_t pick_rotated(struct steer_choice *choice, size_t answers,
                                                     uint16_t *out)
{
    /* The choice may have shrunk since the last query. */
    size_t at = choice->next < choice->count ? choice->next : 0;
    choice->next = (uint32_t)at + 1;
    for (size_t i = 0; i < answers; i++) {
        out[i] = choice->members[at];
        at = at + 1u == choice->count ? 0 : at + 1;
    }
    return answers;
}

size_t steer_pick(const struct steer_policy *policy, struct steer_choice *choice, struct random *random,
                  uint16_t out[STEER_ANSWERS_MAX])
{
    if (choice->count <= 1) {
        out[0] = choice->count == 1 ? choice->members[0] : 0;
        return choice->count;
    }
    size_t answers = policy->pick == STEER_PICK_ALL ? STEER_ANSWERS_MAX : policy->answers;
    if (answers > choice->count) {
        answers = choice->count;
    }
    if (policy->pick != STEER_PICK_WEIGHTED) {
        return pick_rotated(choice, answers, out);
    }
    if (answers == 1) {
        out[0] = choice->members[find_interval(choice, (uint32_t)random_below(random, choice->total_weight))];
        return 1;
    }
    return pick_weighted(choice, answers, random, out);
}
