/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Protocol Buffers, as far as writing a message takes (protobuf.dev/programming-guides/encoding): fields by
 * number into a buffer of the caller's. What does not fit makes it fail, and is checked once at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct protobuf {
    uint8_t *bytes;
    size_t len, cap;
    bool failed;
};

enum protobuf_wire { PROTOBUF_VARINT = 0, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };

static inline struct protobuf protobuf_init(void *bytes, size_t cap)
{
    return (struct protobuf){.bytes = bytes, .cap = cap};
}

static inline void protobuf_put(struct protobuf *to, const void *bytes, size_t len)
{
    if (len > to->cap - to->len) {
        to->failed = true;
    } else if (len != 0) {
        memcpy(to->bytes + to->len, bytes, len);
        to->len += len;
    }
}

static inline void protobuf_put_varint(struct protobuf *to, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    protobuf_put(to, bytes, len);
}

static inline void protobuf_add_number(struct protobuf *to, unsigned field, uint64_t value)
{
    protobuf_put_varint(to, (uint64_t)field << 3 | PROTOBUF_VARINT);
    protobuf_put_varint(to, value);
}

static inline void protobuf_add_fixed32(struct protobuf *to, unsigned field, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};
    protobuf_put_varint(to, (uint64_t)field << 3 | PROTOBUF_FIXED32);
    protobuf_put(to, bytes, sizeof bytes);
}

static inline void protobuf_add_bytes(struct protobuf *to, unsigned field, const void *bytes, size_t len)
{
    protobuf_put_varint(to, (uint64_t)field << 3 | PROTOBUF_BYTES);
    protobuf_put_varint(to, len);
    protobuf_put(to, bytes, len);
}
