/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See wish.h. */
#include "config.h"

#include "base/wish.h"

#include <string.h>

bool wish_is_same(const struct wish *a, const struct wish *b)
{
    return a->op == b->op && a->kind == b->kind && strcmp(a->pointer, b->pointer) == 0 &&
           (a->kind != WISH_NUMBER || a->number == b->number) &&
           (a->kind != WISH_TEXT || strcmp(a->text, b->text) == 0);
}

bool wishes_are_same(const struct wish *a, size_t a_count, const struct wish *b, size_t b_count)
{
    size_t i = 0;
    while (a_count == b_count && i < a_count && wish_is_same(&a[i], &b[i])) {
        i++;
    }
    return a_count == b_count && i == a_count;
}
