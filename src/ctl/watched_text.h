/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `steerctl check` prints: for monitoring plugins' consumers, or as JSON. Private to src/ctl. */
#pragma once

#include "ctl/watched_figures.h"
#include "ctl/range.h"
#include "ctl/watched.h"

enum { WATCHED_NAMES = 5, WATCHED_WHO_SIZE = 256 };

struct watched_limit {
    bool is_set;
    struct range range;
};

struct watched_item {
    const struct figure *figure;
    bool is_chosen, is_known;
    bool is_named; /* itself, not its group: what is not known of it is told */
    struct watched_limit warning, critical;
    double value;
    enum watched_state state;
    char who[WATCHED_WHO_SIZE]; /* names that it is about; "": none are known */
    json_t *objects;            /* owned: these say why, each in a line; NULL: none does */
};

struct watched_result {
    enum watched_state state;
    const char *why; /* nothing is known, and why; NULL: the items say it */
    const struct watched_item *items;
    size_t count;
};

/* The names of objects of a list, WATCHED_NAMES at most. */
void watched_name(struct watched_item *item, const json_t *objects);
void watched_print(const struct watched_result *result, bool as_json);
