/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See book.h. A hash table for each kind; the list in order is made when somebody asks for it and rows have
 * come or gone since. */
#include "config.h"

#include "traffic/book.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64 };

struct table {
    struct traffic_row **slots; /* chains, by hash */
    size_t slot_count, count;   /* a power of two */
    struct traffic_row **list;  /* by key; NULL: to be made */
};

struct traffic_book {
    struct table tables[TRAFFIC_KINDS];
};

const char *traffic_kind_text(enum traffic_kind kind)
{
    static const char *const texts[TRAFFIC_KINDS] = {[TRAFFIC_NAME] = "name",
                                                     [TRAFFIC_ENDPOINT] = "endpoint",
                                                     [TRAFFIC_AZ] = "az",
                                                     [TRAFFIC_REGION] = "region",
                                                     [TRAFFIC_CLASS] = "class"};
    return texts[kind];
}

struct traffic_book *traffic_book_new(void)
{
    struct traffic_book *book = memory_alloc(sizeof *book);
    for (int i = 0; i < TRAFFIC_KINDS; i++) {
        struct table *table = &book->tables[i];
        table->slot_count = SLOTS_FIRST;
        table->slots = memory_alloc_array(table->slot_count, sizeof(struct traffic_row *));
    }
    return book;
}

static void forget_list(struct table *table)
{
    free(table->list);
    table->list = NULL;
}

void traffic_book_free(struct traffic_book *book)
{
    for (int i = 0; book != NULL && i < TRAFFIC_KINDS; i++) {
        struct table *table = &book->tables[i];
        for (size_t s = 0; s < table->slot_count; s++) {
            while (table->slots[s] != NULL) {
                struct traffic_row *row = table->slots[s];
                table->slots[s] = row->next;
                free(row);
            }
        }
        free(table->slots);
        forget_list(table);
    }
    free(book);
}

static struct traffic_row **find_slot(const struct table *table, const char *key)
{
    uint64_t hash = hash_finish(hash_bytes(HASH_START, key, strlen(key)));
    return &table->slots[hash & (table->slot_count - 1)];
}

static void grow(struct table *table)
{
    struct table wider = {.slot_count = table->slot_count * 2, .count = table->count};
    wider.slots = memory_alloc_array(wider.slot_count, sizeof(struct traffic_row *));
    for (size_t s = 0; s < table->slot_count; s++) {
        while (table->slots[s] != NULL) {
            struct traffic_row *row = table->slots[s], **to = find_slot(&wider, row->key);
            table->slots[s] = row->next;
            row->next = *to;
            *to = row;
        }
    }
    free(table->slots);
    *table = wider;
}

struct traffic_row *traffic_book_find(const struct traffic_book *book, enum traffic_kind kind,
                                      const char *key)
{
    struct traffic_row *row = *find_slot(&book->tables[kind], key);
    while (row != NULL && strcmp(row->key, key) != 0) {
        row = row->next;
    }
    return row;
}

struct traffic_row *traffic_book_get(struct traffic_book *book, enum traffic_kind kind, const char *key,
                                     int64_t now_ms, int64_t wall_ms)
{
    struct table *table = &book->tables[kind];
    struct traffic_row *row = traffic_book_find(book, kind, key);
    if (row != NULL) {
        return row;
    }
    forget_list(table);
    if (table->count == table->slot_count) {
        grow(table);
    }
    size_t len = strlen(key);
    struct traffic_row **slot = find_slot(table, key);
    row = memory_alloc(sizeof *row + len + 1);
    memcpy(row->key, key, len + 1);
    traffic_rate_init(&row->rate, now_ms);
    row->since_ms = wall_ms;
    row->is_there = true;
    row->next = *slot;
    *slot = row;
    table->count++;
    return row;
}

void traffic_book_add(struct traffic_row *row, const struct traffic_span *span, uint64_t count)
{
    traffic_rate_add(&row->rate, span, count);
}

void traffic_book_begin_sweep(struct traffic_book *book)
{
    for (int i = 0; i < TRAFFIC_KINDS; i++) {
        struct table *table = &book->tables[i];
        for (size_t s = 0; s < table->slot_count; s++) {
            for (struct traffic_row *row = table->slots[s]; row != NULL; row = row->next) {
                row->is_there = false;
            }
        }
    }
}

void traffic_book_end_sweep(struct traffic_book *book)
{
    for (int i = 0; i < TRAFFIC_KINDS; i++) {
        struct table *table = &book->tables[i];
        for (size_t s = 0; s < table->slot_count; s++) {
            for (struct traffic_row **at = &table->slots[s]; *at != NULL;) {
                struct traffic_row *row = *at;
                if (row->is_there) {
                    at = &row->next;
                    continue;
                }
                *at = row->next;
                free(row);
                table->count--;
                forget_list(table);
            }
        }
    }
}

size_t traffic_book_count(const struct traffic_book *book, enum traffic_kind kind)
{
    return book->tables[kind].count;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp((*(struct traffic_row *const *)a)->key, (*(struct traffic_row *const *)b)->key);
}

struct traffic_row **traffic_book_list(struct traffic_book *book, enum traffic_kind kind)
{
    struct table *table = &book->tables[kind];
    size_t count = 0;
    if (table->list == NULL) {
        table->list = memory_alloc_array(table->count + 1, sizeof(struct traffic_row *));
        for (size_t s = 0; s < table->slot_count; s++) {
            for (struct traffic_row *row = table->slots[s]; row != NULL; row = row->next) {
                table->list[count++] = row;
            }
        }
        qsort(table->list, table->count, sizeof(struct traffic_row *), compare_rows);
    }
    return table->list;
}
