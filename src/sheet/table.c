/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See table.h. An array of entries in the order of the file, their texts one behind the other, and a table of
 * their numbers: open addressing, at most half full. */
#include "config.h"

#include "sheet/table.h"

#include "base/addr.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/siphash.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 16 };

struct entry {
    uint32_t key, reason; /* where they begin in the texts */
    uint32_t line;
    bool is_down;
};

struct sheet_table {
    struct buffer texts; /* each with a NUL behind it; the first one is empty */
    struct entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* 1 + number; 0: empty */
    size_t mask;
    uint8_t secret[SIPHASH_KEY_SIZE];
};

struct sheet_table *sheet_table_new(void)
{
    struct sheet_table *table = memory_alloc(sizeof *table);
    const uint64_t seeds[] = {random_seed(), random_seed()};
    _Static_assert(sizeof seeds == sizeof table->secret, "all of it is random");
    memcpy(table->secret, seeds, sizeof seeds);
    buffer_init(&table->texts);
    buffer_add(&table->texts, "", 1);
    table->slots = memory_alloc_array(SLOTS_AT_FIRST, sizeof *table->slots);
    table->mask = SLOTS_AT_FIRST - 1;
    return table;
}

void sheet_table_free(struct sheet_table *table)
{
    if (table != NULL) {
        free(table->slots);
        free(table->entries);
        buffer_fini(&table->texts);
        free(table);
    }
}

static const char *key_of(const struct sheet_table *table, uint32_t slot)
{
    return table->texts.bytes + table->entries[slot - 1].key;
}

/* Where it is, or has its place. */
static uint32_t *find_slot(const struct sheet_table *table, const char *key)
{
    uint64_t hash;
    uint8_t octets[SIPHASH_SIZE];
    siphash_24(table->secret, (const uint8_t *)key, strlen(key), octets);
    memcpy(&hash, octets, sizeof hash);
    size_t at = (size_t)hash & table->mask;
    while (table->slots[at] != 0 && strcmp(key_of(table, table->slots[at]), key) != 0) {
        at = (at + 1) & table->mask;
    }
    return &table->slots[at];
}

static void grow(struct sheet_table *table)
{
    if (table->count * 2 <= table->mask) {
        return;
    }
    free(table->slots);
    table->mask = table->mask * 2 + 1;
    table->slots = memory_alloc_array(table->mask + 1, sizeof *table->slots);
    for (uint32_t i = 1; i <= table->count; i++) {
        *find_slot(table, key_of(table, i)) = i;
    }
}

static uint32_t add_text(struct sheet_table *table, const char *text)
{
    size_t at = table->texts.len;
    if (text[0] == '\0') {
        return 0;
    }
    buffer_add(&table->texts, text, strlen(text) + 1);
    return (uint32_t)at;
}

unsigned sheet_table_add(struct sheet_table *table, const struct sheet_entry *entry)
{
    grow(table);
    uint32_t *slot = find_slot(table, entry->key);
    if (*slot != 0) {
        return table->entries[*slot - 1].line;
    }
    table->entries = memory_grow(table->entries, table->count, &table->capacity, sizeof *table->entries);
    table->entries[table->count++] = (struct entry){.key = add_text(table, entry->key),
                                                    .reason = add_text(table, entry->reason),
                                                    .line = entry->line,
                                                    .is_down = entry->is_down};
    *slot = (uint32_t)table->count;
    return 0;
}

bool sheet_table_find(const struct sheet_table *table, const char *key, struct sheet_entry *entry)
{
    uint32_t slot = *find_slot(table, key);
    if (slot == 0) {
        return false;
    }
    const struct entry *found = &table->entries[slot - 1];
    *entry = (struct sheet_entry){.key = table->texts.bytes + found->key,
                                  .reason = table->texts.bytes + found->reason,
                                  .line = found->line,
                                  .is_down = found->is_down};
    return true;
}

size_t sheet_table_count(const struct sheet_table *table)
{
    return table->count;
}

void sheet_write_key(char *key)
{
    struct addr addr;
    char text[ADDR_TEXT_SIZE];
    if (strchr(key, ':') == NULL || addr_parse(key, &addr) != 0) {
        return;
    }
    size_t len = strlen(addr_write(&addr, text));
    if (len <= strlen(key)) {
        memcpy(key, text, len + 1);
    }
}
