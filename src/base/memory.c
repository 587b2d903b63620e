/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Allocation that cannot fail: see memory.h. */
#include "config.h"

#include "base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *checked(void *got)
{
    if (got == NULL) {
        fputs("error out of memory: the process ends\n", stderr);
        abort();
    }
    return got;
}

void *memory_alloc(size_t size)
{
    return checked(calloc(1, size == 0 ? 1 : size));
}

void *memory_alloc_array(size_t count, size_t size)
{
    return checked(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

void *memory_resize(void *old, size_t count, size_t size)
{
    return checked(reallocarray(old, count == 0 ? 1 : count, size));
}

char *memory_copy_text(const char *text)
{
    return text == NULL ? NULL : checked(strdup(text));
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
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(len == -1 ? NULL : text);
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

void *memory_map(size_t size)
{
    if (size == 0) {
        return NULL;
    }
    void *pages =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return checked(pages == MAP_FAILED ? NULL : pages);
}

void memory_unmap(void *pages, size_t size)
{
    if (pages != NULL) {
        munmap(pages, size);
    }
}
