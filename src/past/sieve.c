/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Eight octets for each thing that is known of an object: see sieve.h. */
#include "config.h"

#include "past/sieve.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "base/memory.h"
#include "past/last_kinds.h"

#include <stdlib.h>
#include <string.h>

enum { HOSTS = HEALTH_GIST_STATES, TABLES };

struct table {
    uint64_t *hashes; /* by number; 0: nothing is known */
    size_t count, capacity;
};

struct sieve {
    struct table tables[TABLES];
    uint64_t plan;    /* of all that says which objects there are, in order */
    uint32_t objects; /* how many records that was */
};

struct sieve *sieve_new(void)
{
    struct sieve *sieve = memory_alloc(sizeof *sieve);
    *sieve = (struct sieve){.plan = HASH_START};
    return sieve;
}

void sieve_free(struct sieve *sieve)
{
    for (int i = 0; sieve != NULL && i < TABLES; i++) {
        free(sieve->tables[i].hashes);
    }
    free(sieve);
}

static uint64_t get(const struct table *table, uint32_t index)
{
    return index < table->count ? table->hashes[index] : 0;
}

/* Returns what was there. */
static uint64_t set(struct table *table, uint32_t index, uint64_t hash)
{
    uint64_t before = get(table, index);
    while (table->count <= index) {
        table->hashes = memory_grow(table->hashes, table->count, &table->capacity, sizeof *table->hashes);
        table->hashes[table->count++] = 0;
    }
    table->hashes[index] = hash;
    return before;
}

static enum sieve_word note(struct sieve *sieve, const struct sieve *than, const struct health_gist *gist)
{
    uint64_t before = set(&sieve->tables[gist->kind], gist->index, gist->hash);
    if (than != NULL) {
        before = get(&than->tables[gist->kind], gist->index);
    }
    return before != gist->hash ? SIEVE_NEWS : SIEVE_KNOWN;
}

static void add_plan(struct sieve *sieve, const void *bytes, size_t len)
{
    sieve->plan = hash_bytes(sieve->plan, bytes, len);
}

/* Without when it was heard of. Its name is of the plan when it is first heard of: one after the other. */
static bool find_host(struct sieve *sieve, const struct health_record *record, struct health_gist *gist)
{
    enum { FAMILIES = 2, TIMES = 12, V4_SIZE = 4, V6_SIZE = 16 };
    struct cursor body = cursor_init_const(record->body, record->len);
    uint64_t hash = HASH_START;
    *gist = (struct health_gist){.kind = (enum health_gist_kind)HOSTS, .index = cursor_read_u32(&body)};
    size_t len = cursor_read_u8(&body);
    (void)cursor_take(&body, len);
    if (body.failed || gist->index > sieve->tables[HOSTS].count) {
        return false;
    }
    if (gist->index == sieve->tables[HOSTS].count) {
        add_plan(sieve, record->body, body.at);
    }
    for (int family = 0; family < FAMILIES && !body.failed; family++) {
        const uint8_t state = cursor_read_u8(&body);
        (void)cursor_take(&body, TIMES);
        const uint8_t count = cursor_read_u8(&body);
        size_t size = count * (size_t)(family == 0 ? V4_SIZE : V6_SIZE);
        const uint8_t *addresses = cursor_take(&body, size), head[] = {state, count};
        hash = hash_bytes(hash, head, sizeof head);
        hash = addresses == NULL ? hash : hash_bytes(hash, addresses, size);
    }
    gist->hash = hash_finish(hash) | 1;
    return !body.failed;
}

enum sieve_word sieve_take(struct sieve *sieve, const struct sieve *than, const struct health_record *record)
{
    struct health_gist gist = health_record_gist(record);
    if (record->kind == LAST_HOST) {
        bool is_next = find_host(sieve, record, &gist);
        return is_next ? note(sieve, than, &gist) : SIEVE_MARK;
    }
    if (gist.kind < HEALTH_GIST_STATES) {
        return gist.index < sieve->objects ? note(sieve, than, &gist) : SIEVE_MARK;
    }
    if (gist.kind == HEALTH_GIST_PLAN) {
        sieve->objects++;
        add_plan(sieve, &gist.hash, sizeof gist.hash);
        return SIEVE_PLAN;
    }
    if (gist.kind == HEALTH_GIST_AGES) {
        return gist.index == 0 ? SIEVE_ROUND : SIEVE_AGES;
    }
    return record->kind == LAST_MOMENT ? SIEVE_MOMENT : SIEVE_MARK;
}

bool sieve_follows(const struct sieve *sieve, const struct sieve *before)
{
    if (sieve->plan != before->plan) {
        return false;
    }
    for (int kind = 0; kind < TABLES; kind++) {
        const struct table *table = &before->tables[kind];
        for (uint32_t i = 0; i < table->count; i++) {
            if (table->hashes[i] != 0 && get(&sieve->tables[kind], i) == 0) {
                return false;
            }
        }
    }
    return true;
}
