/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rebuild.h. While a copy is rebuilt nothing of it is synced: it is worth something when it is whole, and
 * whoever rebuilds it begins anew if he is cut off. */
#include "config.h"

#include "store/rebuild.h"

#include "base/error.h"
#include "base/memory.h"
#include "store/chain.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/writer.h"

#include <stdlib.h>
#include <string.h>

enum { TURN = 50000 }; /* entries of one transaction */

_Static_assert((int)STORE_ID_SIZE == (int)SCHEMA_ID_SIZE, "an id has to fit");

/* ---- looking ---- */

static int read_place(struct store_reader *reader, const char *sql, uint64_t seq, struct store_place *place)
{
    sqlite3_stmt *statement;
    bool has = false;
    int error = database_prepare(&reader->db, sql, &statement);
    if (error == 0) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)seq);
        error = database_step(&reader->db, statement, &has);
    }
    const void *hash = has ? sqlite3_column_blob(statement, 1) : NULL;
    if (error == 0 && has && (hash == NULL || sqlite3_column_bytes(statement, 1) != STORE_HASH_SIZE)) {
        error = database_fail(&reader->db, ERROR_SYNTAX,
                              "an entry has no hash; restore a backup, or: steerctl salvage");
    } else if (error == 0 && has) {
        place->seq = (uint64_t)sqlite3_column_int64(statement, 0);
        memcpy(place->hash, hash, STORE_HASH_SIZE);
    }
    sqlite3_finalize(statement);
    return error != 0 || has ? error : ERROR_NOT_FOUND;
}

static void begin_place(const struct store_reader *reader, struct store_place *place)
{
    place->seq = 0;
    chain_begin(reader->id, place->hash);
}

int store_identify(struct store_reader *reader, struct store_identity *identity)
{
    int error = store_reader_begin(reader);
    if (error == 0) {
        memcpy(identity->id, reader->id, STORE_ID_SIZE);
        error = schema_read_meta(&reader->db, "machine", identity->machine, sizeof identity->machine);
    }
    if (error == 0) {
        error = read_place(reader, "SELECT seq, hash FROM journal WHERE seq > ?1 ORDER BY seq DESC LIMIT 1",
                           0, &identity->last);
    }
    if (error == ERROR_NOT_FOUND && reader->db.sql != NULL) {
        begin_place(reader, &identity->last);
        error = 0;
    }
    return store_reader_end(reader, error);
}

int store_find_place(struct store_reader *reader, uint64_t seq, struct store_place *place)
{
    int error = store_reader_begin(reader);
    if (error == 0 && seq == 0) {
        begin_place(reader, place);
    } else if (error == 0) {
        error = seq > INT64_MAX
                    ? ERROR_NOT_FOUND
                    : read_place(reader, "SELECT seq, hash FROM journal WHERE seq = ?1", seq, place);
    }
    return store_reader_end(reader, error);
}

/* ---- entries ---- */

static struct chain_text make_text(const char *text)
{
    return (struct chain_text){text, text == NULL ? 0 : strlen(text)};
}

static struct chain_entry make_entry(const struct store_entry *entry)
{
    return (struct chain_entry){.seq = entry->seq,
                                .revision_before = entry->revision_before,
                                .wall_ms = entry->cause.wall_ms,
                                .expires_ms = entry->expires_ms,
                                .texts = {[CHAIN_KIND] = make_text(entry->kind),
                                          [CHAIN_KEY] = make_text(entry->key),
                                          [CHAIN_ACTOR] = make_text(entry->cause.actor),
                                          [CHAIN_PEER] = make_text(entry->cause.peer),
                                          [CHAIN_REASON] = make_text(entry->cause.reason),
                                          [CHAIN_REQUEST] = make_text(entry->cause.request),
                                          [CHAIN_AFTER] = make_text(entry->after)}};
}

bool store_follow(struct store_place *place, const struct store_entry *entry)
{
    struct chain_entry chained = make_entry(entry);
    bool is_next = entry->seq == place->seq + 1;
    if (is_next) {
        chain_add(place->hash, &chained);
        place->seq = entry->seq;
    }
    return is_next && memcmp(place->hash, entry->hash, STORE_HASH_SIZE) == 0;
}

/* ---- writing them once more ---- */

struct store_rebuild {
    char *path;
    struct database db;
    struct writer writer;
    unsigned in_turn; /* entries of the transaction in hand; 0: there is none */
};

static int report_why(const struct store_rebuild *rebuild, struct report *report, int error)
{
    report_add(report, REPORT_ERROR, &(struct report_place){.file = rebuild->path},
               "the store cannot be rebuilt: %s", rebuild->db.why);
    return error;
}

int store_rebuild_open(const char *folder, struct report *report, struct store_rebuild **to)
{
    struct store_rebuild *rebuild = memory_alloc(sizeof *rebuild);
    rebuild->path = memory_print("%s/%s", folder, STORE_FILE);
    int error = database_open(&rebuild->db, rebuild->path, DATABASE_WRITE);
    error = error != 0 ? error : schema_check(&rebuild->db);
    error = error == ERROR_NOT_FOUND ? ERROR_UNSUPPORTED : error;
    error = error != 0 ? error
                       : database_run(&rebuild->db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
    error = error != 0 ? error : writer_open(&rebuild->writer, &rebuild->db);
    if (error != 0) {
        (void)report_why(rebuild, report, error);
        store_rebuild_free(rebuild);
        return error;
    }
    *to = rebuild;
    return 0;
}

static int end_turn(struct store_rebuild *rebuild)
{
    bool has_any = rebuild->in_turn != 0;
    rebuild->in_turn = 0;
    return has_any ? writer_commit(&rebuild->writer) : 0;
}

int store_rebuild_add(struct store_rebuild *rebuild, const struct store_entry *entry, const char **why)
{
    struct chain_entry chained = make_entry(entry);
    int error = rebuild->in_turn == 0 ? writer_begin(&rebuild->writer) : 0;
    error = error != 0 ? error : writer_replay(&rebuild->writer, &chained, entry->hash);
    rebuild->in_turn++;
    if (error == 0 && rebuild->in_turn == TURN) {
        error = end_turn(rebuild);
    }
    *why = rebuild->db.why;
    return error;
}

void store_rebuild_get_place(const struct store_rebuild *rebuild, struct store_place *place)
{
    place->seq = rebuild->writer.end.seq;
    memcpy(place->hash, rebuild->writer.end.hash, STORE_HASH_SIZE);
}

int store_rebuild_close(struct store_rebuild *rebuild, struct report *report)
{
    int error = end_turn(rebuild);
    if (error != 0) {
        (void)report_why(rebuild, report, error);
    }
    store_rebuild_free(rebuild);
    return error;
}

void store_rebuild_free(struct store_rebuild *rebuild)
{
    if (rebuild != NULL) {
        writer_close(&rebuild->writer);
        database_close(&rebuild->db);
        free(rebuild->path);
        free(rebuild);
    }
}
