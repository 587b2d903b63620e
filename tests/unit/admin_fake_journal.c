/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The journal of the small made-up world of admin_fake.h. */
#include "config.h"

#include "admin_fake.h"

#include "base/arena.h"
#include "base/error.h"

#include <string.h>

/* Two entries, the first of which was meddled with; of a page of one, the latest. */
static int read_journal(void *context, struct admin_journal *journal, struct arena *arena)
{
    (void)context;
    static const struct admin_entry entries[] = {{.seq = 2,
                                                  .time_ms = 1795233906789,
                                                  .actor = "bob",
                                                  .peer = "uid:7(eve)",
                                                  .reason = "",
                                                  .request = "DELETE /v1/regions/us-east/override",
                                                  .kind = "override",
                                                  .key = "region:us-east",
                                                  .before = "{\"state\":\"drain\"}",
                                                  .hash = {0xab}},
                                                 {.seq = 1,
                                                  .time_ms = 1795233900000,
                                                  .actor = "steerd",
                                                  .peer = "",
                                                  .reason = "storm",
                                                  .request = "",
                                                  .kind = "drill",
                                                  .key = "d1",
                                                  .after = "not JSON"}};
    if (journal->actor != NULL && strcmp(journal->actor, "nobody") == 0) {
        journal->why = "the disk is gone";
        return ERROR_LIBRARY;
    }
    size_t first = journal->cursor == 2 ? 1 : 0;
    journal->count = first + journal->limit < 2 ? journal->limit : 2 - first;
    journal->next = first + journal->count < 2 ? 2 : 0;
    journal->last = 2;
    journal->items = arena_copy(arena, entries + first, journal->count * sizeof *entries);
    return 0;
}

/* There is nothing to wait for, as if there were no store: the page is made at once. */
static void *watch_journal(void *context, const struct admin_journal *journal, admin_news *news,
                           void *argument)
{
    struct fake *fake = context;
    if (journal->kind == NULL || strcmp(journal->kind, "later") != 0) {
        return NULL;
    }
    fake->news = news;
    fake->news_argument = argument;
    fake->watches++;
    return fake;
}

static void unwatch_journal(void *watch)
{
    struct fake *fake = watch;
    fake->news = NULL;
    fake->watches--;
}

void fake_news(struct fake *fake, int error, const char *why)
{
    admin_news *news = fake->news;
    fake->news = NULL;
    fake->watches--;
    news(fake->news_argument, error, why);
}

/* Broken, if an anchor is given. */
static int verify_journal(void *context, struct admin_audit *audit, struct arena *arena)
{
    (void)context, (void)arena;
    audit->entries = 2;
    audit->is_whole = audit->anchor == NULL;
    audit->bad_seq = audit->anchor_seq;
    audit->last_seq = 2;
    audit->last_hash[0] = 0xab;
    audit->why = "it is missing";
    return 0;
}

void fake_journal_verbs(struct admin_verbs *verbs)
{
    verbs->read_journal = read_journal;
    verbs->watch_journal = watch_journal;
    verbs->unwatch_journal = unwatch_journal;
    verbs->verify_journal = verify_journal;
}
