/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A chain of blocks; large requests get a block of their own behind the current one, and very large ones
 * pages of their own: a column of an array that nobody writes to takes no memory. Under AddressSanitizer
 * what nobody has asked for yet is poisoned, and there is a red zone behind each piece. */
#include "config.h"

#include "base/arena.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/sanitizer.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BLOCK = 16384, FIRST_BLOCK = 1024, FIRST_SHARED = 16 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

struct shared {
    const void *bytes; /* NULL: a free slot */
    size_t len;
    uint64_t hash;
};

struct arena {
    struct block *head; /* the one being filled */
    size_t block_size;  /* of the next one: they grow, since most arenas stay small */
    size_t largest;
    struct shared *shared; /* by hash: open addressing; at most half full */
    size_t shared_count, shared_size;
};

/* Not where leaks are looked for: who looks does not see pages. */
static bool is_mapped(size_t size)
{
    return SANITIZER_RED_ZONE == 0 && size >= MEMORY_LARGE;
}

static struct block *block_new(size_t size)
{
    size_t whole = sizeof(struct block) + size;
    struct block *block = is_mapped(size) ? memory_map_growing(whole) : memory_alloc(whole);
    block->size = size;
    sanitizer_poison(block->bytes, size);
    return block;
}

static void block_free(struct block *block)
{
    if (is_mapped(block->size)) {
        memory_unmap(block, sizeof *block + block->size);
    } else {
        free(block);
    }
}

struct arena *arena_new(size_t block_size)
{
    struct arena *arena = memory_alloc(sizeof *arena);
    arena->largest = block_size == 0 ? DEFAULT_BLOCK : block_size;
    arena->block_size = arena->largest < FIRST_BLOCK ? arena->largest : FIRST_BLOCK;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct block *block = arena->head, *next; block != NULL; block = next) {
        next = block->next;
        block_free(block);
    }
    free(arena->shared);
    free(arena);
}

static void *take_large(struct arena *arena, size_t size)
{
    struct block *block = block_new(size);
    block->used = size;
    sanitizer_unpoison(block->bytes, size);
    if (arena->head == NULL) {
        arena->head = block;
    } else {
        block->next = arena->head->next;
        arena->head->next = block;
    }
    return block->bytes;
}

static void *take(struct arena *arena, size_t size, size_t align)
{
    if (size > arena->largest / 4) {
        return take_large(arena, size);
    }
    struct block *block = arena->head;
    align = align > SANITIZER_ALIGN ? align : SANITIZER_ALIGN;
    size_t at = block == NULL ? 0 : (block->used + align - 1) & ~(align - 1);
    if (block == NULL || at + size > block->size) {
        block = block_new(size < arena->block_size ? arena->block_size : size);
        block->next = arena->head;
        arena->head = block;
        arena->block_size = arena->block_size * 2 < arena->largest ? arena->block_size * 2 : arena->largest;
        at = 0;
    }
    block->used = at + size + SANITIZER_RED_ZONE;
    sanitizer_unpoison(block->bytes + at, size);
    return block->bytes + at;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return take(arena, size == 0 ? 1 : size, alignof(max_align_t)); /* blocks are zeroed and never reused */
}

void *arena_alloc_bytes(struct arena *arena, size_t size)
{
    return take(arena, size == 0 ? 1 : size, 1);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
    void *copy = arena_alloc(arena, len);
    if (len != 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

/* ---- once ---- */

static struct shared *find_shared(const struct arena *arena, const struct shared *wanted)
{
    size_t at = (size_t)wanted->hash & (arena->shared_size - 1);
    for (;;) {
        struct shared *slot = &arena->shared[at];
        if (slot->bytes == NULL || (slot->hash == wanted->hash && slot->len == wanted->len &&
                                    memcmp(slot->bytes, wanted->bytes, wanted->len) == 0)) {
            return slot;
        }
        at = (at + 1) & (arena->shared_size - 1);
    }
}

static void grow_shared(struct arena *arena)
{
    struct shared *old = arena->shared;
    size_t old_size = arena->shared_size;
    arena->shared_size = old_size == 0 ? FIRST_SHARED : old_size * 2;
    arena->shared = memory_alloc_array(arena->shared_size, sizeof *arena->shared);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].bytes != NULL) {
            *find_shared(arena, &old[i]) = old[i];
        }
    }
    free(old);
}

const void *arena_share(struct arena *arena, const void *bytes, size_t len)
{
    struct shared wanted = {
        .bytes = bytes, .len = len, .hash = hash_finish(hash_bytes(HASH_START, bytes, len))};
    if (len == 0) {
        return arena_alloc(arena, 0);
    }
    if (arena->shared_count * 2 >= arena->shared_size) {
        grow_shared(arena);
    }
    struct shared *slot = find_shared(arena, &wanted);
    if (slot->bytes == NULL) {
        wanted.bytes = arena_copy(arena, bytes, len);
        *slot = wanted;
        arena->shared_count++;
    }
    return slot->bytes;
}

const char *arena_share_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_share(arena, text, strlen(text) + 1);
}

char *arena_copy_text(struct arena *arena, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    return memcpy(arena_alloc_bytes(arena, size), text, size);
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    char *text = arena_alloc_bytes(arena, (size_t)(len < 0 ? 0 : len) + 1);
    text[0] = '\0';
    vsnprintf(text, (size_t)(len < 0 ? 0 : len) + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
