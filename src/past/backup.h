/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A backup: one file with what a state folder holds, or with what has changed in it since another backup. It
 * is a tar (pax) in gzip, or in zstd if it is called so (.zst), and ordinary tools open it. Its first member
 * is manifest.json, which lists the others with size and SHA-256, says which journal they are of and from
 * where to where, and which backup it goes on from. Behind the last octet of the archive stands a seal: an
 * empty member of gzip (or a frame of zstd that is to be skipped) whose comment is the SHA-256 of all octets
 * before it. So every octet of the file is checked: by the seal that nothing has happened to it, by the
 * manifest that the members are those that were meant, and by the journal's own hashes that the history is
 * one.
 *
 * Works on a state folder whose server runs, and writes, or does not run. Waits for disks, and takes its
 * time: for programs that people call. */
#pragma once

#include "base/report.h"
#include "store/rebuild.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

enum backup_kind {
    BACKUP_FULL,
    BACKUP_INCREMENTAL,  /* what has changed since a backup of any kind */
    BACKUP_DIFFERENTIAL, /* what has changed since a full one */
};

enum { BACKUP_HASH_SIZE = STORE_HASH_SIZE, BACKUP_ID_SIZE = 2 * BACKUP_HASH_SIZE + 1 };

/* What a backup says of itself; of several that are restored together, the last one says it. */
struct backup_summary {
    enum backup_kind kind;
    char id[BACKUP_ID_SIZE];      /* SHA-256 of its manifest */
    char base[BACKUP_ID_SIZE];    /* of that which it goes on from; "": none */
    char sha256[BACKUP_ID_SIZE];  /* of the file, as sha256sum prints it */
    char store[STORE_ID_SIZE];    /* the id of the store */
    int64_t made_ms;              /* wall */
    uint64_t from_seq;            /* of the base; 0: none */
    struct store_place to;        /* of the journal */
    uint64_t objects;             /* as of then */
    size_t members, files, bytes; /* in it; files of the state folder beside the store; octets of the file */
};

const char *backup_kind_text(enum backup_kind kind);

struct backup_order {
    enum backup_kind kind;
    const char *state; /* folder */
    const char *file;  /* to be written */
    const char *base;  /* a backup file; NULL: a full one */
    bool may_replace;  /* the file, if it is there */
    const struct progress *progress;
};
/* Writes FILE.partial/ beside the file (who is cut off leaves that, and the next one removes it), then gives
 * it its name. 0; ERROR_CONFLICT: the file is there, or the base is none for this; else an error, with a
 * report. */
int backup_make(const struct backup_order *order, struct report *report, struct backup_summary *summary);

/* A full backup, and those that go on from it in their order. */
struct backup_files {
    const char *const *paths;
    size_t count;
    const struct progress *progress;
};
/* To an empty folder, or one that is not there yet. The store comes last: a folder in which it is, is whole.
 * 0; ERROR_SYNTAX: a file is damaged, or none; ERROR_CONFLICT: they do not go on from each other, or the
 * folder is not empty; else an error, with a report. What failed is taken away again. */
int backup_restore(const struct backup_files *files, const char *folder, struct report *report,
                   struct backup_summary *summary);
/* Restores to a scratch folder under `scratch`, judges all that is there, and takes it away again. 0; else as
 * backup_restore(), ERROR_SYNTAX also for a journal that is not whole. */
int backup_verify(const struct backup_files *files, const char *scratch, struct report *report,
                  struct backup_summary *summary);

/* The files of the configuration that served at a moment (kept_find_moment(); NULL: last) by what a state
 * folder keeps, as a tree below `root`, which is empty or not there: /etc/steerd/x.json becomes
 * ROOT/etc/steerd/x.json. 0, with a warning for each file that is not kept; ERROR_CONFLICT: it is not kept;
 * else an error, with a report. */
int backup_lay_out(const char *folder, const char *moment, const char *root, struct report *report);

/* All objects of a state folder as JSON lines, by key and kind, as they were at this wall time (INT64_MAX:
 * now), to `put`, which returns 0 or an error. */
int backup_export(const char *state, int64_t wall_ms, int (*put)(void *context, const char *line, size_t len),
                  void *context, struct report *report);
