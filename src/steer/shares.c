/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See shares.h. Of what an override moves off in part so many percent of its answers move, whatever the tier
 * could take: of each tier's answers before and after a part each. So what stays depends on nobody else's
 * health, and who has moved does not come back because of it. */
#include "config.h"

#include "steer/shares.h"

#define NOTHING_LEFT 1e-9

double shares_take(const struct steer_class *class, size_t index, const struct steer_measure *measure,
                   double *left)
{
    if (measure->suffices <= 0 || *left <= 0) {
        return 0;
    }
    if (class->spread && index > 0) {
        return measure->available;
    }
    double share = measure->suffices < *left ? measure->suffices : *left;
    *left = *left - share < NOTHING_LEFT ? 0 : *left - share;
    return share;
}

static bool leads(const struct steer_choice *choice, size_t index)
{
    return index == 0 || choice->parts[index - 1].tier != choice->parts[index].tier;
}

static double sum_shares(const struct steer_choice *choice)
{
    double sum = 0;
    for (size_t i = 0; i < choice->part_count; i++) {
        sum += leads(choice, i) ? choice->parts[i].share : 0;
    }
    return sum;
}

/* All shares add up to 1: what no tier could take goes to those that serve, as they do. */
static void even_out(const struct steer_class *class, struct steer_choice *choice, double left)
{
    double sum = sum_shares(choice), home = choice->parts[0].tier == 0 ? choice->parts[0].share : 0;
    bool spreads = class->spread && left > 0 && (home <= 0 || sum - home > SHARES_LEAST);
    double spread = spreads && sum > home ? left / (sum - home) : 1;
    double total = spreads ? home + (sum - home) * spread : sum;
    for (size_t i = 0; i < choice->part_count; i++) {
        struct steer_part *part = &choice->parts[i];
        part->share *= (part->tier == 0 ? 1 : spread) / total;
    }
}

/* ---- what moves off ---- */

/* Parts have what they get once all has moved: those that it moves off nothing. Each gets so much more, or
 * less, than before as has moved by now. */
static bool move(const struct steer_fence *fence, struct steer_choice *choice)
{
    double all = 0, moved = 0;
    for (size_t i = 0; i < fence->origin_count; i++) {
        const struct steer_origin *origin = &fence->origins[i];
        all += origin->moves ? origin->share : 0;
        moved += origin->moves ? origin->share - origin->stays : 0;
    }
    for (size_t i = 0; i < choice->part_count; i++) {
        struct steer_part *part = &choice->parts[i];
        const struct steer_origin *origin = fence_find_origin(fence, part->tier);
        double before = origin == NULL || (origin->moves && origin->stays <= 0) ? 0 : origin->share;
        part->leaves = origin != NULL && origin->moves && origin->stays > 0;
        part->share = part->leaves ? origin->stays : before + (part->share - before) * moved / all;
    }
    return moved > SHARES_LEAST;
}

/* ---- trickles ---- */

/* Which tiers get less than their trickle at this scale; returns whether these are more than before. */
static bool mark_trickles(const struct steer_class *class, struct steer_choice *choice, double scale)
{
    bool any = false;
    for (size_t i = 0; i < choice->part_count; i++) {
        struct steer_part *part = &choice->parts[i];
        if (!part->trickles && part->share * scale < class->tiers[part->tier].trickle) {
            part->trickles = any = true;
        }
    }
    return any;
}

/* How much is left of the shares of others where those that are marked get their trickle. */
static double find_scale(const struct steer_class *class, const struct steer_choice *choice)
{
    double raised = 0, rest = 0;
    for (size_t i = 0; i < choice->part_count; i++) {
        const struct steer_part *part = &choice->parts[i];
        if (leads(choice, i)) {
            *(part->trickles ? &raised : &rest) +=
                part->trickles ? class->tiers[part->tier].trickle : part->share;
        }
    }
    return rest > 0 ? (1 - raised) / rest : 0;
}

/* Tiers that would get less than their trickle get it from the others; that makes these smaller, and they may
 * have a trickle, too. All trickles together are less than all there is, so somebody gives. */
static void trickle(const struct steer_class *class, struct steer_choice *choice)
{
    double scale = 1;
    while (mark_trickles(class, choice, scale)) {
        scale = find_scale(class, choice);
    }
    for (size_t i = 0; i < choice->part_count; i++) {
        struct steer_part *part = &choice->parts[i];
        part->share = part->trickles ? class->tiers[part->tier].trickle : part->share * scale;
    }
}

bool shares_settle(const struct steer_reading *reading, const struct steer_class *class, double left)
{
    struct steer_choice *choice = reading->choice;
    if (choice->part_count == 0 || sum_shares(choice) <= 0) {
        return false;
    }
    even_out(class, choice, left);
    if (fence_is_after(reading->fence) && !move(reading->fence, choice)) {
        return false;
    }
    trickle(class, choice);
    return true;
}
