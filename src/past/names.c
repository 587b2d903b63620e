/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See names.h. A name is a hash already: its first digits are where it is looked for. */
#include "config.h"

#include "past/names.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64, DIGITS = 16 };

/* Where it is, or would be. */
static size_t find_slot(const struct names *names, const char *name)
{
    size_t mask = names->slot_count - 1;
    size_t at = (size_t)hash_finish(hash_bytes(HASH_START, name, DIGITS)) & mask;
    while (names->slots[at] != 0 && strcmp(names->items[names->slots[at] - 1], name) != 0) {
        at = (at + 1) & mask;
    }
    return at;
}

static void make_room(struct names *names)
{
    if (2 * (names->count + 1) <= names->slot_count) {
        return;
    }
    free(names->slots);
    names->slot_count = names->slot_count == 0 ? FIRST_SLOTS : 2 * names->slot_count;
    names->slots = memory_alloc_array(names->slot_count, sizeof *names->slots);
    for (size_t i = 0; i < names->count; i++) {
        names->slots[find_slot(names, names->items[i])] = (uint32_t)i + 1;
    }
}

bool names_add(struct names *names, const char *name)
{
    make_room(names);
    size_t at = find_slot(names, name);
    if (names->slots[at] != 0) {
        return false;
    }
    names->items = memory_grow(names->items, names->count, &names->capacity, sizeof *names->items);
    memcpy(names->items[names->count++], name, DEPOT_NAME_SIZE);
    names->slots[at] = (uint32_t)names->count;
    return true;
}

bool names_has(const struct names *names, const char *name)
{
    return names->count != 0 && names->slots[find_slot(names, name)] != 0;
}

void names_fini(struct names *names)
{
    free(names->items);
    free(names->slots);
    *names = (struct names){.items = NULL};
}
