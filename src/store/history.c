/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading the journal. Entries are searched by time although the wall time may go back: between its turns it
 * rises, and there are few of them. */
#include "config.h"

#include "base/buffer.h"
#include "base/error.h"
#include "store/entry.h"
#include "store/reader.h"

#include <string.h>

static int read_last(struct store_reader *reader, uint64_t *seq)
{
    int64_t number;
    int error = database_read_number(&reader->db, "SELECT max(seq) FROM journal", &number);
    *seq = (uint64_t)number;
    return error;
}

/* ---- by time ---- */

/* One number for one number; `otherwise` if there is none. */
static int ask(struct store_reader *reader, const char *sql, int64_t number, int64_t otherwise,
               int64_t *answer)
{
    sqlite3_stmt *statement;
    bool has = false;
    *answer = otherwise;
    int error = database_prepare(&reader->db, sql, &statement);
    if (error == 0) {
        (void)sqlite3_bind_int64(statement, 1, number);
        error = database_step(&reader->db, statement, &has);
    }
    if (has && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
        *answer = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return error;
}

/* In a run without turns: the first entry of [first, end) that is later than this, or `end`. */
static int search_run(struct store_reader *reader, int64_t first, int64_t end, int64_t wall_ms,
                      int64_t *found)
{
    int error = 0;
    while (error == 0 && first < end) {
        int64_t middle = first + (end - first) / 2, at_ms;
        error = ask(reader, "SELECT wall_ms FROM journal WHERE seq = ?1", middle, INT64_MAX, &at_ms);
        if (at_ms > wall_ms) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    *found = first;
    return error;
}

static int find_last_until(struct store_reader *reader, int64_t wall_ms, int64_t last, int64_t *seq)
{
    int64_t first, next, found;
    int error = ask(reader, "SELECT seq FROM turns WHERE wall_ms <= ?1 ORDER BY seq DESC LIMIT 1", wall_ms, 1,
                    &first);
    error = error != 0 ? error
                       : ask(reader, "SELECT seq FROM turns WHERE seq > ?1 ORDER BY seq LIMIT 1", first,
                             last + 1, &next);
    error = error != 0 ? error : search_run(reader, first, next, wall_ms, &found);
    *seq = error != 0 ? 0 : found - 1;
    return error;
}

/* The first entry at or after this time; last + 1: there is none. */
static int find_first_since(struct store_reader *reader, int64_t wall_ms, int64_t last, int64_t *seq)
{
    int64_t first, next;
    int error =
        ask(reader,
            "SELECT t.seq FROM turns t WHERE (SELECT wall_ms FROM journal j WHERE j.seq = t.seq - 1) >= ?1 "
            "ORDER BY t.seq LIMIT 1",
            wall_ms, last + 1, &next);
    error = error != 0 ? error
                       : ask(reader, "SELECT seq FROM turns WHERE seq < ?1 ORDER BY seq DESC LIMIT 1", next,
                             1, &first);
    return error != 0 ? error : search_run(reader, first, next, wall_ms - 1, seq);
}

int store_find_seq(struct store_reader *reader, int64_t wall_ms, uint64_t *seq)
{
    uint64_t last;
    int64_t found = 0;
    int error = store_reader_begin(reader);
    error = error != 0 ? error : read_last(reader, &last);
    error = error != 0 || last == 0 ? error : find_last_until(reader, wall_ms, (int64_t)last, &found);
    *seq = (uint64_t)found;
    return store_reader_end(reader, error);
}

/* ---- entries ---- */

struct bounds {
    int64_t after, before; /* neither included */
};

static int find_bounds(struct store_reader *reader, const struct store_filter *filter, struct bounds *bounds)
{
    uint64_t last;
    int64_t found;
    int error = read_last(reader, &last);
    bounds->after = (int64_t)filter->after_seq;
    bounds->before = filter->before_seq == 0 || filter->before_seq > last ? (int64_t)last + 1
                                                                          : (int64_t)filter->before_seq;
    if (error == 0 && last != 0 && filter->since_ms != 0) {
        error = find_first_since(reader, filter->since_ms, (int64_t)last, &found);
        bounds->after = error == 0 && found - 1 > bounds->after ? found - 1 : bounds->after;
    }
    if (error == 0 && last != 0 && filter->until_ms != 0) {
        error = find_last_until(reader, filter->until_ms, (int64_t)last, &found);
        bounds->before = error == 0 && found + 1 < bounds->before ? found + 1 : bounds->before;
    }
    return error;
}

static int prepare(struct store_reader *reader, const struct store_filter *filter,
                   const struct bounds *bounds, sqlite3_stmt **statement)
{
    struct buffer sql;
    buffer_init(&sql);
    buffer_add_text(&sql, "SELECT " ENTRY_COLUMNS);
    buffer_add_text(&sql, filter->without_before
                              ? ", NULL"
                              : ", (SELECT b.after FROM journal b WHERE b.seq = j.revision_before)");
    buffer_add_text(&sql, " FROM journal j WHERE j.seq > ?1 AND j.seq < ?2");
    buffer_add_text(&sql, filter->kind == NULL ? "" : " AND j.kind = ?3");
    buffer_add_text(&sql, filter->key == NULL ? "" : " AND j.key = ?4");
    buffer_add_text(&sql, filter->actor == NULL ? "" : " AND (j.actor = ?5 OR j.peer = ?5)");
    buffer_add_text(&sql, filter->since_ms == 0 ? "" : " AND j.wall_ms >= ?6");
    buffer_add_text(&sql, filter->until_ms == 0 ? "" : " AND j.wall_ms <= ?7");
    buffer_add_text(&sql, filter->backward ? " ORDER BY j.seq DESC" : " ORDER BY j.seq");
    int error = database_prepare(&reader->db, sql.bytes, statement);
    buffer_fini(&sql);
    if (error == 0) { /* what the text has no place for is refused, and that is fine */
        (void)sqlite3_bind_int64(*statement, 1, bounds->after);
        (void)sqlite3_bind_int64(*statement, 2, bounds->before);
        reader_bind(*statement, 3, filter->kind);
        reader_bind(*statement, 4, filter->key);
        reader_bind(*statement, 5, filter->actor);
        (void)sqlite3_bind_int64(*statement, 6, filter->since_ms);
        (void)sqlite3_bind_int64(*statement, 7, filter->until_ms);
    }
    return error;
}

static void fill(struct store_entry *to, const struct chain_entry *from, const unsigned char *hash)
{
    *to = (struct store_entry){.seq = from->seq,
                               .cause = {.wall_ms = from->wall_ms,
                                         .actor = from->texts[CHAIN_ACTOR].bytes,
                                         .peer = from->texts[CHAIN_PEER].bytes,
                                         .reason = from->texts[CHAIN_REASON].bytes,
                                         .request = from->texts[CHAIN_REQUEST].bytes},
                               .kind = from->texts[CHAIN_KIND].bytes,
                               .key = from->texts[CHAIN_KEY].bytes,
                               .revision_before = from->revision_before,
                               .expires_ms = from->expires_ms,
                               .after = from->texts[CHAIN_AFTER].bytes};
    memcpy(to->hash, hash, STORE_HASH_SIZE);
}

static int walk(struct store_reader *reader, sqlite3_stmt *statement, bool backward,
                bool (*got)(void *context, const struct store_entry *entry), void *context)
{
    uint64_t before = backward ? UINT64_MAX : 0;
    for (;;) {
        struct chain_entry found;
        struct store_entry entry;
        const unsigned char *hash;
        bool has;
        int error = database_step(&reader->db, statement, &has);
        error = error != 0 || !has ? error : entry_read(&reader->db, statement, ENTRY_TEXTS, &found, &hash);
        if (error != 0 || !has) {
            return error;
        }
        if (backward ? found.seq >= before : found.seq <= before) {
            return database_fail(&reader->db, ERROR_SYNTAX,
                                 "entries are out of order; restore a backup, or: steerctl salvage");
        }
        before = found.seq;
        fill(&entry, &found, hash);
        entry.before = (const char *)sqlite3_column_text(statement, ENTRY_COLUMN_COUNT);
        if (!got(context, &entry)) {
            return 0;
        }
    }
}

int store_read_journal(struct store_reader *reader, const struct store_filter *filter,
                       bool (*got)(void *context, const struct store_entry *entry), void *context)
{
    sqlite3_stmt *statement = NULL;
    struct bounds bounds;
    int error = store_reader_begin(reader);
    error = error != 0 ? error : find_bounds(reader, filter, &bounds);
    error = error != 0 ? error : prepare(reader, filter, &bounds, &statement);
    error = error != 0 ? error : walk(reader, statement, filter->backward, got, context);
    sqlite3_finalize(statement);
    return store_reader_end(reader, error);
}

/* ---- objects as they were ---- */

struct name {
    char kind[STORE_KIND_MAX + 1], key[STORE_KEY_MAX + 1];
};

/* Each is one seek: comparing both columns at once would walk along all entries of a key. */
enum { NEXT_KIND, NEXT_KEY, STATE, WALK_STATEMENTS };
static const char *const walk_texts[WALK_STATEMENTS] = {
    [NEXT_KIND] = "SELECT key, kind FROM journal INDEXED BY journal_by_key "
                  "WHERE key = ?1 AND kind > ?2 ORDER BY kind LIMIT 1",
    [NEXT_KEY] = "SELECT key, kind FROM journal INDEXED BY journal_by_key "
                 "WHERE key > ?1 ORDER BY key, kind LIMIT 1",
    [STATE] = "SELECT seq, wall_ms, expires_ms, after FROM journal INDEXED BY journal_by_key "
              "WHERE key = ?1 AND kind = ?2 AND seq <= ?3 ORDER BY seq DESC LIMIT 1",
};

static int take_name(struct store_reader *reader, sqlite3_stmt *statement, struct name *name)
{
    const char *key = (const char *)sqlite3_column_text(statement, 0);
    const char *kind = (const char *)sqlite3_column_text(statement, 1);
    bool fits = key != NULL && kind != NULL && strlen(key) <= STORE_KEY_MAX && strlen(kind) <= STORE_KIND_MAX;
    int order = !fits ? -1 : strcmp(key, name->key);
    if (order < 0 || (order == 0 && strcmp(kind, name->kind) <= 0)) {
        return database_fail(&reader->db, ERROR_SYNTAX,
                             "names are out of order; restore a backup, or: steerctl salvage");
    }
    memcpy(name->key, key, strlen(key) + 1);
    memcpy(name->kind, kind, strlen(kind) + 1);
    return 0;
}

/* The next name that any entry has. */
static int next_name(struct store_reader *reader, sqlite3_stmt *const statements[WALK_STATEMENTS],
                     struct name *name, bool *has)
{
    int error = 0;
    *has = false;
    for (int which = NEXT_KIND; error == 0 && !*has && which <= NEXT_KEY; which++) {
        sqlite3_stmt *statement = statements[which];
        struct name before = *name; /* which is bound */
        reader_bind(statement, 1, before.key);
        reader_bind(statement, 2, before.kind);
        error = database_step(&reader->db, statement, has);
        error = error != 0 || !*has ? error : take_name(reader, statement, name);
        (void)sqlite3_reset(statement);
    }
    return error;
}

/* *on: whether the walk goes on. */
static int tell_state(struct store_reader *reader, sqlite3_stmt *statement, const struct name *name, bool *on,
                      bool (*got)(void *context, const struct store_object *object), void *context)
{
    bool has;
    reader_bind(statement, 1, name->key);
    reader_bind(statement, 2, name->kind);
    int error = database_step(&reader->db, statement, &has);
    const char *value = error == 0 && has ? (const char *)sqlite3_column_text(statement, 3) : NULL;
    if (value != NULL) {
        struct store_object object = {.kind = name->kind,
                                      .key = name->key,
                                      .value = value,
                                      .revision = (uint64_t)sqlite3_column_int64(statement, 0),
                                      .written_ms = sqlite3_column_int64(statement, 1),
                                      .expires_ms = sqlite3_column_int64(statement, 2)};
        *on = got(context, &object);
    }
    (void)sqlite3_reset(statement);
    return error;
}

int store_list_at(struct store_reader *reader, uint64_t seq,
                  bool (*got)(void *context, const struct store_object *object), void *context)
{
    sqlite3_stmt *statements[WALK_STATEMENTS] = {NULL};
    struct name name = {.kind = ""};
    bool has = true, on = true;
    int error = store_reader_begin(reader);
    for (size_t i = 0; error == 0 && i < WALK_STATEMENTS; i++) {
        error = database_prepare(&reader->db, walk_texts[i], &statements[i]);
    }
    if (error == 0) {
        (void)sqlite3_bind_int64(statements[STATE], 3, seq > INT64_MAX ? INT64_MAX : (int64_t)seq);
    }
    while (error == 0 && on && (error = next_name(reader, statements, &name, &has)) == 0 && has) {
        error = tell_state(reader, statements[STATE], &name, &on, got, context);
    }
    for (size_t i = 0; i < WALK_STATEMENTS; i++) {
        sqlite3_finalize(statements[i]);
    }
    return store_reader_end(reader, error);
}
