/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A set of names of a depot, each there once, in the order in which they came. Touches no disk. */
#pragma once

#include "past/depot.h"

struct names {
    char (*items)[DEPOT_NAME_SIZE];
    size_t count, capacity;
    uint32_t *slots; /* of the table: 1 + index; 0: empty */
    size_t slot_count;
};

/* All zero is an empty one. `name` has to be one (depot_is_name()). Returns whether it was not there. */
bool names_add(struct names *names, const char *name);
bool names_has(const struct names *names, const char *name);
void names_fini(struct names *names);
