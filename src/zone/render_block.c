/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A block: the records of one RRset as they go into a message. Names are compressed (RFC 1035 section 4.1.4)
 * against what every message with the block has in it: the owner, and what stands earlier in the block. What
 * is not known before the block is in a message is left as a patch (the apex) or a link (all else). */
#include "config.h"

#include "zone/render_internal.h"

#include "base/memory.h"
#include "base/sanitizer.h"
#include "dns/name.h"

#include <stdlib.h>

enum { BLOCK_MAX = 65000, BLOB_START = 8, APEX_PATCH = 0xc000, NAMES_START = 32 };

void render_init(struct renderer *r, struct zone_builder *b)
{
    *r = (struct renderer){
        .b = b, .capacity = 256, .len = BLOB_START, .block_capacity = 256, .name_mask = NAMES_START - 1};
    r->blob = memory_alloc(r->capacity);
    r->block = memory_alloc(r->block_capacity);
    r->names = memory_alloc_array(NAMES_START, sizeof *r->names);
}

void render_fini(struct renderer *r)
{
    free(r->records);
    free(r->block);
    free(r->patches);
    free(r->links);
    free(r->names);
    free(r->targets);
    free(r->seen);
    free(r->fixups);
    free(r->gaps);
}

void render_guard(const struct renderer *r, const uint8_t *blob, size_t size)
{
    for (size_t i = 0; i < r->gap_count; i++) {
        sanitizer_poison(blob + r->gaps[i].at, r->gaps[i].len);
    }
    sanitizer_poison(blob + r->len, size - r->len);
}

static void note_gap(struct renderer *r, size_t end)
{
    r->gaps = memory_grow(r->gaps, r->gap_count, &r->gap_capacity, sizeof *r->gaps);
    r->gaps[r->gap_count++] = (struct render_gap){r->len, end - r->len};
    sanitizer_poison(r->blob + r->len, end - r->len);
}

size_t render_take(struct renderer *r, size_t size, size_t align)
{
    align = align > SANITIZER_ALIGN ? align : SANITIZER_ALIGN;
    size_t at = (r->len + SANITIZER_RED_ZONE + align - 1) & ~(align - 1);
    while (at + size > r->capacity) {
        r->capacity *= 2;
        r->blob = memory_resize(r->blob, r->capacity, 1);
        render_guard(r, r->blob, r->capacity);
    }
    sanitizer_unpoison(r->blob + r->len, at + size - r->len);
    memset(r->blob + r->len, 0, at + size - r->len);
    if (SANITIZER_RED_ZONE != 0) {
        note_gap(r, at);
    }
    r->len = at + size;
    return at;
}

void render_begin(struct renderer *r, const struct builder_owner *owner)
{
    r->owner = owner;
    r->block_len = r->patch_count = r->link_count = r->seen_count = 0;
    r->overflow = r->behind = r->rotates = r->has_names = false;
    r->extra = (struct zone_extra){0};
    sanitizer_poison(r->block, r->block_capacity);
}

void render_put(struct renderer *r, const void *bytes, size_t len)
{
    if (r->block_len + len > BLOCK_MAX || r->overflow) {
        r->overflow = true;
        return;
    }
    while (r->block_len + len > r->block_capacity) {
        r->block_capacity *= 2;
        r->block = memory_resize(r->block, r->block_capacity, 1);
        sanitizer_poison(r->block + r->block_len, r->block_capacity - r->block_len);
    }
    sanitizer_unpoison(r->block + r->block_len, len);
    if (len != 0) {
        memcpy(r->block + r->block_len, bytes, len);
    }
    r->block_len += len;
}

void render_put16(struct renderer *r, unsigned value)
{
    render_put(r, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

void render_put_fixed(struct renderer *r, uint16_t type, uint32_t ttl)
{
    render_put16(r, type);
    render_put16(r, DNS_CLASS_IN);
    render_put16(r, ttl >> 16);
    render_put16(r, ttl & 0xffff);
}

void render_write_ttl(uint8_t to[4], uint32_t ttl)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (uint8_t)(ttl >> (24 - 8 * i));
    }
}

/* ---- the names that there are ---- */

/* A name with its hash, to be found. */
struct suffix {
    uint64_t hash;
    const uint8_t *name; /* of any case */
    uint8_t len;
};

static struct suffix make_suffix(const struct dns_key *key, const uint8_t *name, unsigned label)
{
    return (struct suffix){dns_key_hash_suffix(key, label), name + key->at[label],
                           (uint8_t)(key->len - key->at[label])};
}

/* Mostly the case of letters is the same, too. */
static bool is_same(const struct render_name *slot, const struct suffix *suffix)
{
    return slot->hash == suffix->hash && slot->len == suffix->len &&
           (memcmp(slot->name, suffix->name, suffix->len) == 0 || dns_name_equal(slot->name, suffix->name));
}

/* The slot of a name, or the empty one where it belongs. */
static struct render_name *find_slot(const struct renderer *r, const struct suffix *suffix)
{
    for (uint32_t i = (uint32_t)(suffix->hash >> 32) & r->name_mask;; i = (i + 1) & r->name_mask) {
        struct render_name *slot = &r->names[i];
        if (slot->stamp != r->stamp || is_same(slot, suffix)) {
            return slot;
        }
    }
}

static void grow_names(struct renderer *r)
{
    struct render_name *old = r->names;
    uint32_t size = r->name_mask + 1;
    r->name_mask = size * 2 - 1;
    r->names = memory_alloc_array((size_t)size * 2, sizeof *r->names);
    for (uint32_t i = 0; i < size; i++) {
        if (old[i].stamp == r->stamp) {
            *find_slot(r, &(struct suffix){old[i].hash, old[i].name, old[i].len}) = old[i];
        }
    }
    free(old);
}

/* The first place of a name stays. */
static void add_name(struct renderer *r, struct suffix suffix, uint16_t link)
{
    struct render_name *slot = find_slot(r, &suffix);
    if (slot->stamp == r->stamp) {
        return;
    }
    *slot = (struct render_name){
        .hash = suffix.hash, .name = suffix.name, .stamp = r->stamp, .link = link, .len = suffix.len};
    if (++r->name_count > r->name_mask / 2) {
        grow_names(r);
    }
}

/* The owner's suffixes; what a wildcard stands for has its own first labels. */
static void prepare_names(struct renderer *r)
{
    if (r->has_names) {
        return;
    }
    uint8_t owner[DNS_NAME_MAX + 1];
    const struct dns_key *apex = &r->b->apex;
    memcpy(owner, r->owner->name, r->owner->name_len);
    memcpy(owner + r->owner->name_len, apex->name, apex->len);
    dns_key_fill(&r->key, owner, DNS_NAME_MAX);
    r->has_names = true;
    r->stamp++;
    r->name_count = 0;
    for (unsigned i = owner[0] == 1 && owner[1] == '*'; i < r->key.labels; i++) {
        struct suffix suffix = make_suffix(&r->key, r->key.name, i);
        add_name(r, suffix, (uint16_t)(ZONE_LINK_OWNER | suffix.len));
    }
}

const uint8_t *render_owner_name(struct renderer *r)
{
    prepare_names(r);
    return r->key.name;
}

/* Remember the first `labels` suffixes of a name that stands at `at`. */
static void note_name(struct renderer *r, const struct dns_key *key, const uint8_t *name, unsigned labels,
                      size_t at)
{
    for (unsigned i = 0; i < labels && at + key->at[i] < ZONE_LINK_MAX; i++) {
        add_name(r, make_suffix(key, name, i), (uint16_t)(ZONE_LINK_BLOCK | (at + key->at[i])));
    }
}

/* ---- names ---- */

void render_put_link(struct renderer *r, uint16_t link)
{
    r->links = memory_grow(r->links, r->link_count, &r->link_capacity, sizeof *r->links);
    r->links[r->link_count++] = (uint16_t)r->block_len;
    render_put16(r, link);
}

void render_put_apex(struct renderer *r)
{
    r->patches = memory_grow(r->patches, r->patch_count, &r->patch_capacity, sizeof *r->patches);
    r->patches[r->patch_count++] = (uint16_t)r->block_len;
    render_put16(r, APEX_PATCH);
}

/* The pointer to the apex is the commonest link, and the one whose value is at hand for every answer. */
static void put_pointer(struct renderer *r, uint16_t link)
{
    if (r->behind || link != (ZONE_LINK_OWNER | r->b->apex.len)) {
        render_put_link(r, link);
    } else {
        render_put_apex(r);
    }
}

void render_put_name(struct renderer *r, const uint8_t *name)
{
    struct dns_key key;
    size_t at = r->block_len, len = dns_key_fill(&key, name, DNS_NAME_MAX);
    const struct render_name *found = NULL;
    unsigned labels = 0;
    prepare_names(r);
    for (; labels < key.labels; labels++) {
        struct suffix suffix = make_suffix(&key, name, labels);
        found = find_slot(r, &suffix);
        if (found->stamp == r->stamp) {
            break;
        }
    }
    if (labels == key.labels) {
        render_put(r, name, len);
    } else {
        uint16_t link = found->link; /* adding names moves them */
        render_put(r, name, key.at[labels]);
        put_pointer(r, link);
    }
    if (!r->behind && !r->rotates && !r->overflow) {
        note_name(r, &key, name, labels, at);
    }
}

uint16_t render_find_name(struct renderer *r, const uint8_t *name)
{
    struct dns_key key;
    prepare_names(r);
    if (dns_key_fill(&key, name, DNS_NAME_MAX) <= 1) {
        return 0;
    }
    struct suffix whole = make_suffix(&key, name, 0);
    const struct render_name *found = find_slot(r, &whole);
    return found->stamp == r->stamp ? found->link : 0;
}

/* ---- rdata ---- */

/* RFC 3597 section 4: only the types of RFC 1035 may have compressed names in their rdata. */
static bool may_compress(uint16_t type)
{
    return type == DNS_TYPE_NS || type == DNS_TYPE_CNAME || type == DNS_TYPE_PTR || type == DNS_TYPE_MX ||
           type == DNS_TYPE_SOA;
}

static void put_compressed(struct renderer *r, const struct builder_record *record, size_t fixed)
{
    const uint8_t *rdata = record->rdata;
    size_t len = record->rdata_len, rest = fixed + dns_name_len(rdata + fixed, len - fixed),
           second = record->type == DNS_TYPE_SOA ? dns_name_len(rdata + rest, len - rest) : 0;
    render_put(r, rdata, fixed);
    render_put_name(r, rdata + fixed);
    if (second != 0) {
        render_put_name(r, rdata + rest);
    }
    render_put(r, rdata + rest + second, len - rest - second);
}

/* A target that stands uncompressed: owners in the additional section may point to it. */
static void note_target(struct renderer *r, const struct builder_record *record)
{
    struct dns_key key;
    const uint8_t *rdata = record->rdata;
    size_t len = record->rdata_len, fixed = record->type == DNS_TYPE_SRV ? 6 : 2;
    if (r->overflow || r->behind || len <= fixed || dns_name_len(rdata + fixed, len - fixed) == 0) {
        return;
    }
    size_t at = r->block_len - len + fixed;
    prepare_names(r);
    dns_key_fill(&key, rdata + fixed, DNS_NAME_MAX);
    note_name(r, &key, rdata + fixed, key.labels, at);
}

void render_put_rdata(struct renderer *r, const struct builder_record *record)
{
    const uint8_t *rdata = record->rdata;
    size_t len = record->rdata_len, at = r->block_len, fixed = record->type == DNS_TYPE_MX ? 2 : 0;
    render_put16(r, 0);
    if (may_compress(record->type) && len > fixed && dns_name_len(rdata + fixed, len - fixed) != 0) {
        put_compressed(r, record, fixed);
    } else {
        render_put(r, rdata, len);
        if (record->type == DNS_TYPE_SRV || record->type == DNS_TYPE_SVCB || record->type == DNS_TYPE_HTTPS) {
            note_target(r, record);
        }
    }
    if (!r->overflow) {
        size_t written = r->block_len - at - 2;
        r->block[at] = (uint8_t)(written >> 8);
        r->block[at + 1] = (uint8_t)written;
    }
}

/* ---- the end ---- */

/* In front of the block, nearest first: patches; then, if there are any links or additional records, struct
 * zone_extra, the links and the targets. */
uint32_t render_end(struct renderer *r)
{
    size_t targets = r->extra.target_count * sizeof *r->targets, links = r->link_count * sizeof *r->links,
           patches = r->patch_count * sizeof *r->patches;
    size_t extra = targets + links + r->extra.len != 0 ? sizeof r->extra : 0;
    size_t at = render_take(r, targets + links + extra + patches + r->block_len,
                            targets != 0 ? sizeof(uint32_t) : sizeof(uint16_t));
    uint8_t *to = r->blob + at;
    for (size_t i = 0; i < r->extra.target_count; i++) {
        r->fixups = memory_grow(r->fixups, r->fixup_count, &r->fixup_capacity, sizeof *r->fixups);
        r->fixups[r->fixup_count++] = (struct render_fixup){at + i * sizeof *r->targets, r->targets[i].node};
    }
    if (targets != 0) {
        memcpy(to, r->targets, targets);
    }
    if (links != 0) {
        memcpy(to + targets, r->links, links);
    }
    r->extra.link_count = (uint16_t)r->link_count;
    memcpy(to + targets + links, &r->extra, extra);
    if (patches != 0) {
        memcpy(to + targets + links + extra, r->patches, patches);
    }
    memcpy(to + targets + links + extra + patches, r->block, r->block_len);
    return (uint32_t)(at + targets + links + extra + patches);
}

size_t render_gather(struct renderer *r, const struct builder_owner *owner, uint16_t type)
{
    size_t before = r->record_count;
    for (uint32_t i = owner->first; i != 0; i = r->b->records[i - 1].next) {
        const struct builder_record *record = &r->b->records[i - 1];
        if (record->type == type && !record->duplicate) {
            r->records = memory_grow(r->records, r->record_count, &r->record_capacity,
                                     sizeof(const struct builder_record *));
            r->records[r->record_count++] = record;
        }
    }
    return r->record_count - before;
}
