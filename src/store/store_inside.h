/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A store as its owner and its thread share it. Inside this folder only. */
#pragma once

#include "store/database.h"
#include "store/engine.h"
#include "store/job.h"
#include "store/owed.h"
#include "store/store.h"
#include "store/watch.h"
#include "base/clock.h"

#include <pthread.h>

struct store {
    struct store_options options;
    char *folder;
    struct clock clock;
    pthread_t thread;
    pthread_mutex_t lock; /* held for a few instructions */
    pthread_cond_t asked, ended;
    /* under the lock: */
    struct job_list waiting, finished;
    struct watch_set watches;
    struct store_stats stats;
    bool closing, reaps, abandoned; /* reaps: who closes is done with some, and may submit more */
    bool gone, has_opened;
    int open_error;
    char open_why[DATABASE_WHY_SIZE], warnings[ENGINE_WARNINGS][DATABASE_WHY_SIZE];
    /* of the thread: */
    struct engine engine;
    struct job_judge judge;
    struct job_list backlog; /* taken, not begun */
    struct owed owed;
    size_t owed_room;   /* of them, in one transaction */
    int64_t tried_us;   /* to write, at last */
    int64_t due_ms;     /* wall: the next lease */
    uint64_t noted_seq; /* of the end that was noted last (noted.h); 0: none by this process */
    int64_t note_at_us; /* the next one not before that */
};

/* The thread (store.c). Its last word is `gone`, unless it was abandoned by then: then it frees the store. */
void *store_run(void *store);
void store_destroy(struct store *store);
