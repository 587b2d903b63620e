/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See mmdb_make.h. The tree is built node by node with plain insertion; no merging, so that the code under
 * test has something to merge. */
#include "config.h"

#include "mmdb_make.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Records while building: a node, nothing, or a network. */
enum { EMPTY = 1 << 30, NETWORK };

struct maker {
    uint32_t (*nodes)[2];
    size_t count, capacity;
};

static uint32_t add_node(struct maker *maker, uint32_t both)
{
    maker->nodes = memory_grow(maker->nodes, maker->count, &maker->capacity, sizeof *maker->nodes);
    maker->nodes[maker->count][0] = maker->nodes[maker->count][1] = both;
    return (uint32_t)maker->count++;
}

/* Put `record` where the first len bits of the address lead. */
static void put(struct maker *maker, const uint8_t *bytes, unsigned len, uint32_t record)
{
    uint32_t at = 0;
    assert(len > 0);
    for (unsigned depth = 0;; depth++) {
        unsigned bit = bytes[depth / 8] >> (7 - depth % 8) & 1u;
        if (depth + 1 == len) {
            maker->nodes[at][bit] = record;
            return;
        }
        if (maker->nodes[at][bit] >= EMPTY) {
            uint32_t node = add_node(maker, maker->nodes[at][bit]);
            maker->nodes[at][bit] = node;
        }
        at = maker->nodes[at][bit];
    }
}

static uint32_t find(const struct maker *maker, const uint8_t *bytes, unsigned len)
{
    uint32_t at = 0;
    for (unsigned depth = 0; depth < len && at < EMPTY; depth++) {
        at = maker->nodes[at][bytes[depth / 8] >> (7 - depth % 8) & 1];
    }
    return at;
}

static void put_networks(struct maker *maker, const struct mmdb_plan *plan)
{
    add_node(maker, EMPTY);
    for (size_t i = 0; i < plan->network_count; i++) {
        const struct addr_prefix *prefix = &plan->networks[i].prefix;
        uint8_t bytes[16] = {0};
        unsigned skip = plan->ip_version == 6 && prefix->addr.family == ADDR_V4 ? 96 : 0;
        memcpy(bytes + skip / 8, prefix->addr.bytes, addr_len(&prefix->addr));
        put(maker, bytes, skip + prefix->len, (uint32_t)(NETWORK + i));
    }
    if (plan->aliases) {
        uint32_t v4 = find(maker, (const uint8_t[16]){0}, 96);
        put(maker, (const uint8_t[16]){0x20, 0x02}, 16, v4);
        put(maker, (const uint8_t[16]){[10] = 0xff, [11] = 0xff}, 96, v4);
    }
}

/* ---- values ---- */

static void add_byte(struct buffer *out, unsigned byte)
{
    buffer_add(out, &(uint8_t){(uint8_t)byte}, 1);
}

static void add_text(struct buffer *out, const char *text)
{
    assert(strlen(text) < 29);
    add_byte(out, 2u << 5 | (unsigned)strlen(text));
    buffer_add(out, text, strlen(text));
}

/* uint16 (5), uint32 (6) or uint64 (9), four bytes at most. */
static void add_number(struct buffer *out, unsigned type, uint32_t number)
{
    unsigned len = type == 5 ? 2 : 4;
    add_byte(out, (type > 7 ? 0 : type << 5) | len);
    if (type > 7) {
        add_byte(out, type - 7);
    }
    for (unsigned i = len; i > 0; i--) {
        add_byte(out, number >> (8 * (i - 1)) & 0xff);
    }
}

static void add_map(struct buffer *out, unsigned pairs)
{
    add_byte(out, 7u << 5 | pairs);
}

static void add_real(struct buffer *out, double value, bool is_float)
{
    float narrow = (float)value;
    uint64_t bits;
    uint32_t half;
    memcpy(&bits, &value, sizeof bits);
    memcpy(&half, &narrow, sizeof half);
    bits = is_float ? half : bits;
    unsigned len = is_float ? 4 : 8;
    add_byte(out, is_float ? 4 : 3u << 5 | 8);
    if (is_float) {
        add_byte(out, 15 - 7);
    }
    for (unsigned i = len; i > 0; i--) {
        add_byte(out, bits >> (8 * (i - 1)) & 0xff);
    }
}

/* Pairs of a map while they are counted. */
struct pairs {
    struct buffer bytes;
    unsigned count;
};

static struct buffer *add_key(struct pairs *pairs, const char *key)
{
    pairs->count++;
    add_text(&pairs->bytes, key);
    return &pairs->bytes;
}

static void add_nested(struct pairs *pairs, const char *outer, const char *inner, const char *value)
{
    add_map(add_key(pairs, outer), 1);
    add_text(&pairs->bytes, inner);
    add_text(&pairs->bytes, value);
}

static void add_names(struct buffer *out, const char *name)
{
    add_text(out, "names");
    add_map(out, 2);
    add_text(out, "de");
    add_text(out, "anders");
    add_text(out, "en");
    add_text(out, name);
}

static void add_flat(struct pairs *pairs, const struct mmdb_network *network)
{
    static const char *const states[] = {"state1", "state2"};
    if (network->country[0] != 0) {
        add_text(add_key(pairs, "country_code"), network->country);
    }
    for (size_t i = 0; i < 2; i++) {
        if (network->subdivision_names[i] != NULL) {
            add_text(add_key(pairs, states[i]), network->subdivision_names[i]);
        }
    }
    if (network->city != NULL) {
        add_text(add_key(pairs, "city"), network->city);
    }
    if (network->has_location) {
        add_real(add_key(pairs, "latitude"), network->latitude, true);
        add_real(add_key(pairs, "longitude"), network->longitude, true);
    }
}

static void add_subdivisions(struct pairs *pairs, const struct mmdb_network *network)
{
    size_t count = 0;
    while (count < 2 &&
           (network->subdivision_codes[count] != NULL || network->subdivision_names[count] != NULL)) {
        count++;
    }
    if (count == 0) {
        return;
    }
    struct buffer *out = add_key(pairs, "subdivisions");
    add_byte(out, (unsigned)count);
    add_byte(out, 11 - 7);
    for (size_t i = 0; i < count; i++) {
        const char *code = network->subdivision_codes[i], *name = network->subdivision_names[i];
        add_map(out, (unsigned)(code != NULL) + (name != NULL));
        if (code != NULL) {
            add_text(out, "iso_code");
            add_text(out, code);
        }
        if (name != NULL) {
            add_names(out, name);
        }
    }
}

static void add_deep(struct pairs *pairs, const struct mmdb_network *network)
{
    if (network->country[0] != 0) {
        add_nested(pairs, "country", "iso_code", network->country);
    }
    if (network->continent[0] != 0) {
        add_nested(pairs, "continent", "code", network->continent);
    }
    add_subdivisions(pairs, network);
    if (network->city != NULL || network->city_id != 0) {
        struct buffer *out = add_key(pairs, "city");
        add_map(out, (unsigned)(network->city != NULL) + (network->city_id != 0));
        if (network->city_id != 0) {
            add_text(out, "geoname_id");
            add_number(out, 6, network->city_id);
        }
        if (network->city != NULL) {
            add_names(out, network->city);
        }
    }
    if (network->has_location) {
        struct buffer *out = add_key(pairs, "location");
        add_map(out, 2);
        add_text(out, "latitude");
        add_real(out, network->latitude, false);
        add_text(out, "longitude");
        add_real(out, network->longitude, false);
    }
}

static void add_place(struct buffer *out, const struct mmdb_plan *plan, const struct mmdb_network *network)
{
    struct pairs pairs = {.count = 0};
    buffer_init(&pairs.bytes);
    if (plan->flat) {
        add_flat(&pairs, network);
    } else {
        add_deep(&pairs, network);
    }
    if (network->asn != 0) {
        add_number(add_key(&pairs, "autonomous_system_number"), 6, network->asn);
    }
    add_map(out, pairs.count);
    buffer_add(out, pairs.bytes.bytes, pairs.bytes.len);
    buffer_fini(&pairs.bytes);
}

static void add_metadata(struct buffer *out, const struct mmdb_plan *plan, size_t node_count)
{
    buffer_add(out, "\xab\xcd\xefMaxMind.com", 14);
    add_map(out, 9);
    add_text(out, "node_count");
    add_number(out, 6, (uint32_t)node_count);
    add_text(out, "record_size");
    add_number(out, 5, plan->record_size);
    add_text(out, "ip_version");
    add_number(out, 5, plan->ip_version);
    add_text(out, "database_type");
    add_text(out, "Test");
    add_text(out, "languages");
    add_byte(out, 0);
    add_byte(out, 11 - 7);
    add_text(out, "binary_format_major_version");
    add_number(out, 5, 2);
    add_text(out, "binary_format_minor_version");
    add_number(out, 5, 0);
    add_text(out, "build_epoch");
    add_number(out, 9, 1700000000);
    add_text(out, "description");
    add_map(out, 0);
}

/* ---- records ---- */

static void add_records(struct buffer *out, unsigned size, uint32_t zero, uint32_t one)
{
    unsigned whole = size / 8, middle = size % 8;
    assert(size == 32 || ((zero | one) >> size) == 0);
    for (unsigned i = whole; i > 0; i--) {
        add_byte(out, zero >> (8 * (i - 1)) & 0xff);
    }
    if (middle != 0) {
        add_byte(out, (zero >> 24 & 15) << 4 | (one >> 24 & 15));
    }
    for (unsigned i = whole; i > 0; i--) {
        add_byte(out, one >> (8 * (i - 1)) & 0xff);
    }
}

struct mmdb_file mmdb_make(const struct mmdb_plan *plan)
{
    struct maker maker = {0};
    struct buffer data, out;
    buffer_init(&data);
    buffer_init(&out);
    put_networks(&maker, plan);
    uint32_t *offsets = memory_alloc_array(plan->network_count, sizeof *offsets);
    for (size_t i = 0; i < plan->network_count && plan->data == NULL; i++) {
        offsets[i] = (uint32_t)data.len;
        add_place(&data, plan, &plan->networks[i]);
        /* Equal neighbours in the list share their data, as real writers do. */
        size_t len = data.len - offsets[i];
        if (i > 0 && offsets[i] - offsets[i - 1] == len &&
            memcmp(data.bytes + offsets[i - 1], data.bytes + offsets[i], len) == 0) {
            offsets[i] = offsets[i - 1];
            data.len -= len;
        }
    }
    for (size_t n = 0; n < maker.count; n++) {
        uint32_t record[2];
        for (size_t side = 0; side < 2; side++) {
            uint32_t to = maker.nodes[n][side];
            record[side] = to < EMPTY    ? to
                           : to == EMPTY ? (uint32_t)maker.count
                                         : (uint32_t)maker.count + 16 + offsets[to - NETWORK];
        }
        add_records(&out, plan->record_size, record[0], record[1]);
    }
    buffer_add(&out, (const uint8_t[16]){0}, 16);
    struct mmdb_file file = {.node_count = maker.count, .data_at = out.len};
    buffer_add(&out, plan->data != NULL ? (const char *)plan->data : data.bytes,
               plan->data != NULL ? plan->data_len : data.len);
    add_metadata(&out, plan, maker.count);
    file.bytes = (uint8_t *)out.bytes;
    file.len = out.len;
    buffer_fini(&data);
    free(offsets);
    free(maker.nodes);
    return file;
}

const char *mmdb_path(const uint8_t *bytes, size_t len, int *fd, char path[MMDB_PATH_SIZE])
{
    *fd = memfd_create("mmdb", MFD_CLOEXEC);
    ssize_t written = *fd == -1 ? -1 : write(*fd, bytes, len);
    if (written == -1 || (size_t)written != len) {
        abort();
    }
    snprintf(path, MMDB_PATH_SIZE, "/proc/self/fd/%d", *fd);
    return path;
}
