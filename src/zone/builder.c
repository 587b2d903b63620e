/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Collecting the records of a zone by owner. What is collected lives in one arena until zone_builder_finish()
 * has checked it (check.c) and rendered it (render.c). */
#include "config.h"

#include "zone/builder.h"

#include "base/error.h"
#include "base/memory.h"
#include "dns/name.h"
#include "zone/builder_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_SIZE = 3 * DNS_NAME_TEXT_SIZE };

struct zone_builder *zone_builder_new(const uint8_t *apex, const char *file, struct report *report)
{
    struct zone_builder *b = memory_alloc(sizeof *b);
    b->arena = arena_new(0);
    b->file = arena_copy_text(b->arena, file);
    b->report = report;
    dns_key_fill(&b->apex, apex, DNS_NAME_MAX);
    b->slot_mask = 63;
    b->slots = memory_alloc_array(b->slot_mask + 1, sizeof *b->slots);
    builder_get_owner(b, &b->apex, 0);
    return b;
}

void zone_builder_set_rotate(struct zone_builder *b, bool rotate)
{
    b->rotate = rotate;
}

void zone_builder_free(struct zone_builder *b)
{
    if (b != NULL) {
        arena_free(b->arena);
        free(b->slots);
        free(b->owners);
        free(b->records);
        free(b->steered);
        free(b->addresses);
        free(b->address_slots);
        free(b->whoamis);
        free(b);
    }
}

void builder_complain(struct zone_builder *b, enum report_severity severity, const struct builder_place *at,
                      const char *format, ...)
{
    struct report_place place = {
        .file = at->file != NULL ? at->file : b->file, .line = at->line, .column = at->column};
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    report_add(b->report, severity, &place, "%s", message);
    b->failed |= severity == REPORT_ERROR;
}

uint32_t builder_find_owner(const struct zone_builder *b, const struct dns_key *key, unsigned label)
{
    unsigned len = (unsigned)key->len - key->at[label] - b->apex.len;
    uint64_t hash = zone_hash_owner(key, label, len);
    for (uint32_t i = (uint32_t)(hash >> 32) & b->slot_mask; b->slots[i] != 0; i = (i + 1) & b->slot_mask) {
        const struct builder_owner *owner = &b->owners[b->slots[i] - 1];
        if (owner->hash == hash && owner->name_len == len &&
            memcmp(owner->name, key->name + key->at[label], len) == 0) {
            return b->slots[i];
        }
    }
    return 0;
}

static void enter(struct zone_builder *b, uint32_t owner)
{
    uint32_t i = (uint32_t)(b->owners[owner - 1].hash >> 32) & b->slot_mask;
    while (b->slots[i] != 0) {
        i = (i + 1) & b->slot_mask;
    }
    b->slots[i] = owner;
}

static void grow_slots(struct zone_builder *b)
{
    free(b->slots);
    b->slot_mask = b->slot_mask * 2 + 1;
    b->slots = memory_alloc_array((size_t)b->slot_mask + 1, sizeof *b->slots);
    for (uint32_t owner = 1; owner <= b->owner_count; owner++) {
        enter(b, owner);
    }
}

static uint32_t add_owner(struct zone_builder *b, const struct dns_key *key, unsigned label)
{
    if (b->owner_count + 1 > b->slot_mask / 2) {
        grow_slots(b);
    }
    b->owners = memory_grow(b->owners, b->owner_count, &b->owner_capacity, sizeof *b->owners);
    struct builder_owner *owner = &b->owners[b->owner_count];
    unsigned len = (unsigned)key->len - key->at[label] - b->apex.len;
    *owner = (struct builder_owner){.hash = zone_hash_owner(key, label, len), .name_len = (uint8_t)len};
    owner->name = memcpy(arena_alloc_bytes(b->arena, len), key->name + key->at[label], len);
    unsigned depth = (unsigned)key->labels - label - b->apex.labels;
    b->depth = depth > b->depth ? depth : b->depth;
    enter(b, (uint32_t)++b->owner_count);
    return (uint32_t)b->owner_count;
}

/* The owner and its ancestors up to the first that exists: empty non-terminals are names too (RFC 4592). */
uint32_t builder_get_owner(struct zone_builder *b, const struct dns_key *key, unsigned label)
{
    uint32_t first = 0, below = 0;
    for (bool exists = false; !exists && label + b->apex.labels <= key->labels; label++) {
        uint32_t owner = builder_find_owner(b, key, label);
        exists = owner != 0;
        owner = exists ? owner : add_owner(b, key, label);
        if (below != 0) {
            b->owners[below - 1].parent = owner;
        }
        first = first == 0 ? owner : first;
        below = owner;
    }
    return first;
}

bool builder_is_in_zone(const struct zone_builder *b, const struct dns_key *key)
{
    return key->labels >= b->apex.labels && key->at[key->labels - b->apex.labels] == key->len - b->apex.len &&
           memcmp(key->name + key->len - b->apex.len, b->apex.name, b->apex.len) == 0;
}

/* Files change rarely from record to record: the text is copied once per change. */
const char *builder_keep_file(struct zone_builder *b, const char *file)
{
    if (file == NULL || (b->last_file != NULL && strcmp(file, b->last_file) == 0)) {
        return file == NULL ? NULL : b->last_file;
    }
    b->last_file = arena_copy_text(b->arena, file);
    return b->last_file;
}

int zone_builder_add(void *builder, const struct zone_record *record)
{
    struct zone_builder *b = builder;
    struct dns_key key;
    struct builder_place place = {builder_keep_file(b, record->file), record->line, record->column};
    size_t len = dns_key_fill(&key, record->owner, record->owner_len);
    if (len == 0 || !builder_is_in_zone(b, &key)) {
        char owner[DNS_NAME_TEXT_SIZE], apex[DNS_NAME_TEXT_SIZE];
        builder_complain(b, REPORT_ERROR, &place, "the owner %s is outside the zone %s",
                         len == 0 ? "?" : dns_name_write(record->owner, owner),
                         dns_name_write(b->apex.name, apex));
        return 0;
    }
    uint32_t at = builder_get_owner(b, &key, 0);
    b->records = memory_grow(b->records, b->record_count, &b->record_capacity, sizeof *b->records);
    b->records[b->record_count] = (struct builder_record){
        .place = place,
        .type = record->type,
        .ttl = record->ttl,
        .rdata_len = record->rdata_len,
        .rdata = memcpy(arena_alloc_bytes(b->arena, record->rdata_len), record->rdata, record->rdata_len),
    };
    uint32_t index = (uint32_t)++b->record_count;
    struct builder_owner *owner = &b->owners[at - 1];
    if (owner->last == 0) {
        owner->first = index;
    } else {
        b->records[owner->last - 1].next = index;
    }
    owner->last = index;
    return 0;
}

struct builder_steered *builder_enter_steered(struct zone_builder *b, const uint8_t *owner,
                                              const struct builder_place *place)
{
    struct dns_key key;
    if (dns_key_fill(&key, owner, DNS_NAME_MAX) == 0 || !builder_is_in_zone(b, &key)) {
        builder_complain(b, REPORT_ERROR, place, "the steered name is outside the zone");
        return NULL;
    }
    uint32_t at = builder_get_owner(b, &key, 0);
    b->steered = memory_grow(b->steered, b->steered_count, &b->steered_capacity, sizeof *b->steered);
    struct builder_steered *steered = &b->steered[b->steered_count];
    *steered = (struct builder_steered){.place = *place, .next = b->owners[at - 1].steered};
    b->owners[at - 1].steered = (uint32_t)++b->steered_count;
    return steered;
}

void zone_builder_set_partial(struct zone_builder *b, bool records)
{
    b->failed = true;
    b->lacks_names = true;
    b->lacks_records |= records;
}
