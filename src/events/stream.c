/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two rings. A writer takes the next number by an addition, and with it a slot, which says in which cells the
 * change stands: most need three, the longest 22, and nobody keeps room for the longest. Cells are taken by
 * an addition, too. The `state` of a slot or cell says for which number it is being written or complete.
 * Readers copy a cell and look at its state again: if that changed, what they copied is worth nothing. So the
 * contents are words that are stored and loaded one by one, without order among them.
 *
 * A writer that sleeps in the middle of its slot or cell while others go all around the ring would meet a
 * writer in the same place: the later one gives its change up. A number whose slot is not complete after half
 * a round is lost to readers; they go on behind it. So is one whose cells were taken by later ones. */
#include "config.h"

#include "events/stream.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 5 };

/* What a slot holds, packed: the texts one behind the other, each with its NUL; without one if it is NULL. */
struct packed {
    int64_t wall_ms;
    uint32_t len;
    uint16_t kind, has; /* has: a bit per text */
    char texts[sizeof((struct stream_reader *)NULL)->texts];
};

enum { CELL_WORDS = 7, MOST_NEED = 3, WORDS = (sizeof(struct packed) + 7) / 8 };
#define HEAD_SIZE offsetof(struct packed, texts)

struct slot {
    _Atomic uint64_t state; /* twice the number, plus 1 while it is written; 0: never used, or given up */
    _Atomic uint64_t first; /* number of its first cell */
};

/* A line of the cache. */
struct cell {
    _Atomic uint64_t state; /* likewise */
    _Atomic uint64_t words[CELL_WORDS];
};

_Static_assert(HEAD_SIZE <= CELL_WORDS * 8, "the first cell tells how many there are");

struct stream {
    _Alignas(64) _Atomic uint64_t latest;
    _Atomic uint64_t latest_cell;
    _Alignas(64) _Atomic uint64_t counts[CHANGE_KINDS];
    struct clock clock;
    uint64_t run;
    struct {
        void (*wake)(void *context);
        void *context;
    } wakers[STREAM_WAKERS];
    size_t waker_count;
    uint64_t mask; /* slots - 1 */
    struct slot *slots;
    uint64_t cell_count;
    struct cell *cells;
};

enum { LEAST = 64 };

struct stream *stream_new(size_t least)
{
    size_t count = LEAST;
    while (count < least) {
        count *= 2;
    }
    struct stream *stream = aligned_alloc(64, sizeof *stream);
    assert(stream != NULL);
    memset(stream, 0, sizeof *stream);
    clock_init(&stream->clock);
    stream->run = random_seed();
    stream->mask = count - 1;
    stream->slots =
        memory_map(count * sizeof *stream->slots); /* no memory before there are so many changes */
    stream->cell_count = (least < LEAST ? LEAST : least) * MOST_NEED;
    stream->cells = memory_map(stream->cell_count * sizeof *stream->cells);
    return stream;
}

void stream_free(struct stream *stream)
{
    if (stream != NULL) {
        memory_unmap(stream->cells, stream->cell_count * sizeof *stream->cells);
        memory_unmap(stream->slots, (stream->mask + 1) * sizeof *stream->slots);
        free(stream);
    }
}

void stream_add_waker(struct stream *stream, void (*wake)(void *context), void *context)
{
    assert(stream->waker_count < STREAM_WAKERS);
    stream->wakers[stream->waker_count].wake = wake;
    stream->wakers[stream->waker_count++].context = context;
}

/* ---- writing ---- */

static void add_text(struct packed *packed, unsigned index, const char *text, size_t max)
{
    if (text == NULL) {
        return;
    }
    size_t len = strnlen(text, max);
    if (text[len] != '\0') {
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--; /* a whole character */
        }
    }
    memcpy(packed->texts + packed->len, text, len);
    packed->texts[packed->len + len] = '\0';
    packed->len += (uint32_t)len + 1;
    packed->has |= (uint16_t)(1u << index);
}

static void pack(const struct change *change, int64_t wall_ms, struct packed *packed)
{
    packed->wall_ms = wall_ms;
    packed->kind = (uint16_t)change->kind;
    packed->len = 0;
    packed->has = 0;
    add_text(packed, 0, change->name, CHANGE_NAME_MAX);
    add_text(packed, 1, change->actor, CHANGE_WHO_MAX);
    add_text(packed, 2, change->peer, CHANGE_WHO_MAX);
    add_text(packed, 3, change->reason, CHANGE_REASON_MAX);
    add_text(packed, 4, change->body, CHANGE_BODY_MAX);
    memset(packed->texts + packed->len, 0, -(HEAD_SIZE + packed->len) & 7); /* the rest of the last word */
}

static size_t count_words(const struct packed *packed)
{
    return (HEAD_SIZE + packed->len + 7) / 8;
}

static size_t count_cells(size_t words)
{
    return (words + CELL_WORDS - 1) / CELL_WORDS;
}

/* Is the slot or cell ours? Not if somebody still writes an older change there. */
static bool take(_Atomic uint64_t *state, uint64_t number)
{
    uint64_t before = atomic_load_explicit(state, memory_order_relaxed);
    do {
        if ((before & 1) != 0 || before >= number * 2) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(state, &before, number * 2 + 1, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return true;
}

static struct cell *find_cell(const struct stream *stream, uint64_t number)
{
    return &stream->cells[number % stream->cell_count];
}

static void fill_cell(struct cell *cell, uint64_t number, const char *bytes, size_t words)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * 8, 8);
        /* release: who sees the word sees that the cell is being written */
        atomic_store_explicit(&cell->words[i], word, memory_order_release);
    }
    atomic_store_explicit(&cell->state, number * 2, memory_order_release);
}

/* Returns the number of the first cell; 0: they could not be had. */
static uint64_t fill_cells(struct stream *stream, const struct packed *packed)
{
    size_t words = count_words(packed), count = count_cells(words);
    uint64_t first = atomic_fetch_add_explicit(&stream->latest_cell, count, memory_order_acq_rel) + 1;
    for (size_t i = 0; i < count; i++) {
        struct cell *cell = find_cell(stream, first + i);
        size_t left = words - i * CELL_WORDS;
        if (!take(&cell->state, first + i)) {
            return 0;
        }
        fill_cell(cell, first + i, (const char *)packed + i * CELL_WORDS * 8,
                  left < CELL_WORDS ? left : CELL_WORDS);
    }
    return first;
}

uint64_t stream_publish(struct stream *stream, const struct change *change)
{
    struct packed packed;
    pack(change, change->wall_ms != 0 ? change->wall_ms : clock_wall_ms(&stream->clock), &packed);
    uint64_t seq = atomic_fetch_add_explicit(&stream->latest, 1, memory_order_acq_rel) + 1;
    struct slot *slot = &stream->slots[seq & stream->mask];
    if (take(&slot->state, seq)) {
        uint64_t first = fill_cells(stream, &packed);
        /* release: who sees it sees that the slot is being written */
        atomic_store_explicit(&slot->first, first, memory_order_release);
        atomic_store_explicit(&slot->state, first == 0 ? 0 : seq * 2, memory_order_release);
    }
    atomic_fetch_add_explicit(&stream->counts[change->kind], 1, memory_order_relaxed);
    for (size_t i = 0; i < stream->waker_count; i++) {
        stream->wakers[i].wake(stream->wakers[i].context);
    }
    return seq;
}

/* ---- reading ---- */

void stream_reader_init(struct stream_reader *reader, struct stream *stream)
{
    stream_reader_init_at(reader, stream, stream_get_seq(stream) + 1);
}

void stream_reader_init_at(struct stream_reader *reader, struct stream *stream, uint64_t seq)
{
    reader->stream = stream;
    reader->next = seq == 0 ? 1 : seq;
}

static const char *next_text(const struct packed *packed, unsigned index, const char **at)
{
    if ((packed->has >> index & 1) == 0) {
        return NULL;
    }
    const char *text = *at;
    *at += strlen(text) + 1;
    return text;
}

static void unpack(const struct packed *packed, struct stream_reader *reader)
{
    const char *at = reader->texts;
    memcpy(reader->texts, packed->texts, packed->len);
    reader->change = (struct change){
        .seq = reader->next, .wall_ms = packed->wall_ms, .kind = (enum change_kind)packed->kind};
    reader->change.name = next_text(packed, 0, &at);
    reader->change.actor = next_text(packed, 1, &at);
    reader->change.peer = next_text(packed, 2, &at);
    reader->change.reason = next_text(packed, 3, &at);
    reader->change.body = next_text(packed, 4, &at);
}

static bool copy_cell(struct cell *cell, uint64_t number, char *bytes, size_t words)
{
    if (atomic_load_explicit(&cell->state, memory_order_acquire) != number * 2) {
        return false;
    }
    for (size_t i = 0; i < words; i++) {
        /* acquire: what comes after it is not read before it */
        uint64_t word = atomic_load_explicit(&cell->words[i], memory_order_acquire);
        memcpy(bytes + i * 8, &word, 8);
    }
    return atomic_load_explicit(&cell->state, memory_order_relaxed) == number * 2;
}

/* Cells of a complete slot are complete, or belong to a later change. */
static bool copy_cells(const struct stream *stream, uint64_t first, struct packed *packed)
{
    char *bytes = (char *)packed;
    if (!copy_cell(find_cell(stream, first), first, bytes, CELL_WORDS) ||
        packed->len > sizeof packed->texts) {
        return false;
    }
    size_t words = count_words(packed);
    for (size_t at = CELL_WORDS; at < words; at += CELL_WORDS) {
        uint64_t number = first + at / CELL_WORDS;
        size_t left = words - at;
        if (!copy_cell(find_cell(stream, number), number, bytes + at * 8,
                       left < CELL_WORDS ? left : CELL_WORDS)) {
            return false;
        }
    }
    return true;
}

enum copied {
    COPIED,
    MISSING, /* not complete yet, or somebody else's by now */
    GONE,    /* for good */
};

static enum copied copy_change(const struct stream *stream, uint64_t seq, struct packed *packed)
{
    struct slot *slot = &stream->slots[seq & stream->mask];
    if (atomic_load_explicit(&slot->state, memory_order_acquire) != seq * 2) {
        return MISSING;
    }
    /* acquire: as above */
    uint64_t first = atomic_load_explicit(&slot->first, memory_order_acquire);
    if (atomic_load_explicit(&slot->state, memory_order_relaxed) != seq * 2) {
        return MISSING;
    }
    return copy_cells(stream, first, packed) ? COPIED : GONE;
}

/* Where a reader that misses `next` goes on: with the oldest that will be there for a while. */
static enum stream_result skip(struct stream_reader *reader, uint64_t latest, uint64_t *missed)
{
    uint64_t to = latest - (reader->stream->mask + 1) / 2;
    *missed = to - reader->next;
    reader->next = to;
    return STREAM_GAP;
}

enum stream_result stream_read(struct stream_reader *reader, uint64_t *missed)
{
    struct packed packed;
    const struct stream *stream = reader->stream;
    switch (copy_change(stream, reader->next, &packed)) {
    case COPIED:
        unpack(&packed, reader);
        reader->next++;
        return STREAM_CHANGE;
    case GONE:
        *missed = 1;
        reader->next++;
        return STREAM_GAP;
    case MISSING: break;
    }
    uint64_t latest = stream_get_seq(stream);
    if (latest > reader->next && latest - reader->next > (stream->mask + 1) / 2) {
        return skip(reader, latest, missed);
    }
    return STREAM_NOTHING; /* not there yet, or about to be */
}

/* ---- counting ---- */

uint64_t stream_get_seq(const struct stream *stream)
{
    return atomic_load_explicit(&stream->latest, memory_order_acquire);
}

uint64_t stream_get_run(const struct stream *stream)
{
    return stream->run;
}

uint64_t stream_count(const struct stream *stream, enum change_kind kind)
{
    return atomic_load_explicit(&stream->counts[kind], memory_order_relaxed);
}
