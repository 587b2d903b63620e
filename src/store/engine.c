/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See engine.h. A new store is made whole under another name, so that an empty or unfinished store.db is
 * never ours. What is judged at each opening has a bound: all pages of a file that is small or was not
 * closed, and the end of the chain; store_verify() judges everything. */
#include "config.h"

#include "store/engine.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sha2.h"
#include "store/audit.h"
#include "store/noted.h"
#include "store/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TAIL = 1000,             /* entries */
    SMALL = 16 << 20,        /* octets: looked through whenever it is opened */
    NOT_SMALL = 64 << 20,    /* octets: looked through when it was not closed */
    CHECKPOINT_PAGES = 2000, /* of the log */
    LOG_HEAD = 32,           /* octets */
    LOG_FRAME = 24 + 4096,   /* a page of it */
    ID_OCTETS = 32,
    MACHINE_MAX = 4096,
};

static_assert(ID_OCTETS * 2 + 1 == SCHEMA_ID_SIZE, "an id in hexadecimal");

static const struct schema_step *const steps = NULL; /* version 1 is the first */

void engine_init(struct engine *engine, const char *folder)
{
    *engine = (struct engine){.is_open = false};
    files_init(&engine->files, folder);
}

void engine_fini(struct engine *engine)
{
    store_engine_close(engine);
    files_fini(&engine->files);
}

/* ---- who made it ---- */

/* A hash, since the id of a machine is not for others to see. "": it has none. */
static void find_machine(char text[SCHEMA_ID_SIZE])
{
    static const char salt[] = "steerd machine\n";
    unsigned char hash[SHA256_SIZE];
    struct file file;
    struct sha256 sha;
    size_t len;
    int code;
    char *id = file_read_all("/etc/machine-id", MACHINE_MAX, &file, &len, &code);
    text[0] = '\0';
    if (id != NULL && len > 0) {
        sha256_init(&sha);
        sha256_add(&sha, salt, sizeof salt - 1);
        sha256_add(&sha, id, len);
        sha256_end(&sha, hash);
        (void)hex_write(hash, ID_OCTETS, text);
    }
    free(id);
}

static int compare_machine(struct engine *engine)
{
    char was[SCHEMA_ID_SIZE], is[SCHEMA_ID_SIZE];
    int error = schema_read_meta(&engine->db, "machine", was, sizeof was);
    find_machine(is);
    if (error == 0 && strcmp(was, is) != 0) {
        if (was[0] != '\0' && is[0] != '\0') {
            snprintf(engine->warnings[ENGINE_MACHINE], DATABASE_WHY_SIZE,
                     "it was written on another machine before: a copy, or a restored one? If two steerd go "
                     "on from "
                     "the same store, each has its own truth from then on");
        }
        error = schema_write_meta(&engine->db, "machine", is);
    }
    return error;
}

/* ---- a new one ---- */

static int make_at(struct engine *engine, const char *path)
{
    unsigned char octets[ID_OCTETS];
    char id[SCHEMA_ID_SIZE], machine[SCHEMA_ID_SIZE];
    struct database db;
    random_make_secret(octets, sizeof octets);
    (void)hex_write(octets, ID_OCTETS, id);
    find_machine(machine);
    int error = schema_make_file(&db, path);
    error = error != 0 ? error : database_open(&db, path, DATABASE_MAKE);
    if (error == 0) {
        error = schema_make(&db, id, machine);
        database_close(&db);
    }
    if (error != 0) {
        snprintf(engine->why, sizeof engine->why, "it cannot be made: %.200s", db.why);
    }
    return error;
}

/* With a name for it that is not in use: what is there is of an attempt that was cut off. Owned. */
static char *choose_fresh(const struct engine *engine)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    char *fresh = memory_print("%s.new", engine->files.paths[FILES_DB]);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *path = memory_print("%s%s", fresh, suffixes[i]);
        (void)unlink(path);
        free(path);
    }
    return fresh;
}

static int make(struct engine *engine)
{
    char *fresh = choose_fresh(engine);
    int error = make_at(engine, fresh);
    if (error == 0 && (error = files_put(&engine->files, fresh)) != 0) {
        snprintf(engine->why, sizeof engine->why, "%s", engine->files.why);
    }
    (void)unlink(fresh);
    free(fresh);
    return error;
}

/* ---- one that is there ---- */

static int migrate(struct engine *engine, int error)
{
    if (error != ERROR_NOT_FOUND) {
        return error;
    }
    error = schema_migrate(&engine->db, engine->files.paths[FILES_DB], steps, 0, SCHEMA_VERSION);
    return error != 0 ? error : schema_check(&engine->db);
}

static int look_through(struct engine *engine)
{
    sqlite3_stmt *statement;
    bool has;
    int error = database_prepare(&engine->db, "PRAGMA quick_check(1)", &statement);
    error = error != 0 ? error : database_step(&engine->db, statement, &has);
    const char *said = error == 0 && has ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (error == 0 && (said == NULL || strcmp(said, "ok") != 0)) {
        error = database_fail(&engine->db, ERROR_SYNTAX,
                              "it is damaged: %.120s; restore a backup, or: steerctl salvage",
                              said == NULL ? "?" : said);
    }
    sqlite3_finalize(statement);
    return error;
}

static int check_tail(struct engine *engine)
{
    uint64_t last = engine->writer.durable.seq;
    struct audit audit = {.from = last > TAIL ? last - TAIL + 1 : 1, .to = last};
    int error = schema_read_meta(&engine->db, "id", engine->id, sizeof engine->id);
    error = error != 0 || last == 0 ? error : audit_check(&engine->db, engine->id, &audit);
    if (error == 0 && audit.bad_seq != 0) {
        error = database_fail(
            &engine->db, ERROR_SYNTAX,
            "entry %llu of its journal is not what was written: %s; restore a backup, or: steerctl salvage",
            (unsigned long long)audit.bad_seq, audit.why);
    }
    return error;
}

static int count_pages(void *context, sqlite3 *sql, const char *name, int pages)
{
    struct engine *engine = context;
    (void)sql;
    (void)name;
    engine->pages = pages;
    engine->files.least[FILES_WAL] = LOG_HEAD + (uint64_t)pages * LOG_FRAME;
    return SQLITE_OK;
}

/* The journal is what happened: an object that is something else was changed by somebody else. */
static int compare_objects(struct engine *engine)
{
    const struct writer_name *last = &engine->writer.mended_last;
    uint64_t before = engine->writer.mended;
    int error = writer_mend_all(&engine->writer);
    if (error == 0 && engine->writer.mended != before) {
        snprintf(
            engine->warnings[ENGINE_OBJECTS], DATABASE_WHY_SIZE,
            "%llu objects were changed behind the journal's back, such as %.20s/%.40s: they are again what "
            "it says; see who can write here",
            (unsigned long long)(engine->writer.mended - before), last->kind, last->key);
    }
    return error;
}

static int judge(struct engine *engine, bool unclean)
{
    struct database *db = &engine->db;
    uint64_t size = files_size(&engine->files);
    int64_t threads = sqlite3_threadsafe();
    int error = threads != 0 ? 0 : database_fail(db, ERROR_LIBRARY, "SQLite was built for one thread only");
    error = error != 0 ? error : migrate(engine, schema_check(db));
    if (error == 0 && size <= (unclean ? NOT_SMALL : SMALL)) {
        error = look_through(engine);
    }
    error = error != 0 ? error : database_run(db, "PRAGMA journal_mode = WAL");
    error = error != 0 ? error : writer_open(&engine->writer, db);
    error = error != 0 ? error : check_tail(engine);
    error = error != 0 ? error : compare_machine(engine);
    error = error != 0 ? error : compare_objects(engine);
    return error != 0 ? error
                      : noted_compare(db, engine->files.folder, engine->id, engine->warnings[ENGINE_NOTED]);
}

static int open_it(struct engine *engine)
{
    int error = files_look(&engine->files);
    bool unclean = files_is_unclean(&engine->files);
    if (error == ERROR_NOT_FOUND) {
        error = make(engine);
    } else if (error != 0) {
        snprintf(engine->why, sizeof engine->why, "%s", engine->files.why);
    }
    if (error != 0) {
        return error;
    }
    error = database_open(&engine->db, engine->files.paths[FILES_DB], DATABASE_WRITE);
    error = error != 0 ? error : judge(engine, unclean);
    if (error != 0) {
        snprintf(engine->why, sizeof engine->why, "%s", engine->db.why);
        writer_close(&engine->writer);
        database_close(&engine->db);
        return error;
    }
    engine->pages = engine->tried_pages = 0;
    (void)sqlite3_wal_hook(engine->db.sql, count_pages, engine);
    files_note(&engine->files);
    files_note_size(&engine->files);
    engine->is_open = true;
    return 0;
}

/* What is damaged is looked at again when it has changed. */
static bool is_known_as_bad(const struct engine *engine)
{
    return (engine->error == ERROR_SYNTAX || engine->error == ERROR_UNSUPPORTED) &&
           engine->stamp == files_stamp(&engine->files);
}

int store_engine_open(struct engine *engine)
{
    if (engine->is_open) {
        return 0;
    }
    if (is_known_as_bad(engine)) {
        return engine->error;
    }
    memset(engine->warnings, 0, sizeof engine->warnings);
    int error = files_lock(&engine->files);
    if (error != 0) {
        snprintf(engine->why, sizeof engine->why, "%s", engine->files.why);
    } else if ((error = open_it(engine)) != 0) {
        files_unlock(&engine->files);
    }
    engine->error = error;
    engine->stamp = files_stamp(&engine->files);
    return error;
}

/* The lock stays. */
static void disconnect(struct engine *engine)
{
    writer_close(&engine->writer);
    database_close(&engine->db);
    engine->is_open = false;
}

void store_engine_close(struct engine *engine)
{
    if (engine->is_open) {
        disconnect(engine);
        files_unlock(&engine->files);
    }
}

/* ---- what was deleted while we had it ---- */

/* The file is gone, but we have it open with its log: write all of it anew. What cannot be given its name
 * stays. */
static int write_anew(struct engine *engine)
{
    char *rescued = memory_print("%s" FILES_RESCUED, engine->files.paths[FILES_DB]);
    int error = schema_copy(&engine->db, rescued);
    if (error != 0) {
        snprintf(engine->why, sizeof engine->why, "it was deleted, and cannot be written anew: %.180s",
                 engine->db.why);
    } else {
        disconnect(engine);
        files_remove_rest(&engine->files);
        error = files_put(&engine->files, rescued);
        snprintf(engine->why, sizeof engine->why, "%.180s; what was deleted is in %s" FILES_RESCUED,
                 engine->files.why, STORE_FILE);
    }
    free(rescued);
    return error;
}

/* The log is gone, but we have it open: move all of it to the file. */
static int empty_log(struct engine *engine)
{
    int code = sqlite3_wal_checkpoint_v2(engine->db.sql, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    int error = database_note(&engine->db, code);
    if (error == 0) {
        disconnect(engine);
    } else {
        snprintf(engine->why, sizeof engine->why, "its log was deleted, and cannot be written anew: %.180s",
                 engine->db.why);
    }
    return error;
}

int store_engine_repair(struct engine *engine)
{
    int error = files_has_db(&engine->files) ? empty_log(engine) : write_anew(engine);
    if (engine->is_open) {
        return error;
    }
    error = error != 0 ? error : open_it(engine);
    if (error != 0) {
        files_unlock(&engine->files);
    }
    return error;
}

/* While somebody reads for long, not all of it can be moved: then not again before there is as much more. */
void engine_checkpoint(struct engine *engine)
{
    if (engine->pages < engine->tried_pages) { /* the log was begun anew */
        engine->tried_pages = 0;
    }
    if (engine->pages - engine->tried_pages >= CHECKPOINT_PAGES) {
        (void)sqlite3_wal_checkpoint_v2(engine->db.sql, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        engine->tried_pages = engine->pages;
        files_note_size(&engine->files);
    }
}
