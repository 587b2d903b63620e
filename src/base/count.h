/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters that one thread counts up and others read. They need no atomic addition, and on x86-64 one
 * instruction does it, where a relaxed load and a relaxed store are never put together by a compiler. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* By its one writer. A narrow one comes round: whoever reads it goes by differences modulo 2^32. */
static inline void count_up32(_Atomic uint32_t *counter)
{
#ifdef __x86_64__
    __asm__("incl %0" : "+m"(*(uint32_t *)(uintptr_t)counter) : : "cc");
#else
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
#endif
}

static inline void count_up64(_Atomic uint64_t *counter)
{
#ifdef __x86_64__
    __asm__("incq %0" : "+m"(*(uint64_t *)(uintptr_t)counter) : : "cc");
#else
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
#endif
}
