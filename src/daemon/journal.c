/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See journal.h. A page is bounded in what it holds and in the time for what it leaves out, so that nobody
 * else's list waits long for one. */
#include "config.h"

#include "daemon/journal.h"
#include "daemon/answers.h"
#include "daemon/drill_fact.h"

#include "daemon/durable.h"
#include "daemon/reader.h"
#include "daemon/redaction.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "past/kept.h"
#include "store/kinds.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum {
    STRETCH = 20000,       /* entries: some 20 ms */
    BUDGET_MS = 100,       /* for what is left out */
    PAGE_OCTETS = 4 << 20, /* of values and reasons, about */
};

/* Or an error, and why in the arena. */
static int open_store(const struct reader *reader, const struct progress *progress, struct arena *arena,
                      struct store_reader **store, const char **why)
{
    const char *folder = durable_get_folder(reader->server->durable);
    if (folder == NULL) {
        *why = "steerd.json has no \"state\": nothing is kept";
        return ERROR_NOT_FOUND;
    }
    struct report *report = report_new();
    int error = store_reader_open(folder, report, store);
    if (error == 0) {
        store_reader_set_progress(*store, progress);
    } else {
        *why = report_count(report) == 0 ? error_text(error)
                                         : arena_copy_text(arena, report_get(report, 0)->message);
    }
    report_free(report);
    return error;
}

/* ---- pages ---- */

struct page {
    struct admin_journal *journal;
    struct redaction redaction; /* of what was written before the journal had none of it */
    struct arena *arena;
    size_t octets, capacity;
    uint64_t last; /* that was taken */
};

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static void take(struct page *page, const struct store_entry *entry)
{
    struct admin_journal *journal = page->journal;
    const struct store_cause *cause = &entry->cause;
    journal->items = memory_grow(journal->items, journal->count, &page->capacity, sizeof *journal->items);
    struct admin_entry *to = &journal->items[journal->count++];
    *to = (struct admin_entry){.seq = entry->seq,
                               .time_ms = cause->wall_ms,
                               .actor = arena_copy_text(page->arena, cause->actor),
                               .peer = arena_copy_text(page->arena, cause->peer),
                               .reason = arena_copy_text(page->arena, cause->reason),
                               .request = arena_copy_text(page->arena, cause->request),
                               .kind = arena_copy_text(page->arena, entry->kind),
                               .key = arena_copy_text(page->arena, entry->key),
                               .before = redaction_apply(&page->redaction, entry->before, page->arena),
                               .after = redaction_apply(&page->redaction, entry->after, page->arena)};
    memcpy(to->hash, entry->hash, sizeof to->hash);
    page->octets += text_size(entry->before) + text_size(entry->after) + text_size(cause->reason) +
                    text_size(cause->request);
}

static bool on_entry(void *context, const struct store_entry *entry)
{
    struct page *page = context;
    struct admin_journal *journal = page->journal;
    if (journal->count == journal->limit || page->octets >= PAGE_OCTETS) {
        journal->next = page->last;
        return false;
    }
    page->last = entry->seq;
    enum store_kind_id kind = store_kind_find(entry->kind);
    if (journal->kind == NULL && kind != STORE_KINDS && store_kind_get(kind)->is_aside) {
        /* what was answered is no change, and a report stands beside its drill; who asks gets it */
        return !progress_is_cancelled(journal->progress);
    }
    take(page, entry);
    return !progress_is_cancelled(journal->progress);
}

static bool note_last(void *context, const struct store_entry *entry)
{
    *(uint64_t *)context = entry->seq;
    return false;
}

/* There is no index of who did something: it is looked through in stretches, while there is time. */
static int read_stretches(struct store_reader *store, const struct clock *clock, struct store_filter filter,
                          struct page *page)
{
    struct admin_journal *journal = page->journal;
    int64_t until_ms = clock_now_ms(clock) + BUDGET_MS;
    uint64_t last = 0, after = filter.after_seq, before;
    int error = store_read_journal(store, &(struct store_filter){.backward = true}, note_last, &last);
    before = filter.before_seq == 0 || filter.before_seq > last ? last + 1 : filter.before_seq;
    while (error == 0 && before > after + 1 && journal->next == 0) {
        bool is_long = before - after > STRETCH + 1;
        filter.after_seq = filter.backward && is_long ? before - STRETCH - 1 : after;
        filter.before_seq = !filter.backward && is_long ? after + STRETCH + 1 : before;
        error = store_read_journal(store, &filter, on_entry, page);
        before = filter.backward ? filter.after_seq + 1 : before;
        after = filter.backward ? after : filter.before_seq - 1;
        if (journal->next == 0 && before > after + 1 && clock_now_ms(clock) >= until_ms) {
            journal->next = filter.backward ? before : after;
        }
    }
    return error;
}

/* The end is found first, so that nothing is left out between this page and the next one. */
static int find_last(struct store_reader *store, struct admin_journal *journal, struct store_filter *filter)
{
    uint64_t last = 0;
    int error = store_read_journal(store, &(struct store_filter){.backward = true}, note_last, &last);
    journal->last = last > journal->cursor ? last : journal->cursor;
    filter->before_seq = last + 1;
    return error;
}

int server_read_journal(void *context, struct admin_journal *journal, struct arena *arena)
{
    const struct reader *reader = context;
    struct store_reader *store;
    struct page page = {.journal = journal, .arena = arena};
    redaction_open(durable_get_folder(reader->server->durable), &page.redaction);
    int error = open_store(reader, journal->progress, arena, &store, &journal->why);
    if (error != 0) {
        return error;
    }
    struct store_filter filter = {.kind = journal->kind,
                                  .key = journal->key,
                                  .actor = journal->actor,
                                  .since_ms = journal->since_ms,
                                  .until_ms = journal->until_ms,
                                  .after_seq = journal->oldest_first ? journal->cursor : 0,
                                  .before_seq = journal->oldest_first ? 0 : journal->cursor,
                                  .backward = !journal->oldest_first};
    error = journal->wait_ms == 0 ? 0 : find_last(store, journal, &filter);
    error = error != 0               ? error
            : journal->actor == NULL ? store_read_journal(store, &filter, on_entry, &page)
                                     : read_stretches(store, &reader->server->clock, filter, &page);
    if (error != 0) {
        journal->why = arena_copy_text(arena, store_reader_why(store));
    }
    store_reader_close(store);
    struct admin_entry *items = journal->items;
    journal->items = arena_copy(arena, items, journal->count * sizeof *items);
    free(items);
    return error == 0 && progress_is_cancelled(journal->progress) ? ERROR_CANCELLED : error;
}

/* ---- recovery points ---- */

int server_list_points(void *context, struct admin_points *points, struct arena *arena)
{
    const struct reader *reader = context;
    struct store_reader *store;
    struct kept_list list;
    int error = open_store(reader, points->progress, arena, &store, &points->why);
    if (error != 0) {
        return error;
    }
    error = kept_list(store, arena, &list);
    points->items = list.items;
    points->count = list.count;
    points->why = error == 0 ? NULL : arena_copy_text(arena, store_reader_why(store));
    store_reader_close(store);
    return error;
}

/* ---- is it whole? ---- */

static bool note_hash(void *context, const struct store_entry *entry)
{
    struct admin_audit *audit = context;
    audit->last_seq = entry->seq;
    memcpy(audit->last_hash, entry->hash, sizeof audit->last_hash);
    return false;
}

static void condemn(struct admin_audit *audit, uint64_t seq, const char *why)
{
    audit->is_whole = false;
    audit->bad_seq = seq;
    audit->why = why;
}

/* What this process has written itself is an anchor, too. */
static int check_own(struct store_reader *store, const struct store_stats *own, struct admin_audit *audit)
{
    struct admin_audit found = {.last_seq = 0};
    const struct store_filter filter = {.after_seq = own->seq - 1, .before_seq = own->seq + 1};
    int error = store_read_journal(store, &filter, note_hash, &found);
    if (error == 0 && found.last_seq == 0) {
        condemn(audit, own->seq, "it is missing, although this steerd has written it: the journal was cut");
    } else if (error == 0 && memcmp(found.last_hash, own->hash, sizeof own->hash) != 0) {
        condemn(audit, own->seq,
                "it is not the one that this steerd has written: the journal was written anew");
    }
    return error;
}

static int verify(struct store_reader *store, const struct store_stats *own, struct admin_audit *audit,
                  struct arena *arena)
{
    struct store_verdict verdict = {.is_whole = false};
    const struct store_filter last = {.backward = true};
    int error = store_read_journal(store, &last, note_hash, audit);
    error = error != 0 ? error : store_verify(store, audit->anchor_seq, audit->anchor, &verdict);
    audit->is_whole = verdict.is_whole;
    audit->entries = verdict.entries;
    audit->bad_seq = verdict.bad_seq;
    audit->why = arena_copy_text(arena, verdict.why);
    if (error == 0 && audit->is_whole && own->seq != 0) {
        error = check_own(store, own, audit);
    }
    if (error != 0) {
        audit->why = arena_copy_text(arena, store_reader_why(store));
    }
    return error;
}

static void say(const struct admin_audit *audit)
{
    if (audit->is_whole) {
        log_info("journal verified entries=%llu duration_ms=%lld", (unsigned long long)audit->entries,
                 (long long)audit->duration_ms);
    } else {
        log_error("journal broken seq=%llu why=\"%s\"", (unsigned long long)audit->bad_seq, audit->why);
    }
}

int server_verify_journal(void *context, struct admin_audit *audit, struct arena *arena)
{
    const struct reader *reader = context;
    struct store_reader *store = NULL;
    struct durable_status own; /* before the store is looked at */
    const struct clock *clock = &reader->server->clock;
    int64_t since_ms = clock_now_ms(clock);
    durable_get_status(reader->server->durable, &own);
    int error = open_store(reader, audit->progress, arena, &store, &audit->why);
    if (error == 0) {
        store_reader_set_count(store, audit->progress);
        error = verify(store, &own.stats, audit, arena);
        store_reader_close(store);
    }
    if (error == ERROR_SYNTAX) { /* no journal of ours any more: that is a verdict */
        condemn(audit, 0, audit->why);
        error = 0;
    }
    audit->duration_ms = clock_now_ms(clock) - since_ms;
    if (error == 0) {
        say(audit);
    }
    return error;
}
