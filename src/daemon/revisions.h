/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which revision in the store each object has that the API lets change, who wrote it and when: what If-Match
 * is judged by, without waiting for a disk. Told by whoever writes as soon as that is done, and of all else
 * by a watch of the store a moment later. Of what holds and is not written yet the revision is not known.
 * Belongs to the control thread. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct admin_revision;
struct condition;
struct revisions;
struct server;
struct store_job;

struct revisions *revisions_new(struct server *server);
void revisions_free(struct revisions *revisions); /* NULL is fine */
/* Reads the folder, and follows the store from there on. Once that is open: at the start, in a takeover. */
void revisions_learn(struct revisions *revisions, const char *folder);

/* What became of the job, in its `done`: with one op, or with seqs. One that failed was of what holds all the
 * same, if it insists. */
void revisions_note(struct revisions *revisions, const struct store_job *job);
/* It holds by now, and goes to the store; revisions_end() in its `done`, in the place of revisions_note(). */
void revisions_begin(struct revisions *revisions, const struct store_job *job);
void revisions_end(struct revisions *revisions, const struct store_job *job);

/* 0, or ERROR_PRECONDITION. condition: NULL: there is none. */
int revisions_judge(const struct revisions *revisions, const char *kind, const char *key, bool is_there,
                    const struct condition *condition);
/* See admin_verbs. */
bool server_find_revision(void *context, const char *kind, const char *key, struct admin_revision *revision);
