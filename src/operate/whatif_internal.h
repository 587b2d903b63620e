/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A report in the making, shared by its files. Internal to the folder. */
#pragma once

#include "operate/whatif.h"

/* Names with the same policy and types. */
struct whatif_entry {
    uint32_t policy, first, count; /* first: in `order` */
    double rate;                   /* of these names; where rates are known */
    uint16_t types;                /* enum steer_types */
    uint16_t statics[2];           /* types that fall back on the zone file's records in some class */
    bool changed, all_unserved[2]; /* in some class */
};

/* A row as it is kept until it is known which ones are shown. */
struct whatif_row {
    uint32_t entry;
    uint16_t class_id;
    uint16_t types;
    uint8_t severity;
    bool changed;
    uint32_t name_count;
};

/* Where traffic goes, [0]: before, [1]: after. Arrays are by index of the topology. */
struct whatif_tally {
    double *endpoints[2], *azs[2], *regions[2];
    double *az_capacity[2], *region_capacity[2]; /* -1: some endpoint has none */
    double nowhere[2];
};

struct whatif {
    const struct operate_what_if *question;
    const struct conf_topology *topology; /* NULL: none, and no steered names */
    struct arena *arena, *scratch;
    struct operate_report *report;
    uint32_t *order; /* names by entry */
    struct whatif_entry *entries;
    size_t entry_count, entry_capacity;
    struct whatif_row *rows;
    size_t row_count, row_capacity;
    struct steer_choice first[2], choice[2]; /* of the first type of a row, and of another one */
    double *shares;
    double weight; /* of all names together */
    struct whatif_tally whole, row;
};

/* ---- whatif.c ---- */

const struct steer_policy *whatif_policy(const struct whatif *w, const struct whatif_row *row);
/* What the row's clients get of one type, before and after. */
void whatif_evaluate(struct whatif *w, const struct whatif_row *row, uint16_t type,
                     struct steer_choice choice[2]);
/* Of the entry's names: those that get no records of the type when this is the choice. */
uint32_t whatif_count_unserved(struct whatif *w, const struct whatif_row *row, uint16_t type, int side,
                               const struct steer_choice *choice);

/* ---- whatif_brake.c ---- */

/* Into the report. */
void whatif_find_brakes(struct whatif *w);

/* ---- whatif_story.c ---- */

/* The report in sentences, from what it says. */
void whatif_tell_story(struct arena *arena, struct operate_report *report);

/* ---- whatif_places.c ---- */

void whatif_init_tally(struct whatif *w, struct whatif_tally *tally);
/* Add what two choices give to whom. */
void whatif_add_shares(struct whatif *w, const struct steer_policy *policy,
                       const struct steer_choice choice[2], double weight, struct whatif_tally *tally);
/* From endpoints to azs and regions. policy NULL: of all endpoints. */
void whatif_sum_up(const struct whatif *w, const struct steer_policy *policy, struct whatif_tally *tally);
/* Back to zero what add_shares and sum_up touched. */
void whatif_clear(const struct whatif *w, const struct steer_policy *policy, struct whatif_tally *tally);
/* How much traffic the answers of a side can bring until the first region or az is full; 0: not known. */
double whatif_find_room(const struct whatif *w, const struct whatif_tally *tally, int side);
/* Does any region or az get more than it can take, with a traffic that just fits before? */
bool whatif_overloads(const struct whatif *w, const struct whatif_tally *tally);
/* Does any member of the policy get another share? */
bool whatif_moves(const struct steer_policy *policy, const struct whatif_tally *tally);
/* Those with a share, in the order of the topology; all but regions at most `max`. */
void whatif_list_regions(const struct whatif *w, const struct whatif_tally *tally, double traffic,
                         struct operate_places *places);
void whatif_list_azs(const struct whatif *w, const struct whatif_tally *tally, double traffic,
                     struct operate_places *places);
void whatif_list_endpoints(const struct whatif *w, const struct steer_policy *policy, double traffic,
                           struct operate_places *places);
