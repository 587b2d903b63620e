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

#include "steer/draw.h"

/* What is drawn from: a part of a choice, or a choice of one part. */
struct line {
    const uint32_t *weights;
    const uint16_t *members;
    uint32_t count, total_weight;
};

static uint32_t interval_start(const struct line *line, size_t index)
{
    return index == 0 ? 0 : line->weights[index - 1];
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
__attribute__((noinline)) static size_t pick_weighted(const struct line *line, size_t answers,
                                                      struct random *random, uint16_t *out)
{
    uint16_t drawn[STEER_ANSWERS_MAX];
    size_t count = 0;
    uint32_t left = line->total_weight;
    while (count < answers) {
        uint32_t point = (uint32_t)random_below(random, left);
        for (size_t i = 0; i < count; i++) {
            uint32_t start = interval_start(line, drawn[i]);
            if (point < start) {
                break;
            }
            point += line->weights[drawn[i]] - start;
        }
        size_t index = steer_find_interval(line->weights, line->count, point);
        left -= line->weights[index] - interval_start(line, index);
        out[count] = line->members[index];
        count = insert_drawn(drawn, count, (uint16_t)index);
    }
    return count;
}

/* ---- answers that have to be apart ---- */

/* Whose interval ends where: members of one place stand side by side (set.c), so their run is found by leaps.
 */
static size_t leap(const struct steer_policy *policy, const struct line *line, size_t from, bool forward)
{
    uint32_t place = steer_get_apart(policy, line->members[from]);
    size_t room = forward ? line->count - 1 - from : from, gone = 0, step = 1;
    while (gone + step <= room &&
           steer_get_apart(policy, line->members[forward ? from + gone + step : from - gone - step]) ==
               place) {
        gone += step;
        step *= 2;
    }
    while ((step /= 2) > 0) {
        size_t next = gone + step;
        if (next <= room &&
            steer_get_apart(policy, line->members[forward ? from + next : from - next]) == place) {
            gone = next;
        }
    }
    return forward ? from + gone : from - gone;
}

struct cut {
    uint32_t start, end; /* on the line of weights */
};

static void insert_cut(struct cut *cuts, size_t count, struct cut cut)
{
    size_t at = count;
    while (at > 0 && cuts[at - 1].start > cut.start) {
        cuts[at] = cuts[at - 1];
        at--;
    }
    cuts[at] = cut;
}

static bool is_taken(const struct steer_policy *policy, const uint16_t *out, size_t count, uint16_t member)
{
    size_t i = 0;
    while (i < count && steer_get_apart(policy, out[i]) != steer_get_apart(policy, member)) {
        i++;
    }
    return i != count;
}

/* As pick_weighted(), but with each that is drawn all others of its place are cut out. A fallback has members
 * of several tiers one behind the other, and a place may have several runs: a second one is cut out as well.
 */
__attribute__((noinline)) static size_t pick_apart(const struct steer_policy *policy, const struct line *line,
                                                   struct random *random, uint16_t *out)
{
    struct cut cuts[STEER_ANSWERS_MAX];
    size_t count = 0, cut_count = 0;
    uint32_t left = line->total_weight;
    while (count < policy->answers && cut_count < STEER_ANSWERS_MAX && left > 0) {
        uint32_t point = (uint32_t)random_below(random, left);
        for (size_t i = 0; i < cut_count && point >= cuts[i].start; i++) {
            point += cuts[i].end - cuts[i].start;
        }
        size_t index = steer_find_interval(line->weights, line->count, point);
        struct cut cut = {interval_start(line, leap(policy, line, index, false)),
                          line->weights[leap(policy, line, index, true)]};
        left -= cut.end - cut.start;
        insert_cut(cuts, cut_count++, cut);
        if (!is_taken(policy, out, count, line->members[index])) {
            out[count++] = line->members[index];
        }
    }
    return count;
}

/* ---- the others ---- */

/* Consecutive members from a start that advances by one per query. */
__attribute__((noinline)) static size_t pick_rotated(const struct line *line, size_t answers, uint32_t *next,
                                                     uint16_t *out)
{
    /* The choice may have shrunk since the last query, or this is another part of it. */
    size_t at = *next < line->count ? *next : *next % line->count;
    *next = (uint32_t)at + 1;
    for (size_t i = 0; i < answers; i++) {
        out[i] = line->members[at];
        at = at + 1u == line->count ? 0 : at + 1;
    }
    return answers;
}

static size_t pick_from(const struct steer_policy *policy, const struct line *line, struct random *random,
                        uint32_t *next, uint16_t *out)
{
    size_t answers = policy->pick == STEER_PICK_ALL ? STEER_ANSWERS_MAX : policy->answers;
    if (answers > line->count) {
        answers = line->count;
    }
    if (policy->pick != STEER_PICK_WEIGHTED) {
        return pick_rotated(line, answers, next, out);
    }
    return policy->apart == STEER_APART_NOTHING ? pick_weighted(line, answers, random, out)
                                                : pick_apart(policy, line, random, out);
}

/* The part first, then from it. */
__attribute__((noinline)) static size_t pick_part(const struct steer_policy *policy,
                                                  struct steer_choice *choice, struct random *random,
                                                  uint16_t *out)
{
    const struct steer_part *part = steer_draw_part(choice, random);
    struct line line = {.weights = choice->weights + part->first,
                        .members = choice->members + part->first,
                        .count = part->count,
                        .total_weight = part->total_weight};
    return pick_from(policy, &line, random, &choice->next, out);
}

__attribute__((noinline)) static size_t pick_whole(const struct steer_policy *policy,
                                                   struct steer_choice *choice, struct random *random,
                                                   uint16_t *out)
{
    struct line line = {.weights = choice->weights,
                        .members = choice->members,
                        .count = choice->count,
                        .total_weight = choice->total_weight};
    return pick_from(policy, &line, random, &choice->next, out);
}

/* With few registers to save, and no frame for the commonest cases. */
size_t steer_pick(const struct steer_policy *policy, struct steer_choice *choice, struct random *random,
                  uint16_t out[STEER_ANSWERS_MAX])
{
    if (choice->count == 0) {
        return 0;
    }
    if (choice->is_single) {
        out[0] = steer_draw_single(choice, random);
        return 1;
    }
    return choice->part_count > 1 ? pick_part(policy, choice, random, out)
                                  : pick_whole(policy, choice, random, out);
}
