/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of arenas. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/budget.h"
#include "base/sanitizer.h"

#include <stdio.h>
#include <string.h>

static void arena_keeps_everything(void **state)
{
    (void)state;
    struct arena *arena = arena_new(256);
    char *texts[200];
    for (int i = 0; i < 200; i++) {
        texts[i] = arena_print(arena, "text %d", i);
        memset(arena_alloc(arena, (size_t)i * 7), 0xff, (size_t)i * 7);
    }
    for (int i = 0; i < 200; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "text %d", i);
        assert_string_equal(texts[i], expected);
    }
    assert_int_equal((uintptr_t)arena_alloc(arena, 1) % sizeof(void *), 0);
    arena_free(arena);
}

static void arena_shares_what_is_equal(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    const char *texts[1000] = {NULL};
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            char text[16];
            snprintf(text, sizeof text, "text %u", i);
            const char *kept = arena_share_text(arena, text);
            assert_string_equal(kept, text);
            assert_true(round == 0 || kept == texts[i]);
            texts[i] = kept;
        }
    }
    const char *other = arena_share(arena, "text 7", 6); /* without its end it is another one */
    assert_ptr_not_equal(other, texts[7]);
    assert_ptr_equal(arena_share(arena, "text 7", 7), texts[7]);
    assert_int_equal((uintptr_t)arena_share(arena, "x", 1) % sizeof(void *), 0);
    assert_non_null(arena_share(arena, "", 0));
    assert_null(arena_share_text(arena, NULL));
    arena_free(arena);
}

/* A column that nobody writes to takes no memory. */
static void arena_takes_what_is_written(void **state)
{
    (void)state;
    enum { MIB = 1 << 20, ITEMS = 64 };
    struct arena *arena = arena_new(0);
    struct budget budget;
    char *columns[2];
    budget_open(&budget);
    budget.limit = 8 * MIB;
    columns[0] = arena_alloc(arena, ITEMS * MIB);
    columns[1] = arena_alloc(arena, ITEMS * MIB);
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(columns[0][i * MIB], 0);
        columns[1][i * MIB] = (char)i;
    }
    assert_true(SANITIZER_RED_ZONE != 0 || budget_has_room(&budget, 0));
    assert_int_equal(columns[1][7 * MIB], 7);
    budget_close(&budget);
    arena_free(arena);
}

#if defined(SANITIZER_ADDRESS)
/* What lies behind a piece is nobody's, whether it has a block of its own or shares one. */
static void arena_guards_its_pieces(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    for (size_t size = 1; size < 3000; size += 7) {
        const char *piece = arena_alloc(arena, size), *bytes = arena_alloc_bytes(arena, size);
        assert_null(__asan_region_is_poisoned((void *)(uintptr_t)piece, size));
        assert_null(__asan_region_is_poisoned((void *)(uintptr_t)bytes, size));
        assert_true(__asan_address_is_poisoned(piece + size));
        assert_true(__asan_address_is_poisoned(bytes + size));
    }
    arena_free(arena);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_keeps_everything),
        cmocka_unit_test(arena_shares_what_is_equal),
        cmocka_unit_test(arena_takes_what_is_written),
#if defined(SANITIZER_ADDRESS)
        cmocka_unit_test(arena_guards_its_pieces),
#endif
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
