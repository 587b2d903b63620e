/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See letter.h. Lists have a thousand at most, so what goes from the front moves the rest. */
#include "config.h"

#include "herald/letter.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "events/change.h"
#include "events/render.h"

#include <stdlib.h>
#include <string.h>

struct letter *letter_make(uint64_t run, uint64_t seq, int64_t wall_ms, const char *text, size_t len)
{
    struct letter *letter = memory_alloc(sizeof *letter + len + 1);
    atomic_init(&letter->holders, 1);
    letter->run = run;
    letter->seq = seq;
    letter->wall_ms = wall_ms;
    letter->len = len;
    memcpy(letter->text, text, len);
    letter->text[len] = '\0';
    return letter;
}

struct letter *letter_new(uint64_t run, const struct change *change)
{
    struct buffer text;
    buffer_init(&text);
    change_render(&text, change);
    struct letter *letter = letter_make(run, change->seq, change->wall_ms, text.bytes, text.len);
    buffer_fini(&text);
    return letter;
}

struct letter *letter_hold(struct letter *letter)
{
    atomic_fetch_add_explicit(&letter->holders, 1, memory_order_relaxed);
    return letter;
}

void letter_release(struct letter *letter)
{
    if (atomic_fetch_sub_explicit(&letter->holders, 1, memory_order_acq_rel) == 1) {
        free(letter);
    }
}

/* ---- lists ---- */

static void reserve(struct letters *letters, size_t count)
{
    if (letters->count + count > letters->capacity) {
        letters->capacity = (letters->count + count) * 2;
        letters->items = memory_resize(letters->items, letters->capacity, sizeof(struct letter *));
    }
}

void letters_add(struct letters *letters, struct letter *letter)
{
    reserve(letters, 1);
    letters->items[letters->count++] = letter;
}

static void take_out(struct letters *letters, size_t first, size_t count)
{
    memmove(letters->items + first, letters->items + first + count,
            (letters->count - first - count) * sizeof(struct letter *));
    letters->count -= count;
}

void letters_move(struct letters *letters, size_t count, struct letters *to)
{
    for (size_t i = 0; i < count; i++) {
        if (to == NULL) {
            letter_release(letters->items[i]);
        } else {
            letters_add(to, letters->items[i]);
        }
    }
    if (count != 0) {
        take_out(letters, 0, count);
    }
}

void letters_drop(struct letters *letters, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        letter_release(letters->items[first + i]);
    }
    if (count != 0) {
        take_out(letters, first, count);
    }
}

void letters_put_before(struct letters *letters, struct letters *from)
{
    if (from->count == 0) {
        return;
    }
    reserve(letters, from->count);
    if (letters->count != 0) {
        memmove(letters->items + from->count, letters->items, letters->count * sizeof(struct letter *));
    }
    memcpy(letters->items, from->items, from->count * sizeof(struct letter *));
    letters->count += from->count;
    from->count = 0;
}

void letters_fini(struct letters *letters)
{
    letters_drop(letters, 0, letters->count);
    free(letters->items);
    *letters = (struct letters){.items = NULL};
}
