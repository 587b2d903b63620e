/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What sanitizers cannot know by themselves. AddressSanitizer sees heap blocks, not what is carved out of
 * them: code that does so leaves a red zone behind each piece and poisons what nobody may touch.
 * ThreadSanitizer does not see the barriers of a library: code that relies on them says what they order.
 * They make everything slow, and only an orderly end finds leaks: who waits for an end waits longer.
 * gcc and clang say in different ways which sanitizer is in the build; without any all of this is nothing,
 * and costs nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_ADDRESS 1
#endif
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREAD 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER_ADDRESS 1
#endif
#if defined(__SANITIZE_THREAD__)
#define SANITIZER_THREAD 1
#endif

#if defined(SANITIZER_ADDRESS) || defined(SANITIZER_THREAD)
#define SANITIZER_SLOWNESS 10
#else
#define SANITIZER_SLOWNESS 1
#endif

#if defined(SANITIZER_ADDRESS)
#include <sanitizer/asan_interface.h>

/* Bytes to leave between pieces of one block, and what a piece that is followed by some begins at a multiple
 * of: then its end is guarded to the byte. */
#define SANITIZER_RED_ZONE ((size_t)32)
#define SANITIZER_ALIGN    ((size_t)16)

static inline void sanitizer_poison(const void *bytes, size_t len)
{
    __asan_poison_memory_region(bytes, len);
}

static inline void sanitizer_unpoison(const void *bytes, size_t len)
{
    __asan_unpoison_memory_region(bytes, len);
}

/* For tests: may nobody touch this byte? */
static inline bool sanitizer_is_poisoned(const void *byte)
{
    return __asan_address_is_poisoned(byte) != 0;
}
#else
#define SANITIZER_RED_ZONE ((size_t)0)
#define SANITIZER_ALIGN    ((size_t)1)

static inline void sanitizer_poison(const void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
}

static inline void sanitizer_unpoison(const void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
}

static inline bool sanitizer_is_poisoned(const void *byte)
{
    (void)byte;
    return false;
}
#endif

#if defined(SANITIZER_THREAD)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define SANITIZER_ACQUIRE(address) __tsan_acquire(address)
#define SANITIZER_RELEASE(address) __tsan_release(address)
#else
#define SANITIZER_ACQUIRE(address) ((void)(address))
#define SANITIZER_RELEASE(address) ((void)(address))
#endif
