/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See follow.h. A watch of the store is of a kind and of what keys begin with; the rest of a filter is judged
 * here, entry by entry, and what is told is only that there is something: the page that is made then reads
 * the journal itself. */
#include "config.h"

#include "daemon/follow.h"

#include "daemon/answers.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/memory.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

struct follow {
    struct store_watch *watch;
    char *key, *actor; /* NULL: any */
    bool is_any;       /* of whatever kind */
    int64_t since_ms;
    admin_news *news;
    void *argument;
};

static void free_follow(struct follow *follow)
{
    free(follow->key);
    free(follow->actor);
    free(follow);
}

static bool is_meant(const struct follow *follow, const struct store_entry *entry)
{
    const char *actor = follow->actor;
    bool is_answer = follow->is_any && strcmp(entry->kind, ANSWER_KIND) == 0;
    return !is_answer && (follow->key == NULL || strcmp(follow->key, entry->key) == 0) &&
           (actor == NULL || strcmp(actor, entry->cause.actor) == 0 ||
            strcmp(actor, entry->cause.peer) == 0) &&
           entry->cause.wall_ms >= follow->since_ms;
}

static void finish(struct follow *follow, int error, const char *why)
{
    admin_news *news = follow->news;
    void *argument = follow->argument;
    free_follow(follow);
    news(argument, error, why);
}

static bool on_entry(void *context, const struct store_entry *entry)
{
    struct follow *follow = context;
    if (!is_meant(follow, entry)) {
        return true;
    }
    store_watch_cancel(follow->watch);
    finish(follow, 0, NULL);
    return false;
}

static void on_end(void *context, int error, const char *why)
{
    finish(context, error, why);
}

void *server_watch_journal(void *context, const struct admin_journal *journal, admin_news *news,
                           void *argument)
{
    struct server *server = context;
    struct follow *follow = memory_alloc(sizeof *follow);
    *follow = (struct follow){.key = journal->key == NULL ? NULL : memory_copy_text(journal->key),
                              .actor = journal->actor == NULL ? NULL : memory_copy_text(journal->actor),
                              .since_ms = journal->since_ms,
                              .is_any = journal->kind == NULL,
                              .news = news,
                              .argument = argument};
    follow->watch = durable_watch(server->durable, &(struct store_watch_options){.kind = journal->kind,
                                                                                 .prefix = journal->key,
                                                                                 .after_seq = journal->cursor,
                                                                                 .context = follow,
                                                                                 .changed = on_entry,
                                                                                 .ended = on_end});
    if (follow->watch == NULL) {
        free_follow(follow);
        return NULL;
    }
    return follow;
}

void server_unwatch_journal(void *watch)
{
    struct follow *follow = watch;
    store_watch_cancel(follow->watch);
    free_follow(follow);
}

bool server_has_journal(void *context)
{
    const struct server *server = context;
    return durable_has_store(server->durable);
}
