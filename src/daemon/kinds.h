/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What this server does with objects of each kind that its store may hold: one row a kind, beside the row
 * that says what is true of it everywhere (store/kinds.h). A start, a takeover, a late read (regain.h) and
 * what other nodes say (clustered.h) walk this table, so a kind that has a row is forgotten by none of them.
 * A row without a way to be read at the start, or late, says in `otherwise` who reads its objects instead.
 * Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "store/kinds.h"
#include "store/store.h"

struct overrides_reading;
struct server;

/* When objects are read. */
enum kind_stage {
    KIND_BEFORE_VIEW, /* who may come and who checks: before the first view is installed */
    KIND_AFTER,       /* of the server's own work: no process before this one goes on with it */
};

struct kind {
    const char *otherwise; /* who reads it at a start, or late, if nothing below does */
    /* Into the health machine: at the start, late, and of other nodes (but overrides: batch.h). */
    void (*put)(struct overrides_reading *reading, const struct store_object *object);
    /* All of them. */
    enum kind_stage stage;
    void (*learn)(struct server *server, const char *folder);
    /* One that could not be read at the start. What was ordered meanwhile is later, and wins. */
    void (*regain)(struct server *server, const struct store_object *object);
    /* One is this now (value NULL: gone), because another node said so. */
    void (*follow)(struct server *server, const char *key, const char *value);
};

/* A row for each kind: struct server has it as `kinds`, for those that kinds.c needs itself. Ends the process
 * if a row is missing or has a gap, which is a defect of this version. */
const struct kind *kinds_get(void);
/* What the store in the folder has (NULL: there is none) of those that are learned at this stage. */
void kinds_learn(struct server *server, const char *folder, enum kind_stage stage);
