/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A byte cursor with a sticky error: read or write on, check `failed` once at the end. All multi-byte
 * integers are in network byte order. After a failure reads give 0 and writes do nothing. Borrows its bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    uint8_t *bytes;
    size_t len, at;
    bool failed;
};

static inline struct cursor cursor_init(uint8_t *bytes, size_t len)
{
    return (struct cursor){.bytes = bytes, .len = len};
}

/* For reading only: writing through such a cursor is a bug of the caller. */
static inline struct cursor cursor_init_const(const uint8_t *bytes, size_t len)
{
    return (struct cursor){.bytes = (uint8_t *)(uintptr_t)bytes, .len = len};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->failed ? 0 : c->len - c->at;
}

/* The next n bytes, or NULL and the sticky error. */
static inline uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (c->failed || n > c->len - c->at) {
        c->failed = true;
        return NULL;
    }
    c->at += n;
    return c->bytes + c->at - n;
}

static inline uint8_t cursor_read_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p == NULL ? 0 : p[0];
}

static inline uint16_t cursor_read_u16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t cursor_read_u32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p == NULL ? 0 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t cursor_read_u64(struct cursor *c)
{
    uint64_t high = cursor_read_u32(c);
    return high << 32 | cursor_read_u32(c);
}

static inline int64_t cursor_read_i64(struct cursor *c)
{
    return (int64_t)cursor_read_u64(c);
}

static inline double cursor_read_double(struct cursor *c)
{
    uint64_t bits = cursor_read_u64(c);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void cursor_write_u8(struct cursor *c, uint8_t value)
{
    uint8_t *p = cursor_take(c, 1);
    if (p != NULL) {
        p[0] = value;
    }
}

static inline void cursor_write_u16(struct cursor *c, uint16_t value)
{
    uint8_t *p = cursor_take(c, 2);
    if (p != NULL) {
        p[0] = (uint8_t)(value >> 8);
        p[1] = (uint8_t)value;
    }
}

static inline void cursor_write_u32(struct cursor *c, uint32_t value)
{
    uint8_t *p = cursor_take(c, 4);
    if (p != NULL) {
        p[0] = (uint8_t)(value >> 24);
        p[1] = (uint8_t)(value >> 16);
        p[2] = (uint8_t)(value >> 8);
        p[3] = (uint8_t)value;
    }
}

static inline void cursor_write_u64(struct cursor *c, uint64_t value)
{
    cursor_write_u32(c, (uint32_t)(value >> 32));
    cursor_write_u32(c, (uint32_t)value);
}

static inline void cursor_write_i64(struct cursor *c, int64_t value)
{
    cursor_write_u64(c, (uint64_t)value);
}

static inline void cursor_write_double(struct cursor *c, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    cursor_write_u64(c, bits);
}

static inline void cursor_write(struct cursor *c, const void *bytes, size_t n)
{
    uint8_t *p = cursor_take(c, n);
    if (p != NULL && n != 0) {
        memcpy(p, bytes, n);
    }
}
