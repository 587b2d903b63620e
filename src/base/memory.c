/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Allocation that does not fail, or seldom: see memory.h. */
#include "config.h"

#include "base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the reserve ---- */

enum { RESERVE = 16 << 20 };

/* Of this thread. It cannot come as an argument: whatever allocates would need one. */
static _Thread_local struct memory_reserve *in_use;

void memory_open_reserve(struct memory_reserve *reserve)
{
    void *pages = mmap(NULL, RESERVE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool is_there = pages != MAP_FAILED;
    *reserve = (struct memory_reserve){
        .lock = PTHREAD_MUTEX_INITIALIZER, .pages = is_there ? pages : NULL, .size = is_there ? RESERVE : 0};
}

void memory_close_reserve(struct memory_reserve *reserve)
{
    memory_unmap(reserve->pages, reserve->size);
    reserve->pages = NULL;
    pthread_mutex_destroy(&reserve->lock);
}

void memory_use_reserve(struct memory_reserve *reserve)
{
    in_use = reserve;
}

struct memory_reserve *memory_get_reserve(void)
{
    return in_use;
}

/* An allocation failed. Is it worth another try? */
static bool give_back(void)
{
    struct memory_reserve *reserve = in_use;
    if (reserve == NULL) {
        return false;
    }
    pthread_mutex_lock(&reserve->lock);
    memory_unmap(reserve->pages, reserve->size);
    reserve->pages = NULL;
    atomic_store_explicit(&reserve->has_failed, true, memory_order_relaxed);
    pthread_mutex_unlock(&reserve->lock);
    return true;
}

/* So much was allocated: an array asks for twice as much the next time. */
static void keep_pace(size_t size)
{
    struct memory_reserve *reserve = in_use;
    if (size <= RESERVE / 4 || reserve == NULL || size > SIZE_MAX / 4) {
        return;
    }
    size_t wanted = size * 2 + RESERVE / 2;
    pthread_mutex_lock(&reserve->lock);
    if (reserve->pages != NULL && reserve->size < wanted) {
        void *pages = mremap(reserve->pages, reserve->size, wanted, MREMAP_MAYMOVE);
        if (pages != MAP_FAILED) {
            reserve->pages = pages;
            reserve->size = wanted;
        } else {
            atomic_store_explicit(&reserve->has_failed, true, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&reserve->lock);
}

/* ---- allocation ---- */

static void *checked(void *got, size_t size)
{
    if (got == NULL) {
        fputs("error out of memory: the process ends\n", stderr);
        abort();
    }
    keep_pace(size);
    return got;
}

static void *try_array(size_t count, size_t size)
{
    void *got = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (got == NULL && give_back()) {
        got = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    }
    return got;
}

void *memory_try_alloc(size_t size)
{
    return try_array(1, size);
}

void *memory_take(size_t size)
{
    void *got = malloc(size);
    if (got == NULL && give_back()) {
        got = malloc(size);
    }
    return got;
}

void *memory_alloc(size_t size)
{
    return checked(try_array(1, size), size);
}

void *memory_alloc_array(size_t count, size_t size)
{
    return checked(try_array(count, size), count * size);
}

void *memory_resize(void *old, size_t count, size_t size)
{
    count = count == 0 ? 1 : count;
    void *got = reallocarray(old, count, size);
    if (got == NULL && give_back()) {
        got = reallocarray(old, count, size);
    }
    return checked(got, count * size);
}

char *memory_copy_text(const char *text)
{
    return text == NULL ? NULL : memory_copy(text, strlen(text) + 1);
}

void *memory_copy(const void *bytes, size_t len)
{
    void *copy = memory_alloc(len);
    if (len != 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *memory_print(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    char *text = memory_alloc((size_t)(len < 0 ? 0 : len) + 1);
    vsnprintf(text, (size_t)(len < 0 ? 0 : len) + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

void *memory_grow(void *old, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return old;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return memory_resize(old, *capacity, size);
}

void memory_trim(void)
{
    (void)malloc_trim(0);
}

void memory_keep_little(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MEMORY_LARGE); /* saying so ends that both follow what is freed */
    (void)mallopt(M_TRIM_THRESHOLD, 2 * MEMORY_LARGE);
}

void *memory_map(size_t size)
{
    if (size == 0) {
        return NULL;
    }
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (pages == MAP_FAILED && give_back()) {
        pages = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    }
    return pages == MAP_FAILED ? checked(NULL, size) : pages; /* it is never doubled: no reserve for that */
}

void *memory_map_growing(size_t size)
{
    return size == 0 ? NULL : checked(memory_map(size), size);
}

void memory_unmap(void *pages, size_t size)
{
    if (pages != NULL) {
        munmap(pages, size);
    }
}
