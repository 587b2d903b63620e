/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One record after the other: u8 kind, u16 length, body. */
#include "config.h"

#include "health/record_inside.h"

#include "base/buffer.h"
#include "base/error.h"

#include <assert.h>
#include <string.h>

enum { HEAD = 3 };

void health_record_add(struct buffer *to, uint8_t kind, const void *body, size_t len)
{
    uint8_t head[HEAD] = {kind, (uint8_t)(len >> 8), (uint8_t)len};
    assert(len <= HEALTH_RECORD_MAX);
    buffer_add(to, head, sizeof head);
    buffer_add(to, body, len);
}

void health_record_add_named(struct buffer *to, uint8_t kind, const void *body, size_t len, const char *name)
{
    size_t name_len = strlen(name), all = len + name_len;
    uint8_t head[HEAD] = {kind, (uint8_t)(all >> 8), (uint8_t)all};
    assert(all <= HEALTH_RECORD_MAX);
    buffer_add(to, head, sizeof head);
    buffer_add(to, body, len);
    buffer_add(to, name, name_len);
}

int health_record_next(const uint8_t *bytes, size_t len, size_t *at, struct health_record *record)
{
    if (*at == len) {
        return ERROR_NOT_FOUND;
    }
    if (len - *at < HEAD) {
        return ERROR_SYNTAX;
    }
    size_t size = (size_t)bytes[*at + 1] << 8 | bytes[*at + 2];
    if (len - *at - HEAD < size) {
        return ERROR_SYNTAX;
    }
    *record = (struct health_record){.kind = bytes[*at], .body = bytes + *at + HEAD, .len = size};
    *at += HEAD + size;
    return 0;
}
