/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store of bundles from inside: what its parts share. Inside this folder only. */
#pragma once

#include "past/bundle_internal.h"

#include <pthread.h>

enum { BUNDLE_TAKEN_MAX = 16 };

struct bundle_store {
    char *state; /* owned */
    pthread_mutex_t mutex;
    /* Which bundles somebody is at, that comes or goes; under the mutex: */
    char taken[BUNDLE_TAKEN_MAX][BUNDLE_ID_SIZE];
    size_t taken_count;
};

/* false: somebody else is at it, or at too many others. */
bool bundle_store_take(struct bundle_store *store, const char *id);
void bundle_store_leave(struct bundle_store *store, const char *id);
/* A folder of one that is coming: *fd holds it until it is closed; -1: there is none. ERROR_BUSY: another
 * process is at it, such as the one that this one has taken over from. */
int bundle_hold_folder(const char *path, int *fd);
/* A folder with all that is in it, or a file. */
void bundle_remove_tree(const char *path);
