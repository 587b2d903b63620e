/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See unified.h. What is equal at the beginning and at the end is left aside; of the rest the longest common
 * subsequence of lines is found by the usual table. */
#include "config.h"

#include "base/unified.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3 };

struct lines {
    const char **starts; /* count + 1 */
    size_t count;
};

struct pair {
    struct lines sides[2];
    size_t head, tail; /* lines that are equal at the ends */
    bool *gone;        /* of `before`: it is not in `after` */
    bool *come;        /* of `after` */
};

static void split(const char *text, struct lines *lines)
{
    size_t count = 0;
    for (const char *at = text; *at != '\0'; count++) {
        const char *end = strchr(at, '\n');
        at = end == NULL ? at + strlen(at) : end + 1;
    }
    lines->starts = memory_alloc_array(count + 1, sizeof *lines->starts);
    lines->count = 0;
    lines->starts[0] = text;
    for (const char *at = text; *at != '\0';) {
        const char *end = strchr(at, '\n');
        at = end == NULL ? at + strlen(at) : end + 1;
        lines->starts[++lines->count] = at;
    }
}

static size_t length_of(const struct lines *lines, size_t i)
{
    return (size_t)(lines->starts[i + 1] - lines->starts[i]);
}

static bool are_equal(const struct pair *pair, size_t i, size_t j)
{
    const struct lines *a = &pair->sides[0], *b = &pair->sides[1];
    size_t len = length_of(a, i);
    return len == length_of(b, j) && memcmp(a->starts[i], b->starts[j], len) == 0;
}

static void trim(struct pair *pair)
{
    size_t a = pair->sides[0].count, b = pair->sides[1].count;
    size_t most = a < b ? a : b;
    while (pair->head < most && are_equal(pair, pair->head, pair->head)) {
        pair->head++;
    }
    while (pair->tail < most - pair->head && are_equal(pair, a - pair->tail - 1, b - pair->tail - 1)) {
        pair->tail++;
    }
}

/* In between: rows are lines of `before`, columns those of `after`; a cell is the length of what both have in
 * common from there on. */
static void match(struct pair *pair)
{
    size_t rows = pair->sides[0].count - pair->head - pair->tail;
    size_t columns = pair->sides[1].count - pair->head - pair->tail, width = columns + 1;
    memset(pair->gone + pair->head, true, rows);
    memset(pair->come + pair->head, true, columns);
    if (rows == 0 || columns == 0 || (rows + 1) > UNIFIED_CELLS_MAX / width) {
        return;
    }
    uint16_t *cells = memory_alloc_array((rows + 1) * width, sizeof *cells);
    for (size_t i = rows; i-- != 0;) {
        for (size_t j = columns; j-- != 0;) {
            uint16_t down = cells[(i + 1) * width + j], right = cells[i * width + j + 1];
            cells[i * width + j] = are_equal(pair, pair->head + i, pair->head + j)
                                       ? (uint16_t)(cells[(i + 1) * width + j + 1] + 1)
                                   : down > right ? down
                                                  : right;
        }
    }
    for (size_t i = 0, j = 0; i < rows && j < columns;) {
        if (are_equal(pair, pair->head + i, pair->head + j)) {
            pair->gone[pair->head + i++] = pair->come[pair->head + j++] = false;
        } else if (cells[(i + 1) * width + j] >= cells[i * width + j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    free(cells);
}

/* ---- writing ---- */

static void write_line(const struct pair *pair, int side, size_t i, char mark, struct buffer *out)
{
    const struct lines *lines = &pair->sides[side];
    size_t len = length_of(lines, i);
    bool has_end = len != 0 && lines->starts[i][len - 1] == '\n';
    buffer_add(out, &mark, 1);
    buffer_add(out, lines->starts[i], len);
    if (!has_end) {
        buffer_add_text(out, "\n\\ No newline at end of file\n");
    }
}

/* A place in both. */
struct place {
    size_t i, j;
};

/* Steps over what is equal, or over what is not; returns how many lines were equal. */
static size_t pass_equal(const struct pair *pair, struct place *at, size_t most)
{
    size_t passed = 0;
    while (passed < most && at->i < pair->sides[0].count && at->j < pair->sides[1].count &&
           !pair->gone[at->i] && !pair->come[at->j]) {
        at->i++, at->j++, passed++;
    }
    return passed;
}

static void pass_changed(const struct pair *pair, struct place *at)
{
    while (at->i < pair->sides[0].count && pair->gone[at->i]) {
        at->i++;
    }
    while (at->j < pair->sides[1].count && pair->come[at->j]) {
        at->j++;
    }
}

static bool is_end(const struct pair *pair, const struct place *at)
{
    return at->i == pair->sides[0].count && at->j == pair->sides[1].count;
}

/* From the first change on, with those that are near: where the hunk ends, context included. */
static struct place find_end(const struct pair *pair, struct place at)
{
    for (;;) {
        pass_changed(pair, &at);
        struct place next = at;
        size_t between = pass_equal(pair, &next, 2 * CONTEXT + 1);
        if (between > 2 * CONTEXT || is_end(pair, &next)) {
            (void)pass_equal(pair, &at, CONTEXT);
            return at;
        }
        at = next;
    }
}

/* As diff(1) numbers: what has no lines stands behind the line before. */
static void write_range(char mark, size_t from, size_t count, struct buffer *out)
{
    buffer_print(out, "%c%zu", mark, count == 0 ? from : from + 1);
    if (count != 1) {
        buffer_print(out, ",%zu", count);
    }
}

static void write_hunk(const struct pair *pair, struct place from, struct place until, struct buffer *out)
{
    buffer_add_text(out, "@@ ");
    write_range('-', from.i, until.i - from.i, out);
    buffer_add_text(out, " ");
    write_range('+', from.j, until.j - from.j, out);
    buffer_add_text(out, " @@\n");
    while (from.i < until.i || from.j < until.j) {
        if (from.i < until.i && pair->gone[from.i]) {
            write_line(pair, 0, from.i++, '-', out);
        } else if (from.j < until.j && pair->come[from.j]) {
            write_line(pair, 1, from.j++, '+', out);
        } else {
            write_line(pair, 0, from.i++, ' ', out);
            from.j++;
        }
    }
}

static bool write_all(const struct pair *pair, size_t octets, struct buffer *out)
{
    size_t before = out->len;
    struct place at = {0, 0};
    for (;;) {
        size_t equal = pass_equal(pair, &at, SIZE_MAX);
        if (is_end(pair, &at)) {
            return true;
        }
        size_t context = equal < CONTEXT ? equal : CONTEXT;
        struct place until = find_end(pair, at);
        write_hunk(pair, (struct place){at.i - context, at.j - context}, until, out);
        at = until;
        if (out->len - before > octets) {
            return false;
        }
    }
}

bool unified_write(const char *before, const char *after, size_t octets, struct buffer *out)
{
    struct pair pair = {.head = 0};
    split(before, &pair.sides[0]);
    split(after, &pair.sides[1]);
    bool is_small = pair.sides[0].count <= UNIFIED_LINES_MAX && pair.sides[1].count <= UNIFIED_LINES_MAX;
    if (is_small) {
        pair.gone = memory_alloc_array(pair.sides[0].count + 1, sizeof *pair.gone);
        pair.come = memory_alloc_array(pair.sides[1].count + 1, sizeof *pair.come);
        trim(&pair);
        match(&pair);
        is_small = write_all(&pair, octets, out);
        free(pair.gone);
        free(pair.come);
    }
    free(pair.sides[0].starts);
    free(pair.sides[1].starts);
    return is_small;
}
