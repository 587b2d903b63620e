/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What rules go by: how much of each place is left to clients, by the words of a table and as answers find it
 * there: nothing where it does not serve, less where it is drained in part or for some names. Ramps are not
 * looked at, so they have to be taken out of the table (health_assume_no_ramps()). Never fails. Private to
 * src/operate. */
#pragma once

#include "health/health.h"
#include "view/view.h"

struct conf_place;
struct operate_rates;

/* What names have of a place: what is left, and what would be if nothing was drained for some of them, or in
 * part; and of the policy that is looked at. */
struct measure_share {
    double left, all;
    double policy_left;
    bool policy_all;
    bool is_member; /* of some name, used or not */
};

/* From 0 (it does not serve) to 1 (all of it). A region or az has what one of its endpoints has, and a name
 * has of it what one of those endpoints has that are its members. */
struct measure {
    double *regions, *azs;
    double capacity; /* of the endpoints, each as much as is left of it */
    const struct view *view;
    const struct health_table *table;
    const double *weights; /* of policies; NULL: nobody is drained for some names */
    struct measure_share *shares;
    /* Of a configuration that changes: how much of each member is used (0..1), those of a policy from
     * first_use[policy] on. Then what is left of a place is what names have of it. NULL: all of all. */
    const float *uses;
    const size_t *first_use;
    double *endpoints, *groups; /* what is left of each, if that was found elsewhere; else NULL */
};

/* A place from which more than half of its answers were taken serves no more. */
static inline bool measure_serves(double left)
{
    return left > 0.5 - 1e-9;
}

/* Is there less than there was? */
static inline bool measure_is_less(double after, double before)
{
    return after < before - 1e-9;
}

/* How much name number `index` of a view is asked for; NULL: all names are alike. */
double measure_weigh_name(const struct operate_rates *rates, size_t index);
/* What each policy's names are asked for; rates may be NULL, then all names weigh alike. Returns owned. */
double *measure_weigh_policies(const struct view *view, const struct operate_rates *rates);
void measure_init(struct measure *measure, const struct view *view, const double *weights);
void measure_fini(struct measure *measure);
/* What is left of a place (shares[number]), by the names that have it; `otherwise` where none does. Where
 * `uses` are counted, a place that names have but do not use is worth nothing. */
double measure_share_of(const struct measure *measure, size_t number, double otherwise);
/* The table is borrowed until the next one is taken. */
void measure_take(struct measure *measure, const struct health_table *table);
/* Its shares only. */
void measure_take_names(struct measure *measure, const struct health_table *table);
/* By the words alone, for all names. */
double measure_words(const struct measure *measure, uint32_t index);
double measure_endpoint(const struct measure *measure, uint32_t index);
/* Of a region, az, endpoint or group. */
double measure_place(const struct measure *measure, const struct conf_place *place);
