/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Heap memory outside the data path. Running out of memory is not something a caller can mend, so these end
 * the process with one line on stderr instead of returning NULL; but for work that is done with a reserve. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Addresses that are kept free for one piece of work, such as a load. When an allocation of a thread that
 * does it fails, they are given back, the allocation gets some of that, and the work is to look at has_failed
 * and end: it has enough for its way there. The reserve grows with the largest piece that was asked for, so
 * that an array finds room for its next size. What is large at once, as a whole file, is asked for with
 * memory_try_alloc(). */
struct memory_reserve {
    pthread_mutex_t lock;
    void *pages; /* under the lock, as size; NULL: given back */
    size_t size;
    _Atomic bool has_failed;
};

void memory_open_reserve(struct memory_reserve *reserve);
void memory_close_reserve(struct memory_reserve *reserve); /* no thread uses it any more */
/* From now on the calling thread works with it; NULL: with none. Threads of parallel_run() do as their
 * caller. */
void memory_use_reserve(struct memory_reserve *reserve);
struct memory_reserve *memory_get_reserve(void);

enum { MEMORY_LARGE = 128 << 10 }; /* octets from which a piece has pages of its own */

void *memory_try_alloc(size_t size); /* zeroed; NULL: there is not so much */
/* malloc() with the reserve, for libraries that bear NULL. */
void *memory_take(size_t size);

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
/* For a program that runs for long, before its first thread: what is freed goes back to the kernel as it is
 * freed. Else each large piece that is freed makes the C library keep larger ones than before, in each
 * thread's heap, where memory_trim() does not reach them. */
void memory_keep_little(void);

/* Zeroed pages that take memory when they are first written to. Size 0 gives NULL. What may be asked for in
 * twice the size later says so: the reserve grows with it. */
void *memory_map(size_t size);
void *memory_map_growing(size_t size);
void memory_unmap(void *pages, size_t size); /* NULL is fine */
