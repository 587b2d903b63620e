/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See watch.h. Where a watch is in the journal belongs to whom its state says: the store's thread while it
 * reads, the owner's while a parcel is on its way or nothing is asked for. The hash of the entry there is
 * remembered, so that another journal, put in the place of this one, is never told as the rest of it. */
#include "config.h"

#include "store/watch.h"

#include "base/error.h"
#include "base/memory.h"
#include "store/entry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARCEL_ENTRIES = 16,       /* the owner has other things to do, too */
    PARCEL_OCTETS = 256 << 10, /* about */
    LOOK_ENTRIES = 256,        /* that are looked at for one parcel, while jobs wait */
};

enum watch_state {
    WATCH_RESTS,   /* until it is to go on */
    WATCH_ASKS,    /* for what comes next */
    WATCH_READS,   /* the store's thread does */
    WATCH_TRAVELS, /* a parcel does */
};

struct watch_place {
    uint64_t seq; /* all up to this one is told */
    unsigned char hash[STORE_HASH_SIZE];
    bool has_hash;
};

struct store_watch {
    struct store_watch *next;
    struct watch_set *set;
    struct store_watch_options options; /* kind and prefix are its own */
    struct watch_place place;
    bool has_looked;
    uint64_t turn; /* of the store's thread */
    /* under the lock: */
    enum watch_state state;
    bool goes_on;   /* was asked to while a parcel travels */
    bool cancelled; /* not in the set any more: who reads or delivers for it frees it */
};

struct parcel_entry {
    struct parcel_entry *next;
    struct store_entry entry;
    char texts[];
};

struct parcel {
    struct store_job job; /* the first, so that one is the other */
    struct store_watch *watch;
    struct parcel_entry *first, **last;
    size_t count, octets;
    struct watch_place end; /* of what was looked at */
    int error;              /* there will be no more */
    char why[DATABASE_WHY_SIZE];
};

void watch_set_init(struct watch_set *set, pthread_mutex_t *lock, pthread_cond_t *asked)
{
    *set = (struct watch_set){.lock = lock, .asked = asked};
}

static void free_watch(struct store_watch *watch)
{
    free((char *)(uintptr_t)watch->options.kind);
    free((char *)(uintptr_t)watch->options.prefix);
    free(watch);
}

static void unlink_watch(struct store_watch *watch)
{
    struct store_watch **at = &watch->set->first;
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
}

static void free_parcel(struct parcel *parcel)
{
    while (parcel->first != NULL) {
        struct parcel_entry *entry = parcel->first;
        parcel->first = entry->next;
        free(entry);
    }
    free(parcel);
}

/* ---- the owner's thread ---- */

struct store_watch *watch_set_add(struct watch_set *set, const struct store_watch_options *options)
{
    struct store_watch *watch = memory_alloc(sizeof *watch);
    *watch = (struct store_watch){
        .set = set, .options = *options, .place = {.seq = options->after_seq}, .state = WATCH_ASKS};
    watch->options.kind = options->kind == NULL ? NULL : memory_copy_text(options->kind);
    watch->options.prefix = options->prefix == NULL ? NULL : memory_copy_text(options->prefix);
    pthread_mutex_lock(set->lock);
    watch->next = set->first;
    set->first = watch;
    pthread_cond_signal(set->asked);
    pthread_mutex_unlock(set->lock);
    return watch;
}

void store_watch_go_on(struct store_watch *watch)
{
    struct watch_set *set = watch->set;
    pthread_mutex_lock(set->lock);
    if (watch->state == WATCH_RESTS) {
        watch->state = WATCH_ASKS;
        pthread_cond_signal(set->asked);
    } else {
        watch->goes_on = true;
    }
    pthread_mutex_unlock(set->lock);
}

void store_watch_cancel(struct store_watch *watch)
{
    struct watch_set *set = watch->set;
    pthread_mutex_lock(set->lock);
    bool is_held = watch->state == WATCH_READS || watch->state == WATCH_TRAVELS;
    watch->cancelled = true;
    unlink_watch(watch);
    pthread_mutex_unlock(set->lock);
    if (!is_held) {
        free_watch(watch);
    }
}

/* What it did not want yet is read again when it does. Returns whether all was wanted. */
static bool tell_entries(struct parcel *parcel)
{
    struct store_watch *watch = parcel->watch;
    bool on = true;
    for (const struct parcel_entry *at = parcel->first; at != NULL && !watch->cancelled; at = at->next) {
        if (!on && !watch->goes_on) {
            parcel->error = 0; /* comes again, too */
            return false;
        }
        watch->goes_on = false;
        watch->place = (struct watch_place){.seq = at->entry.seq, .has_hash = true};
        memcpy(watch->place.hash, at->entry.hash, STORE_HASH_SIZE);
        on = watch->options.changed(watch->options.context, &at->entry);
    }
    if (!watch->cancelled) {
        watch->place = parcel->end;
    }
    return on;
}

/* By store_reap(). */
static void deliver(struct store_job *job)
{
    struct parcel *parcel = (struct parcel *)job;
    struct store_watch *watch = parcel->watch;
    struct watch_set *set = watch->set;
    bool on = tell_entries(parcel), is_over = watch->cancelled || parcel->error != 0;
    pthread_mutex_lock(set->lock);
    if (!watch->cancelled && parcel->error != 0) {
        unlink_watch(watch);
    } else if (!is_over) {
        watch->state = on || watch->goes_on ? WATCH_ASKS : WATCH_RESTS;
        watch->goes_on = false;
        pthread_cond_signal(set->asked);
    }
    pthread_mutex_unlock(set->lock);
    if (is_over && !watch->cancelled) {
        watch->options.ended(watch->options.context, parcel->error, parcel->why);
    }
    if (is_over) {
        free_watch(watch);
    }
    free_parcel(parcel);
}

void watch_drop_parcel(struct store_job *job)
{
    if (job->done == deliver) {
        deliver(job);
    }
}

void watch_set_end(struct watch_set *set)
{
    for (struct store_watch *watch; (watch = set->first) != NULL;) {
        const struct store_watch_options options = watch->options;
        pthread_mutex_lock(set->lock);
        bool is_held = watch->state == WATCH_READS || watch->state == WATCH_TRAVELS;
        watch->cancelled = true;
        set->first = watch->next;
        pthread_mutex_unlock(set->lock);
        if (!is_held) {
            free_watch(watch);
        }
        options.ended(options.context, ERROR_CANCELLED, "the store is closed");
    }
}

/* ---- the store's thread ---- */

static bool has_work(const struct store_watch *watch, uint64_t last)
{
    return watch->state == WATCH_ASKS && (!watch->has_looked || watch->place.seq != last);
}

bool watch_set_has_work(const struct watch_set *set, const struct engine *engine)
{
    const struct store_watch *watch = engine->is_open ? set->first : NULL;
    while (watch != NULL && !has_work(watch, engine->writer.durable.seq)) {
        watch = watch->next;
    }
    return watch != NULL;
}

static void __attribute__((format(printf, 3, 4)))
end_watch(struct parcel *parcel, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(parcel->why, sizeof parcel->why, format, arguments);
    va_end(arguments);
    parcel->error = error;
}

static bool is_watched(const struct store_watch_options *options, const struct chain_entry *entry)
{
    const char *kind = entry->texts[CHAIN_KIND].bytes, *key = entry->texts[CHAIN_KEY].bytes;
    return (options->kind == NULL || strcmp(options->kind, kind) == 0) &&
           (options->prefix == NULL || strncmp(options->prefix, key, strlen(options->prefix)) == 0);
}

static const char *append(char **to, const struct chain_text *text)
{
    if (text->bytes == NULL) {
        return NULL;
    }
    char *copy = *to;
    memcpy(copy, text->bytes, text->len);
    copy[text->len] = '\0';
    *to += text->len + 1;
    return copy;
}

static void add_entry(struct parcel *parcel, const struct chain_entry *entry)
{
    size_t octets = 0;
    for (int i = 0; i < CHAIN_TEXTS; i++) {
        octets += entry->texts[i].len + 1;
    }
    struct parcel_entry *copy = memory_alloc(sizeof *copy + octets);
    const char *texts[CHAIN_TEXTS];
    char *to = copy->texts;
    for (int i = 0; i < CHAIN_TEXTS; i++) {
        texts[i] = append(&to, &entry->texts[i]);
    }
    copy->entry = (struct store_entry){.seq = entry->seq,
                                       .cause = {.wall_ms = entry->wall_ms,
                                                 .actor = texts[CHAIN_ACTOR],
                                                 .peer = texts[CHAIN_PEER],
                                                 .reason = texts[CHAIN_REASON],
                                                 .request = texts[CHAIN_REQUEST]},
                                       .kind = texts[CHAIN_KIND],
                                       .key = texts[CHAIN_KEY],
                                       .revision_before = entry->revision_before,
                                       .expires_ms = entry->expires_ms,
                                       .after = texts[CHAIN_AFTER]};
    memcpy(copy->entry.hash, parcel->end.hash, STORE_HASH_SIZE);
    *parcel->last = copy;
    parcel->last = &copy->next;
    parcel->count++;
    parcel->octets += octets;
}

/* The entry where the watch is comes first, and has to be the one that it was. Returns whether to go on. */
static bool take_entry(struct parcel *parcel, const struct chain_entry *entry, const unsigned char *hash)
{
    struct watch_place *end = &parcel->end;
    bool is_known = entry->seq == end->seq;
    if (is_known && end->has_hash && memcmp(end->hash, hash, STORE_HASH_SIZE) != 0) {
        end_watch(parcel, ERROR_CONFLICT, "entry %llu is another one: the journal is not the one it was",
                  (unsigned long long)entry->seq);
        return false;
    }
    if (!is_known && entry->seq != end->seq + 1) {
        end_watch(parcel, ERROR_SYNTAX,
                  "found entry %llu, expected %llu; restore a backup, or: steerctl salvage",
                  (unsigned long long)entry->seq, (unsigned long long)end->seq + 1);
        return false;
    }
    end->seq = entry->seq;
    end->has_hash = true;
    memcpy(end->hash, hash, STORE_HASH_SIZE);
    if (!is_known && is_watched(&parcel->watch->options, entry)) {
        add_entry(parcel, entry);
    }
    return parcel->count < PARCEL_ENTRIES && parcel->octets < PARCEL_OCTETS;
}

static int read_entries(struct parcel *parcel, struct database *db)
{
    sqlite3_stmt *statement = NULL;
    bool has = true, on = true;
    int error = database_prepare(
        db, "SELECT " ENTRY_COLUMNS " FROM journal j WHERE j.seq >= ?1 ORDER BY j.seq LIMIT ?2", &statement);
    if (error == 0) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)parcel->end.seq);
        (void)sqlite3_bind_int64(statement, 2, LOOK_ENTRIES);
    }
    while (error == 0 && on && (error = database_step(db, statement, &has)) == 0 && has) {
        struct chain_entry entry;
        const unsigned char *hash;
        error = entry_read(db, statement, ENTRY_TEXTS, &entry, &hash);
        on = error == 0 && take_entry(parcel, &entry, hash);
    }
    sqlite3_finalize(statement);
    return error;
}

static struct parcel *read_parcel(struct store_watch *watch, struct engine *engine)
{
    uint64_t last = engine->writer.durable.seq;
    struct parcel *parcel = memory_alloc(sizeof *parcel);
    *parcel = (struct parcel){.job = {.done = deliver}, .watch = watch, .end = watch->place};
    parcel->last = &parcel->first;
    if (parcel->end.seq > last) {
        end_watch(parcel, ERROR_NOT_FOUND,
                  "entry %llu is not there, the last one is %llu: the journal was cut, or is another one",
                  (unsigned long long)parcel->end.seq, (unsigned long long)last);
    } else if (read_entries(parcel, &engine->db) != 0) {
        end_watch(parcel, engine->db.error, "%s", engine->db.why);
    } else if (parcel->error == 0 && parcel->end.seq == watch->place.seq && parcel->end.seq != last) {
        end_watch(parcel, ERROR_NOT_FOUND, /* to look again and again would show nothing else */
                  "nothing is there behind entry %llu, the last one is %llu: the journal was cut",
                  (unsigned long long)parcel->end.seq, (unsigned long long)last);
    }
    return parcel;
}

/* Nobody has to hear of what was looked at in vain. */
static bool settle(struct parcel *parcel)
{
    struct store_watch *watch = parcel->watch;
    struct watch_set *set = watch->set;
    pthread_mutex_lock(set->lock);
    bool cancelled = watch->cancelled, has_news = parcel->count != 0 || parcel->error != 0;
    watch->has_looked = true;
    watch->state = has_news ? WATCH_TRAVELS : WATCH_ASKS;
    watch->goes_on = false;
    if (!has_news) {
        watch->place = parcel->end;
    }
    pthread_mutex_unlock(set->lock);
    if (cancelled) {
        free_watch(watch);
    }
    return has_news && !cancelled;
}

/* The next one that asks and has not had its turn. */
static struct store_watch *take_watch(struct watch_set *set, uint64_t last)
{
    pthread_mutex_lock(set->lock);
    struct store_watch *watch = set->first;
    while (watch != NULL && (watch->turn == set->turn || !has_work(watch, last))) {
        watch = watch->next;
    }
    if (watch != NULL) {
        watch->state = WATCH_READS;
        watch->turn = set->turn;
    }
    pthread_mutex_unlock(set->lock);
    return watch;
}

void watch_set_read(struct watch_set *set, struct engine *engine, struct job_list *parcels)
{
    set->turn++;
    for (struct store_watch *watch;
         engine->is_open && (watch = take_watch(set, engine->writer.durable.seq)) != NULL;) {
        struct parcel *parcel = read_parcel(watch, engine);
        if (settle(parcel)) {
            job_list_add(parcels, &parcel->job);
        } else {
            free_parcel(parcel);
        }
    }
}
