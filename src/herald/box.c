/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A line for each thing, the first word of which says what it is. Read strictly: a file that is not ours, or
 * was cut, is none; and what is in it goes to receivers as it is, so each event has to be a JSON object. */
#include "config.h"

#include "herald/box.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char title[] = "steerd webhooks 1";

/* ---- writing ---- */

static void write_letters(char word, const struct letters *letters, struct buffer *out)
{
    for (size_t i = 0; i < letters->count; i++) {
        const struct letter *letter = letters->items[i];
        buffer_print(out, "%c %016" PRIx64 " %" PRIu64 " %" PRId64 " ", word, letter->run, letter->seq,
                     letter->wall_ms);
        buffer_add(out, letter->text, letter->len);
        buffer_add(out, "\n", 1);
    }
}

void box_write(const struct box *box, struct buffer *out)
{
    buffer_print(out, "%s\n%s\n", title, box->is_clean ? "clean" : "open");
    for (size_t i = 0; i < box->count; i++) {
        const struct box_item *item = &box->items[i];
        buffer_print(out, "W %s %016" PRIx64 " %" PRIu64 " %" PRId64 " %" PRIu64 " %d\n", item->name,
                     item->acked_run, item->acked_seq, item->acked_wall_ms, item->missed, item->is_unsure);
        write_letters('Q', &item->queue, out);
        write_letters('D', &item->dead, out);
    }
    buffer_add_text(out, "end\n");
}

/* ---- reading ---- */

struct reader {
    const char *at, *end;
    bool is_bad;
};

/* The rest of the line. */
static size_t measure(const struct reader *reader)
{
    const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    return newline == NULL ? SIZE_MAX : (size_t)(newline - reader->at);
}

static bool take_line(struct reader *reader, const char *line)
{
    size_t len = strlen(line);
    if (measure(reader) != len || memcmp(reader->at, line, len) != 0) {
        return false;
    }
    reader->at += len + 1;
    return true;
}

/* Up to the end (a blank or newline), which is skipped. */
static uint64_t take_number(struct reader *reader, uint64_t base, size_t digits_max, char end)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number = 0;
    size_t count = 0;
    for (; reader->at < reader->end && *reader->at != end; reader->at++, count++) {
        const char *digit = *reader->at == '\0' ? NULL : strchr(digits, *reader->at);
        if (digit == NULL || (uint64_t)(digit - digits) >= base) {
            break;
        }
        number = number * base + (uint64_t)(digit - digits);
    }
    if (count == 0 || count > digits_max || reader->at == reader->end || *reader->at != end) {
        reader->is_bad = true;
        return 0;
    }
    reader->at++;
    return number;
}

enum { HEX = 16, TEN = 10, HEX_DIGITS = 16, DIGITS = 18 };

static bool is_object(const char *text, size_t len)
{
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    bool is_one = json_is_object(json);
    json_decref(json);
    return is_one;
}

static void take_letter(struct reader *reader, struct letters *to)
{
    uint64_t run = take_number(reader, HEX, HEX_DIGITS, ' '), seq = take_number(reader, TEN, DIGITS, ' ');
    int64_t wall_ms = (int64_t)take_number(reader, TEN, DIGITS, ' ');
    size_t len = reader->is_bad ? SIZE_MAX : measure(reader);
    if (len == SIZE_MAX || !is_object(reader->at, len)) {
        reader->is_bad = true;
        return;
    }
    letters_add(to, letter_make(run, seq, wall_ms, reader->at, len));
    reader->at += len + 1;
}

static void take_item(struct reader *reader, struct box *box)
{
    const char *blank = memchr(reader->at, ' ', (size_t)(reader->end - reader->at));
    size_t len = blank == NULL ? 0 : (size_t)(blank - reader->at);
    if (len == 0 || len >= BOX_NAME_SIZE || memchr(reader->at, '\n', len) != NULL ||
        memchr(reader->at, '\0', len) != NULL) {
        reader->is_bad = true;
        return;
    }
    box->items = memory_resize(box->items, box->count + 1, sizeof *box->items);
    struct box_item *item = &box->items[box->count++];
    *item = (struct box_item){.missed = 0};
    memcpy(item->name, reader->at, len);
    reader->at = blank + 1;
    item->acked_run = take_number(reader, HEX, HEX_DIGITS, ' ');
    item->acked_seq = take_number(reader, TEN, DIGITS, ' ');
    item->acked_wall_ms = (int64_t)take_number(reader, TEN, DIGITS, ' ');
    item->missed = take_number(reader, TEN, DIGITS, ' ');
    item->is_unsure = take_number(reader, TEN, 1, '\n') != 0;
}

static void take_any(struct reader *reader, struct box *box)
{
    char word = reader->end - reader->at > 2 && reader->at[1] == ' ' ? reader->at[0] : '\0';
    reader->at += 2;
    if (word == 'W') {
        take_item(reader, box);
    } else if ((word == 'Q' || word == 'D') && box->count != 0) {
        struct box_item *item = &box->items[box->count - 1];
        take_letter(reader, word == 'Q' ? &item->queue : &item->dead);
    } else {
        reader->is_bad = true;
    }
}

int box_parse(const char *text, size_t len, struct box *box)
{
    struct reader reader = {.at = text, .end = text + len};
    *box = (struct box){.is_clean = false};
    if (!take_line(&reader, title)) {
        return ERROR_SYNTAX;
    }
    box->is_clean = take_line(&reader, "clean");
    bool has_end = false;
    reader.is_bad = !box->is_clean && !take_line(&reader, "open");
    while (!reader.is_bad && !has_end) {
        has_end = take_line(&reader, "end");
        if (!has_end) {
            take_any(&reader, box);
        }
    }
    if (reader.is_bad || reader.at != reader.end) {
        box_fini(box);
        return ERROR_SYNTAX;
    }
    return 0;
}

void box_fini(struct box *box)
{
    for (size_t i = 0; i < box->count; i++) {
        letters_fini(&box->items[i].queue);
        letters_fini(&box->items[i].dead);
    }
    free(box->items);
    *box = (struct box){.is_clean = false};
}
