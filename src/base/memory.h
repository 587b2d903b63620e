/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Heap memory outside the data path. Running out of memory while loading or administrating is not something a
 * caller can mend, so these end the process with one line on stderr instead of returning NULL. That a load
 * never comes so far is what its budget is for (base/budget.h). */
#pragma once

#include <stddef.h>

void *memory_alloc(size_t size);                           /* zeroed; size 0 is valid */
void *memory_alloc_array(size_t count, size_t size);       /* zeroed, overflow checked */
void *memory_resize(void *old, size_t count, size_t size); /* like reallocarray */
char *memory_copy_text(const char *text);                  /* returns owned; NULL for NULL */
void *memory_copy(const void *bytes, size_t len);          /* returns owned */
char *memory_print(const char *format, ...) __attribute__((format(printf, 1, 2))); /* returns owned */

/* Room for one more element in a growing array: doubles *capacity when count has reached it. */
void *memory_grow(void *old, size_t count, size_t *capacity, size_t size);

/* Give what was freed back to the kernel: after a lot was. */
void memory_trim(void);

/* Zeroed pages that take memory when they are first written to. Size 0 gives NULL. */
void *memory_map(size_t size);
void memory_unmap(void *pages, size_t size); /* NULL is fine */
