/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A growing string of bytes, always NUL-terminated; for HTTP, metrics and reports, not for the data path. */
#pragma once

#include <stddef.h>

struct buffer {
    char *bytes; /* NULL until something was added */
    size_t len, capacity;
};

void buffer_init(struct buffer *buffer);
void buffer_fini(struct buffer *buffer);
void buffer_add(struct buffer *buffer, const void *bytes, size_t len);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_print(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* If it is empty: nobody keeps the memory of one long text for the small ones that follow. */
void buffer_shrink(struct buffer *buffer);
/* What is behind the first len octets goes. */
void buffer_truncate(struct buffer *buffer, size_t len);
void buffer_remove_front(struct buffer *buffer, size_t len);
