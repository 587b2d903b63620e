/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lifetime: everything allocated from an arena goes away with it, nothing is freed one by one.
 * Owned by one thread at a time. Allocation cannot fail (memory.h). */
#pragma once

#include <stddef.h>

struct arena;

struct arena *arena_new(size_t block_size);                   /* 0 picks a default */
void arena_free(struct arena *arena);                         /* NULL is fine */
void *arena_alloc(struct arena *arena, size_t size);          /* zeroed, aligned for any type */
void *arena_alloc_bytes(struct arena *arena, size_t size);    /* not aligned, not zeroed */
char *arena_copy_text(struct arena *arena, const char *text); /* NULL for NULL */
void *arena_copy(struct arena *arena, const void *bytes, size_t len);
/* The same, but what is there already by this call is there once; aligned for any type. */
const void *arena_share(struct arena *arena, const void *bytes, size_t len);
const char *arena_share_text(struct arena *arena, const char *text); /* NULL for NULL */
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
