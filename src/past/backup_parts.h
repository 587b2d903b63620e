/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of a backup's making and restoring share. Inside this folder only. */
#pragma once

#include "base/buffer.h"
#include "past/backup.h"

#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_STORE    "store.db"
#define BACKUP_JOURNAL  "journal.jsonl"

enum {
    BACKUP_PATH_MAX = 128,          /* of a member */
    BACKUP_MANIFEST_MAX = 64 << 20, /* octets */
    BACKUP_MEMBERS_MAX = 1 << 18,
    BACKUP_PIECE = 256 << 10, /* octets that are moved at once */
};

/* ---- texts ---- */

void backup_write_hex(const unsigned char hash[BACKUP_HASH_SIZE], char text[BACKUP_ID_SIZE]);
/* Exactly 64 lower-case digits. */
bool backup_parse_hex(const char *text, unsigned char hash[BACKUP_HASH_SIZE]);
/* One error of a file; returns `error`. */
int backup_fail(struct report *report, const char *file, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the manifest ---- */

struct backup_member {
    char *path; /* owned */
    uint64_t size;
    unsigned char hash[BACKUP_HASH_SIZE]; /* SHA-256 */
};

struct backup_members {
    struct backup_member *items;
    size_t count, capacity;
};

struct backup_manifest {
    enum backup_kind kind;
    int64_t made_ms;
    char store[STORE_ID_SIZE], machine[STORE_ID_SIZE];
    struct { /* of others than full ones */
        char id[BACKUP_ID_SIZE];
        enum backup_kind kind;
        int64_t made_ms;
        struct store_place to;
    } base;
    struct store_place to;
    uint64_t objects;
    unsigned char objects_hash[BACKUP_HASH_SIZE]; /* of the lines of all objects */
    struct backup_members members; /* in the order of the archive: the store or the journal first */
    struct backup_members before;  /* files that stand in backups before, and are still there */
    char id[BACKUP_ID_SIZE];       /* of its text: set by reading and writing that */
};

void backup_manifest_fini(struct backup_manifest *manifest);
void backup_members_add(struct backup_members *members, const char *path, uint64_t size,
                        const unsigned char hash[BACKUP_HASH_SIZE]);
/* All files of the state folder that the backup knows, but for the store: sorted by path, items borrowed. */
struct backup_members backup_manifest_list(const struct backup_manifest *manifest);
/* Among sorted ones; NULL: it is not there. */
const struct backup_member *backup_members_find(const struct backup_members *sorted, const char *path);
/* To its text, which `to` gets. */
void backup_manifest_write(struct backup_manifest *manifest, struct buffer *to);
/* 0, or ERROR_SYNTAX or ERROR_UNSUPPORTED with a report; then there is nothing to free. */
int backup_manifest_parse(const char *text, size_t len, const char *file, struct report *report,
                          struct backup_manifest *manifest);

/* ---- files of the state folder ---- */

/* May a backup have a file of this name? A name that is taken to a folder leads to nothing else. */
bool backup_has_path(const char *path);
/* What is named by its content: is it? Others are. */
bool backup_is_named(const char *path, const unsigned char hash[BACKUP_HASH_SIZE]);
/* Folders of the state folder that files are kept in. */
extern const char *const backup_folders[];
/* Is it called by its content? */
bool backup_is_content(const char *path);

/* ---- lines ---- */

void backup_write_entry(const struct store_entry *entry, struct buffer *line);
/* Valid while `tree` is, which backup_end_entry() frees. 0 or ERROR_SYNTAX. */
struct backup_entry {
    struct store_entry entry;
    void *tree;
};
int backup_parse_entry(const char *line, size_t len, struct backup_entry *entry, struct report *report,
                       const char *file);
void backup_end_entry(struct backup_entry *entry);

/* How many objects there are right after entry `seq`, and the hash of their lines. */
int backup_count_objects(struct store_reader *reader, uint64_t seq, uint64_t *count,
                         unsigned char hash[BACKUP_HASH_SIZE]);

/* ---- writing an archive ---- */

struct backup_writer;

/* A new file for whoever may read it alone. `is_zstd`: else gzip. 0 or an error with a report. */
int backup_writer_open(const char *path, bool is_zstd, const char *name, struct report *report,
                       struct backup_writer **writer);
int backup_writer_begin(struct backup_writer *writer, const struct backup_member *member, int64_t made_ms);
int backup_writer_add(struct backup_writer *writer, const void *bytes, size_t len);
/* With the seal, synced. 0 or an error; frees in any case. */
int backup_writer_close(struct backup_writer *writer, struct backup_summary *summary);
void backup_writer_free(struct backup_writer *writer); /* one that is given up; NULL is fine */

/* ---- reading one ---- */

struct backup_reader;

/* Who gets the members, one after the other: begin, octets, end (all of it was there, and is what the
 * manifest says). Each returns 0, or an error that ends the walk and has been reported. */
struct backup_taker {
    void *context;
    int (*begin)(void *context, const struct backup_member *member);
    int (*take)(void *context, const void *bytes, size_t len);
    int (*end)(void *context);
};

/* Looks through all of the file, and reads its manifest, which is in the reader. */
int backup_reader_open(const char *path, const struct progress *progress, struct report *report,
                       struct backup_reader **reader);
/* The same of a plain tar in memory that has no seal: for tests. */
int backup_reader_open_memory(const void *bytes, size_t len, struct report *report,
                              struct backup_reader **reader);
const struct backup_manifest *backup_reader_manifest(const struct backup_reader *reader);
const char *backup_reader_path(const struct backup_reader *reader);
void backup_reader_summarize(const struct backup_reader *reader, struct backup_summary *summary);
int backup_reader_walk(struct backup_reader *reader, const struct backup_taker *taker);
void backup_reader_close(struct backup_reader *reader); /* NULL is fine */

/* ---- restoring ---- */

struct backup_restorer;

/* An empty folder, or a new one. */
int backup_restorer_open(const char *folder, const struct progress *progress, struct report *report,
                         struct backup_restorer **restorer);
/* The next backup; borrowed for the call. */
int backup_restorer_add(struct backup_restorer *restorer, struct backup_reader *reader);
/* Everything is there: it is synced, and the store gets its name. Frees, also in failure. */
int backup_restorer_close(struct backup_restorer *restorer);
/* Takes away what it has made, and frees. NULL is fine. */
void backup_restorer_free(struct backup_restorer *restorer);
/* A warning for each content that an object refers to and that is not there. */
int backup_check_references(const char *folder, struct report *report);
/* Remove a folder that was restored, and nothing else that may be in it. */
void backup_remove_restored(const char *folder);
