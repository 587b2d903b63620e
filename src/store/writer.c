/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See writer.h. A failure of the database is one of the whole transaction: the caller rolls back. */
#include "config.h"

#include "store/writer.h"

#include "base/error.h"
#include "base/memory.h"
#include "store/schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG_MAX = 4096 }; /* put right in one transaction */

static const char *const texts[WRITER_STATEMENTS] = {
    [WRITER_BEGIN] = "BEGIN IMMEDIATE",
    [WRITER_COMMIT] = "COMMIT",
    [WRITER_LAST] = "SELECT seq, wall_ms, hash FROM journal ORDER BY seq DESC LIMIT 1",
    /* the journal says what an object is; what stands in `objects` is compared with it */
    [WRITER_FIND] =
        "SELECT j.seq, j.after IS NOT NULL, j.after IS NOT o.value OR (o.key IS NOT NULL AND "
        "(o.revision <> j.seq OR o.written_ms <> j.wall_ms OR o.expires_ms <> j.expires_ms)) "
        "FROM journal j INDEXED BY journal_by_key LEFT JOIN objects o ON o.kind = ?1 AND o.key = ?2 "
        "WHERE j.key = ?2 AND j.kind = ?1 ORDER BY j.seq DESC LIMIT 1",
    [WRITER_ENTER] =
        "INSERT INTO journal(seq, wall_ms, expires_ms, revision_before, kind, key, actor, peer, reason, "
        "request, after, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [WRITER_TURN] = "INSERT INTO turns(seq, wall_ms) VALUES(?1, ?2)",
    [WRITER_PUT] = "INSERT OR REPLACE INTO objects(kind, key, value, revision, written_ms, expires_ms) "
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [WRITER_DELETE] = "DELETE FROM objects WHERE kind = ?1 AND key = ?2",
    [WRITER_DUE] = "SELECT expires_ms, kind, key, revision FROM objects WHERE expires_ms <> 0 "
                   "ORDER BY expires_ms LIMIT 1",
    [WRITER_MEND] = "INSERT OR REPLACE INTO objects(kind, key, value, revision, written_ms, expires_ms) "
                    "SELECT kind, key, after, seq, wall_ms, expires_ms FROM journal WHERE seq = ?1",
};

/* Run a statement of which we want no row. Bindings go away: they are borrowed. */
static int run(struct writer *writer, enum writer_statement which)
{
    sqlite3_stmt *statement = writer->statements[which];
    bool has;
    int error = database_step(writer->db, statement, &has);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return error;
}

static void bind_text(sqlite3_stmt *statement, int at, const struct chain_text *text)
{
    (void)sqlite3_bind_text(statement, at, text->bytes, (int)text->len, SQLITE_STATIC); /* NULL is NULL */
}

static struct chain_text make_text(const char *text)
{
    return (struct chain_text){text, text == NULL ? 0 : strlen(text)};
}

static struct chain_text make_said(const char *text)
{
    return make_text(text == NULL ? "" : text);
}

/* ---- the end of the journal ---- */

static int read_end(struct writer *writer, struct writer_end *end)
{
    sqlite3_stmt *statement = writer->statements[WRITER_LAST];
    bool has;
    int error = database_step(writer->db, statement, &has);
    if (error == 0 && has) {
        const void *hash = sqlite3_column_blob(statement, 2);
        *end = (struct writer_end){.seq = (uint64_t)sqlite3_column_int64(statement, 0),
                                   .wall_ms = sqlite3_column_int64(statement, 1)};
        if (hash == NULL || sqlite3_column_bytes(statement, 2) != STORE_HASH_SIZE) {
            error = database_fail(writer->db, ERROR_SYNTAX,
                                  "the last entry has no hash; restore a backup, or: steerctl salvage");
        } else {
            memcpy(end->hash, hash, STORE_HASH_SIZE);
        }
    } else if (error == 0) {
        char id[SCHEMA_ID_SIZE];
        error = schema_read_meta(writer->db, "id", id, sizeof id);
        *end = (struct writer_end){.seq = 0, .wall_ms = INT64_MIN};
        chain_begin(id, end->hash);
    }
    (void)sqlite3_reset(statement);
    return error;
}

int writer_open(struct writer *writer, struct database *db)
{
    *writer = (struct writer){.db = db, .mended = writer->mended, .mended_last = writer->mended_last};
    int error = 0;
    for (size_t i = 0; i < WRITER_STATEMENTS && error == 0; i++) {
        error = database_prepare(db, texts[i], &writer->statements[i]);
    }
    error = error != 0 ? error : read_end(writer, &writer->durable);
    if (error != 0) {
        writer_close(writer);
    }
    writer->end = writer->durable;
    return error;
}

void writer_close(struct writer *writer)
{
    for (size_t i = 0; i < WRITER_STATEMENTS; i++) {
        (void)sqlite3_finalize(writer->statements[i]);
        writer->statements[i] = NULL;
    }
}

/* ---- transactions ---- */

int writer_begin(struct writer *writer)
{
    struct writer_end found;
    int error = run(writer, WRITER_BEGIN);
    if (error != 0) {
        return error;
    }
    error = read_end(writer, &found);
    if (error == 0 && (found.seq != writer->durable.seq ||
                       memcmp(found.hash, writer->durable.hash, STORE_HASH_SIZE) != 0)) {
        error = database_fail(
            writer->db, ERROR_LIBRARY,
            "found its last entry to be %llu, expected %llu: somebody else has written; restart "
            "steerd",
            (unsigned long long)found.seq, (unsigned long long)writer->durable.seq);
    }
    writer->end = writer->durable;
    if (error != 0) {
        writer_rollback(writer);
    }
    return error;
}

int writer_commit(struct writer *writer)
{
    int error = run(writer, WRITER_COMMIT);
    if (error == 0) {
        writer->durable = writer->end;
    }
    return error;
}

void writer_rollback(struct writer *writer)
{
    if (sqlite3_get_autocommit(writer->db->sql) == 0) { /* some failures roll back by themselves */
        (void)sqlite3_exec(writer->db->sql, "ROLLBACK", NULL, NULL, NULL);
    }
    writer->end = writer->durable;
}

/* ---- entries ---- */

static int enter(struct writer *writer, const struct chain_entry *entry)
{
    sqlite3_stmt *statement = writer->statements[WRITER_ENTER];
    struct writer_end end = {.seq = entry->seq, .wall_ms = entry->wall_ms};
    memcpy(end.hash, writer->end.hash, STORE_HASH_SIZE);
    chain_add(end.hash, entry);
    (void)sqlite3_bind_int64(statement, 1, (int64_t)entry->seq);
    (void)sqlite3_bind_int64(statement, 2, entry->wall_ms);
    (void)sqlite3_bind_int64(statement, 3, entry->expires_ms);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)entry->revision_before);
    for (int i = 0; i < CHAIN_TEXTS; i++) {
        bind_text(statement, 5 + i, &entry->texts[i]);
    }
    (void)sqlite3_bind_blob(statement, 5 + CHAIN_TEXTS, end.hash, STORE_HASH_SIZE, SQLITE_STATIC);
    int error = run(writer, WRITER_ENTER);
    if (error == 0 && entry->wall_ms < writer->end.wall_ms) {
        (void)sqlite3_bind_int64(writer->statements[WRITER_TURN], 1, (int64_t)entry->seq);
        (void)sqlite3_bind_int64(writer->statements[WRITER_TURN], 2, entry->wall_ms);
        error = run(writer, WRITER_TURN);
    }
    if (error == 0) {
        writer->end = end;
    }
    return error;
}

static int put_object(struct writer *writer, const struct chain_entry *entry)
{
    enum writer_statement which = entry->texts[CHAIN_AFTER].bytes == NULL ? WRITER_DELETE : WRITER_PUT;
    sqlite3_stmt *statement = writer->statements[which];
    bind_text(statement, 1, &entry->texts[CHAIN_KIND]);
    bind_text(statement, 2, &entry->texts[CHAIN_KEY]);
    if (which == WRITER_PUT) {
        bind_text(statement, 3, &entry->texts[CHAIN_AFTER]);
        (void)sqlite3_bind_int64(statement, 4, (int64_t)entry->seq);
        (void)sqlite3_bind_int64(statement, 5, entry->wall_ms);
        (void)sqlite3_bind_int64(statement, 6, entry->expires_ms);
    }
    return run(writer, which);
}

static int delete_object(struct writer *writer, const char *kind, const char *key)
{
    struct chain_text names[] = {make_text(kind), make_text(key)};
    bind_text(writer->statements[WRITER_DELETE], 1, &names[0]);
    bind_text(writer->statements[WRITER_DELETE], 2, &names[1]);
    return run(writer, WRITER_DELETE);
}

/* As the journal says. seq 0: there is none. */
static int mend(struct writer *writer, const char *kind, const char *key, uint64_t seq)
{
    writer->mended++;
    snprintf(writer->mended_last.kind, sizeof writer->mended_last.kind, "%s", kind);
    snprintf(writer->mended_last.key, sizeof writer->mended_last.key, "%s", key);
    if (seq == 0) {
        return delete_object(writer, kind, key);
    }
    (void)sqlite3_bind_int64(writer->statements[WRITER_MEND], 1, (int64_t)seq);
    return run(writer, WRITER_MEND);
}

/* By the journal; 0: there is no such object. What stands in its place and is another one is put right. */
static int find_revision(struct writer *writer, const char *kind, const char *key, uint64_t *revision)
{
    sqlite3_stmt *statement = writer->statements[WRITER_FIND];
    struct chain_text names[] = {make_text(kind), make_text(key)};
    bool has, differs = false;
    bind_text(statement, 1, &names[0]);
    bind_text(statement, 2, &names[1]);
    int error = database_step(writer->db, statement, &has);
    *revision = 0;
    if (error == 0 && has) {
        *revision = sqlite3_column_int(statement, 1) != 0 ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
        differs = sqlite3_column_int(statement, 2) != 0;
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return error == 0 && differs ? mend(writer, kind, key, *revision) : error;
}

int writer_write(struct writer *writer, const struct store_op *op, const struct store_cause *cause,
                 int64_t wall_ms, bool always)
{
    struct chain_entry entry = {.seq = writer->end.seq + 1,
                                .wall_ms = wall_ms,
                                .expires_ms = op->value == NULL ? 0 : op->expires_ms,
                                .texts = {[CHAIN_KIND] = make_text(op->kind),
                                          [CHAIN_KEY] = make_text(op->key),
                                          [CHAIN_ACTOR] = make_said(cause->actor),
                                          [CHAIN_PEER] = make_said(cause->peer),
                                          [CHAIN_REASON] = make_said(cause->reason),
                                          [CHAIN_REQUEST] = make_said(cause->request),
                                          [CHAIN_AFTER] = make_text(op->value)}};
    int error = find_revision(writer, op->kind, op->key, &entry.revision_before);
    if (error != 0 || (op->value == NULL && entry.revision_before == 0 && !always)) {
        return error;
    }
    error = enter(writer, &entry);
    return error != 0 ? error : put_object(writer, &entry);
}

static int judge_conditions(struct writer *writer, struct store_job *job)
{
    for (size_t i = 0; i < job->op_count; i++) {
        const struct store_op *op = &job->ops[i];
        uint64_t revision;
        int error = op->if_revision == STORE_ANY ? 0 : find_revision(writer, op->kind, op->key, &revision);
        if (error != 0) {
            return error;
        }
        if (op->if_revision != STORE_ANY && op->if_revision != revision) {
            job->error = ERROR_CONFLICT;
            job->conflict = i;
            return 0;
        }
    }
    return 0;
}

int writer_apply(struct writer *writer, struct store_job *job, int64_t now_ms)
{
    int64_t wall_ms = job->cause.wall_ms != 0 ? job->cause.wall_ms : now_ms;
    job->error = 0;
    int error = judge_conditions(writer, job);
    for (size_t i = 0; i < job->op_count && error == 0 && job->error == 0; i++) {
        uint64_t before = writer->end.seq;
        error = writer_write(writer, &job->ops[i], &job->cause, wall_ms, false);
        if (job->seqs != NULL) {
            job->seqs[i] = writer->end.seq == before ? 0 : writer->end.seq;
        }
    }
    job->seq = writer->end.seq;
    return error;
}

int writer_replay(struct writer *writer, const struct chain_entry *entry,
                  const unsigned char hash[STORE_HASH_SIZE])
{
    uint64_t revision = 0;
    if (entry->seq != writer->end.seq + 1) {
        return database_fail(writer->db, ERROR_CONFLICT, "found entry %llu, expected %llu",
                             (unsigned long long)entry->seq, (unsigned long long)writer->end.seq + 1);
    }
    int error =
        find_revision(writer, entry->texts[CHAIN_KIND].bytes, entry->texts[CHAIN_KEY].bytes, &revision);
    if (error == 0 && revision != entry->revision_before) {
        return database_fail(writer->db, ERROR_CONFLICT,
                             "entry %llu follows entry %llu of its object, found %llu",
                             (unsigned long long)entry->seq, (unsigned long long)entry->revision_before,
                             (unsigned long long)revision);
    }
    error = error != 0 ? error : enter(writer, entry);
    if (error == 0 && memcmp(writer->end.hash, hash, STORE_HASH_SIZE) != 0) {
        return database_fail(
            writer->db, ERROR_CONFLICT,
            "entry %llu does not chain to the one before: its hash is not that of its content",
            (unsigned long long)entry->seq);
    }
    return error != 0 ? error : put_object(writer, entry);
}

/* ---- what is not what the journal says ---- */

/* The latest entry of each object is found by the index alone, in one walk beside that of the objects. What
 * is later than the end of the journal was not changed: the journal was cut, and the object is all that is
 * left. */
static const char wrong_sql[] =
    "WITH latest AS MATERIALIZED (SELECT kind, key, max(seq) AS seq FROM journal INDEXED BY journal_by_key "
    "GROUP BY key, kind), bound AS MATERIALIZED (SELECT coalesce(max(seq), 0) AS seq FROM journal) "
    "SELECT l.kind, l.key FROM latest l "
    "JOIN journal j ON j.seq = l.seq LEFT JOIN objects o ON o.kind = l.kind AND o.key = l.key "
    "WHERE (j.after IS NOT o.value OR (o.key IS NOT NULL AND (o.revision <> j.seq OR "
    "o.written_ms <> j.wall_ms OR o.expires_ms <> j.expires_ms))) "
    "AND (o.key IS NULL OR o.revision <= (SELECT seq FROM bound)) "
    "UNION ALL SELECT o.kind, o.key FROM objects o WHERE o.revision <= (SELECT seq FROM bound) AND NOT "
    "EXISTS "
    "(SELECT 1 FROM journal j INDEXED BY journal_by_key WHERE j.key = o.key AND j.kind = o.kind)";

static int copy_name(struct writer *writer, sqlite3_stmt *statement, int at, struct writer_name *name)
{
    const char *kind = (const char *)sqlite3_column_text(statement, at);
    const char *key = (const char *)sqlite3_column_text(statement, at + 1);
    int kind_len = kind == NULL ? -1 : snprintf(name->kind, sizeof name->kind, "%s", kind);
    int key_len = key == NULL ? -1 : snprintf(name->key, sizeof name->key, "%s", key);
    if (kind_len < 0 || (size_t)kind_len >= sizeof name->kind || key_len < 0 ||
        (size_t)key_len >= sizeof name->key) {
        return database_fail(writer->db, ERROR_SYNTAX,
                             "an object has no valid name; restore a backup, or: steerctl salvage");
    }
    return 0;
}

/* Up to WRONG_MAX of them. */
static int find_wrong(struct writer *writer, struct writer_name *names, size_t *count)
{
    sqlite3_stmt *statement;
    bool has = true;
    int error = database_prepare(writer->db, wrong_sql, &statement);
    *count = 0;
    while (error == 0 && *count < WRONG_MAX && (error = database_step(writer->db, statement, &has)) == 0 &&
           has) {
        error = copy_name(writer, statement, 0, &names[(*count)++]);
    }
    (void)sqlite3_finalize(statement);
    return error;
}

static int mend_some(struct writer *writer, const struct writer_name *names, size_t count)
{
    uint64_t revision;
    int error = writer_begin(writer);
    for (size_t i = 0; error == 0 && i < count; i++) {
        uint64_t before = writer->mended;
        error = find_revision(writer, names[i].kind, names[i].key, &revision);
        if (error == 0 && writer->mended == before) { /* the journal has never heard of it */
            error = mend(writer, names[i].kind, names[i].key, 0);
        }
    }
    error = error != 0 ? error : writer_commit(writer);
    if (error != 0) {
        writer_rollback(writer);
    }
    return error;
}

int writer_mend_all(struct writer *writer)
{
    struct writer_name *names = memory_alloc_array(WRONG_MAX, sizeof *names);
    size_t count;
    int error;
    do {
        error = find_wrong(writer, names, &count);
        if (error == 0 && count != 0) {
            error = mend_some(writer, names, count);
        }
    } while (error == 0 && count == WRONG_MAX);
    free(names);
    return error;
}

/* ---- leases ---- */

static int find_due(struct writer *writer, int64_t now_ms, struct writer_name *name, bool *has)
{
    sqlite3_stmt *statement = writer->statements[WRITER_DUE];
    int error = database_step(writer->db, statement, has);
    *has = *has && sqlite3_column_int64(statement, 0) <= now_ms;
    if (error == 0 && *has) {
        error = copy_name(writer, statement, 1, name);
    }
    (void)sqlite3_reset(statement);
    return error;
}

/* What is due by the table only, and not by the journal, is put right and stays. */
static int find_really_due(struct writer *writer, int64_t now_ms, struct writer_name *name, bool *has)
{
    uint64_t revision, before;
    int error;
    do {
        before = writer->mended;
        error = find_due(writer, now_ms, name, has);
        error = error != 0 || !*has ? error : find_revision(writer, name->kind, name->key, &revision);
    } while (error == 0 && *has && writer->mended != before);
    return error;
}

int writer_expire(struct writer *writer, int64_t now_ms, struct writer_name *name, bool *has)
{
    static const struct store_cause cause = {.actor = "steerd", .peer = "store", .reason = "expired"};
    int error = find_really_due(writer, now_ms, name, has);
    if (error != 0 || !*has) {
        return error;
    }
    uint64_t before = writer->end.seq;
    error =
        writer_write(writer, &(struct store_op){.kind = name->kind, .key = name->key}, &cause, now_ms, false);
    if (error == 0 && writer->end.seq == before) { /* it would be found for ever */
        error = database_fail(writer->db, ERROR_SYNTAX,
                              "its index of what expires names an object that is not there; restore a "
                              "backup, or: steerctl salvage");
    }
    return error;
}

int writer_probe(struct writer *writer, int64_t now_ms)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)now_ms);
    return schema_write_meta(writer->db, "probed", text);
}

int writer_find_due(struct writer *writer, int64_t *due_ms)
{
    sqlite3_stmt *statement = writer->statements[WRITER_DUE];
    bool has;
    int error = database_step(writer->db, statement, &has);
    *due_ms = has ? sqlite3_column_int64(statement, 0) : INT64_MAX;
    (void)sqlite3_reset(statement);
    return error;
}
