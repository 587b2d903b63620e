/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Things by name, each found in one step. Pure; borrows the things, which carry their entry. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct name_entry {
    const char *name; /* borrowed */
    uint64_t hash;
    struct name_entry *next;
};

struct name_table {
    struct name_entry **slots;
    size_t mask;
};

void name_table_init(struct name_table *table, size_t count); /* for about so many */
void name_table_fini(struct name_table *table);
void name_table_add(struct name_table *table, struct name_entry *entry, const char *name);
/* The entry of a name, which is not in the table any more; NULL: there is none. */
struct name_entry *name_table_take(struct name_table *table, const char *name);
