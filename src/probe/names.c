/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See names.h. */
#include "config.h"

#include "probe/names.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_name(const char *name)
{
    return hash_finish(hash_bytes(HASH_START, name, strlen(name)));
}

void name_table_init(struct name_table *table, size_t count)
{
    size_t size = 4;
    while (size < count) {
        size *= 2;
    }
    *table =
        (struct name_table){.slots = memory_alloc_array(size, sizeof(struct name_entry *)), .mask = size - 1};
}

void name_table_fini(struct name_table *table)
{
    free(table->slots);
    *table = (struct name_table){.slots = NULL};
}

void name_table_add(struct name_table *table, struct name_entry *entry, const char *name)
{
    uint64_t hash = hash_name(name);
    struct name_entry **slot = &table->slots[hash & table->mask];
    *entry = (struct name_entry){.name = name, .hash = hash, .next = *slot};
    *slot = entry;
}

struct name_entry *name_table_take(struct name_table *table, const char *name)
{
    uint64_t hash = hash_name(name);
    struct name_entry **at = table->slots == NULL ? NULL : &table->slots[hash & table->mask];
    while (at != NULL && *at != NULL && ((*at)->hash != hash || strcmp((*at)->name, name) != 0)) {
        at = &(*at)->next;
    }
    struct name_entry *found = at == NULL ? NULL : *at;
    if (found != NULL) {
        *at = found->next;
    }
    return found;
}
