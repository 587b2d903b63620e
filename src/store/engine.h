/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store as one that may be written: lock, files, connection, writer. Opening makes what is not there and
 * judges what is. Of the store's thread. Inside this folder only. */
#pragma once

#include "store/files.h"
#include "store/schema.h"
#include "store/writer.h"

enum { ENGINE_MACHINE, ENGINE_OBJECTS, ENGINE_NOTED, ENGINE_WARNINGS };

struct engine {
    struct files files;
    struct database db;
    struct writer writer;
    int pages;       /* of the log, as of the last commit */
    int tried_pages; /* when they were moved to the file last */
    bool is_open;
    int error;                                         /* of the last attempt to open it */
    uint64_t stamp;                                    /* of the files then */
    char why[DATABASE_WHY_SIZE];                       /* of a failure to open */
    char warnings[ENGINE_WARNINGS][DATABASE_WHY_SIZE]; /* of opening; "": none */
    char id[SCHEMA_ID_SIZE];
};

void engine_init(struct engine *engine, const char *folder);
void engine_fini(struct engine *engine);

/* 0, or the error of store_open() and why. What is open stays open. */
int store_engine_open(struct engine *engine);
void store_engine_close(struct engine *engine);

/* Of one that is open, and whose files were deleted under it: write what is held open to new ones, and open
 * those. 0, or an error and why. */
int store_engine_repair(struct engine *engine);

/* Move the log to the file, if there is enough of it. Failing is no harm: the next one will. */
void engine_checkpoint(struct engine *engine);
