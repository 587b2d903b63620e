/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A growing string of bytes. */
#include "config.h"

#include "base/buffer.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->bytes);
    buffer_init(buffer);
}

static void reserve(struct buffer *buffer, size_t more)
{
    size_t needed = buffer->len + more + 1;
    if (needed <= buffer->capacity) {
        return;
    }
    size_t size = buffer->capacity == 0 ? 256 : buffer->capacity;
    while (size < needed) {
        size *= 2;
    }
    buffer->bytes = memory_resize(buffer->bytes, size, 1);
    buffer->capacity = size;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
    reserve(buffer, len);
    if (len != 0) {
        memcpy(buffer->bytes + buffer->len, bytes, len);
    }
    buffer->len += len;
    buffer->bytes[buffer->len] = '\0';
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t room = buffer->capacity - buffer->len;
    int len = vsnprintf(room == 0 ? NULL : buffer->bytes + buffer->len, room, format, arguments);
    if (len > 0 && (size_t)len >= room) {
        reserve(buffer, (size_t)len);
        vsnprintf(buffer->bytes + buffer->len, (size_t)len + 1, format, again);
    }
    if (len > 0) {
        buffer->len += (size_t)len;
    } else if (room != 0) {
        buffer->bytes[buffer->len] = '\0';
    }
    va_end(again);
    va_end(arguments);
}

void buffer_truncate(struct buffer *buffer, size_t len)
{
    if (len < buffer->len) {
        buffer->len = len;
        buffer->bytes[len] = '\0';
    }
}

void buffer_remove_front(struct buffer *buffer, size_t len)
{
    if (len >= buffer->len) {
        buffer->len = 0;
    } else {
        memmove(buffer->bytes, buffer->bytes + len, buffer->len - len);
        buffer->len -= len;
    }
    if (buffer->bytes != NULL) {
        buffer->bytes[buffer->len] = '\0';
    }
}

void buffer_shrink(struct buffer *buffer)
{
    enum { USUAL = 64 << 10 };
    if (buffer->len == 0 && buffer->capacity > USUAL) {
        buffer_fini(buffer);
    }
}
