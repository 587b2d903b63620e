/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is known of one file: the table that stands, and what was wrong since. Readers hold the lock for one
 * look-up, the file's thread for an exchange of pointers. */
#include "config.h"

#include "base/log.h"
#include "sheet/inside.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60000, LINES_MAX = 10, SECOND_MS = 1000 };

const char *sheet_state_text(enum sheet_state state)
{
    static const char *const texts[] = {"unread", "good", "refused", "useless"};
    return texts[state];
}

const char *sheet_format_text(enum sheet_format format)
{
    static const char *const texts[] = {"steerd", "gdnsd", "json"};
    return texts[format];
}

uint64_t sheet_get_version(const struct sheet *sheet)
{
    return atomic_load_explicit(&sheet->version, memory_order_acquire);
}

/* ---- what comes of a look at the file ---- */

/* One that goes wrong again and again would fill the log. The lock is held. */
static bool may_log(struct sheet *sheet)
{
    int64_t now_ms = clock_now_ms(&sheet->clock);
    if (sheet->line_count == 0 || now_ms - sheet->minute_ms >= MINUTE_MS) {
        sheet->minute_ms = now_ms;
        sheet->line_count = 0;
    }
    return sheet->line_count < LINES_MAX && ++sheet->line_count != 0;
}

/* Those who hear of it find what is new. */
static void tell(struct sheet *sheet)
{
    atomic_fetch_add_explicit(&sheet->version, 1, memory_order_release);
    sheets_ring(sheet->all);
}

void sheet_take(struct sheet *sheet, struct sheet_table *table, int64_t modified_ms)
{
    pthread_mutex_lock(&sheet->lock);
    struct sheet_table *before = sheet->table;
    bool is_due = sheet->state != SHEET_STATE_GOOD && may_log(sheet);
    sheet->table = table;
    sheet->modified_ms = modified_ms;
    sheet->noticed_ms = clock_now_ms(&sheet->clock);
    sheet->read_ms = clock_wall_ms(&sheet->clock);
    sheet->changes++;
    sheet->state = SHEET_STATE_GOOD;
    pthread_mutex_unlock(&sheet->lock);
    if (is_due) {
        log_info("check file read file=%s entries=%zu", sheet->path, sheet_table_count(table));
    }
    tell(sheet);
    sheet_table_free(before);
}

static bool note_fault(struct sheet *sheet, enum sheet_state state, const struct sheet_fault *fault,
                       bool *stands)
{
    pthread_mutex_lock(&sheet->lock);
    enum sheet_state was = sheet->state;
    *stands = sheet->table != NULL;
    sheet->state = state;
    bool is_news =
        was != state || sheet->fault.line != fault->line || strcmp(sheet->fault.why, fault->why) != 0;
    bool is_due = is_news && may_log(sheet);
    sheet->fault = *fault;
    pthread_mutex_unlock(&sheet->lock);
    tell(sheet);
    return is_due;
}

void sheet_refuse(struct sheet *sheet, const struct sheet_fault *fault)
{
    bool stands;
    if (note_fault(sheet, SHEET_STATE_REFUSED, fault, &stands)) {
        log_warning("check file refused file=%s line=%u column=%u why=%s effect=\"%s\"", sheet->path,
                    fault->line, fault->column, fault->why,
                    stands ? "what it said before stands" : "checks that go by it are not made");
    }
}

void sheet_lose(struct sheet *sheet, const char *why)
{
    bool stood;
    struct sheet_fault fault = {.line = 0};
    snprintf(fault.why, sizeof fault.why, "%s", why);
    pthread_mutex_lock(&sheet->lock);
    struct sheet_table *before = sheet->table;
    sheet->table = NULL;
    pthread_mutex_unlock(&sheet->lock);
    sheet_table_free(before);
    if (note_fault(sheet, SHEET_STATE_USELESS, &fault, &stood)) {
        log_warning("check file not used file=%s why=%s effect=\"checks that go by it are not made, verdicts "
                    "stay as they are\"",
                    sheet->path, why);
    }
}

/* ---- what it says; the lock is held ---- */

/* By the wall clock, and if that was set back, by ours since we noticed. */
static int64_t find_age_ms(const struct sheet *sheet)
{
    int64_t age_ms = clock_wall_ms(&sheet->clock) - sheet->modified_ms;
    int64_t known_ms = clock_now_ms(&sheet->clock) - sheet->noticed_ms;
    return age_ms > known_ms ? age_ms : known_ms;
}

static bool is_too_old(const struct sheet *sheet, uint32_t max_age_ms)
{
    return max_age_ms != 0 && find_age_ms(sheet) > (int64_t)max_age_ms;
}

static enum sheet_word find(const struct sheet *sheet, const char *key, uint32_t max_age_ms,
                            struct sheet_entry *entry)
{
    if (sheet->state == SHEET_STATE_UNREAD) {
        return SHEET_UNREAD;
    }
    if (sheet->table == NULL || is_too_old(sheet, max_age_ms)) {
        return SHEET_USELESS;
    }
    if (!sheet_table_find(sheet->table, key, entry)) {
        return SHEET_UNNAMED;
    }
    return entry->is_down ? SHEET_DOWN : SHEET_UP;
}

/* That there is something newer which makes no sense is worth to be known, too; and each document is another
 * one. */
static unsigned make_mark(const struct sheet *sheet, enum sheet_word word)
{
    enum { WORDS = 16 };
    unsigned number = sheet->format == SHEET_DOCUMENT ? (unsigned)sheet->changes % (UINT_MAX / WORDS) : 0;
    return 1 + (unsigned)word * 2 + (sheet->state == SHEET_STATE_REFUSED) + number * WORDS;
}

void sheet_write_fault(const struct sheet_fault *fault, const char *behind, char text[SHEET_TEXT_SIZE])
{
    if (fault->line == 0) {
        snprintf(text, SHEET_TEXT_SIZE, "%s%s", fault->why, behind);
    } else {
        snprintf(text, SHEET_TEXT_SIZE, "line %u, column %u: %s%s", fault->line, fault->column, fault->why,
                 behind);
    }
}

/* That something is wrong goes before what is said. */
static void write_text(const struct sheet *sheet, uint32_t max_age_ms, const struct sheet_entry *entry,
                       struct sheet_answer *answer)
{
    if (answer->word == SHEET_USELESS && sheet->table != NULL) {
        snprintf(answer->text, sizeof answer->text, "written %lld s ago, expected at most %u s",
                 (long long)(find_age_ms(sheet) / SECOND_MS), max_age_ms / SECOND_MS);
    } else if (sheet->state == SHEET_STATE_USELESS || answer->word == SHEET_USELESS) {
        sheet_write_fault(&sheet->fault, "", answer->text);
    } else if (sheet->state == SHEET_STATE_REFUSED) {
        sheet_write_fault(&sheet->fault, "; what it said before stands", answer->text);
    } else if (answer->word == SHEET_UNNAMED) {
        snprintf(answer->text, sizeof answer->text, "the file does not name it");
    } else if (sheet->format != SHEET_DOCUMENT) {
        snprintf(answer->text, sizeof answer->text, "%s", entry->reason);
    }
}

void sheet_find(struct sheet *sheet, const char *key, uint32_t max_age_ms, struct sheet_answer *answer)
{
    struct sheet_entry entry = {.reason = ""};
    pthread_mutex_lock(&sheet->lock);
    *answer = (struct sheet_answer){.word = find(sheet, key, max_age_ms, &entry)};
    answer->version = sheet_get_version(sheet);
    answer->mark = make_mark(sheet, answer->word);
    answer->line = entry.line;
    if (answer->word != SHEET_UNREAD) {
        write_text(sheet, max_age_ms, &entry, answer);
    }
    pthread_mutex_unlock(&sheet->lock);
}

unsigned sheet_look(struct sheet *sheet, const char *key, uint32_t max_age_ms)
{
    struct sheet_entry entry;
    pthread_mutex_lock(&sheet->lock);
    unsigned mark = make_mark(sheet, find(sheet, key, max_age_ms, &entry));
    pthread_mutex_unlock(&sheet->lock);
    return mark;
}

void sheet_read(struct sheet *sheet, void (*hear)(void *context, const char *text, size_t len), void *context)
{
    struct sheet_entry entry = {.reason = ""};
    pthread_mutex_lock(&sheet->lock);
    if (sheet->table != NULL && sheet_table_find(sheet->table, SHEET_DOCUMENT_KEY, &entry)) {
        hear(context, entry.reason, strlen(entry.reason));
    }
    pthread_mutex_unlock(&sheet->lock);
}
