/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A store in a folder of its own, whose owner waits for what it submits. */
#pragma once

#include "base/buffer.h"
#include "store/store.h"

#include <semaphore.h>

struct store_fixture {
    char folder[64];
    struct store *store;
    struct report *report;
    sem_t woken;
    struct buffer expired; /* "kind/key@seq\n" of each that the store told of */
    bool may_fail;
};

struct store_fixture *store_fixture_new(void);          /* with a folder, without a store */
void store_fixture_free(struct store_fixture *fixture); /* closes, and removes the folder */
int store_fixture_open(struct store_fixture *fixture);  /* with a new report */
void store_fixture_close(struct store_fixture *fixture);
char *store_fixture_path(const struct store_fixture *fixture, const char *name); /* owned */
/* The first item of the report, "" if there is none. */
const char *store_fixture_said(const struct store_fixture *fixture);

/* One transaction. Returns job.error; *seq may be NULL. */
int store_fixture_submit(struct store_fixture *fixture, struct store_job *job);
int store_fixture_write(struct store_fixture *fixture, const struct store_op *op, uint64_t *seq);
int store_fixture_put(struct store_fixture *fixture, const char *kind, const char *key, const char *value);
/* Reap until the condition holds, for as long as a test may take. */
void store_fixture_wait(struct store_fixture *fixture, bool (*holds)(struct store_fixture *fixture));

struct store_reader *store_fixture_read(struct store_fixture *fixture);
/* "kind/key=value@revision\n" of each. */
void store_fixture_tell_objects(struct store_fixture *fixture, const char *kind, struct buffer *text);
/* "seq kind/key before>after\n" of each. */
void store_fixture_tell_journal(struct store_fixture *fixture, const struct store_filter *filter,
                                struct buffer *text);
/* SQL on the file, as somebody else would. */
void store_fixture_sql(struct store_fixture *fixture, const char *sql);
