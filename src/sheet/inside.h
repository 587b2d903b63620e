/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of sheets share: sheets.c holds them all, bell.c tells of changes, content.c knows what one
 * says, watch.c is its thread. Private to them. */
#pragma once

#include "base/clock.h"
#include "sheet/sheets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum { SHEETS_LISTENERS_MAX = 16 };

struct sheet {
    LIST_ENTRY(sheet) link;
    struct sheets *all;
    char *path;
    enum sheet_format format;
    struct clock clock;
    unsigned holders; /* guarded by all->lock */
    int stop_fd;      /* rung when nobody holds it any more: its thread frees it; -1: it has none */
    bool was_told;    /* … and why not */
    _Atomic uint64_t version;
    pthread_mutex_t lock;      /* guards what follows; held for moments */
    struct sheet_table *table; /* that stands; NULL: none */
    int64_t modified_ms;       /* wall: when that was written, */
    int64_t noticed_ms;        /* … monotonic: when we came to know, */
    int64_t read_ms;           /* … and the same by the wall clock */
    uint64_t changes;
    enum sheet_state state;
    struct sheet_fault fault;
    int64_t minute_ms;   /* monotonic: since then … */
    unsigned line_count; /* … so many lines were logged */
};

LIST_HEAD(sheet_list, sheet);

struct sheets {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a thread has */
    struct sheet_list list;
    int listeners[SHEETS_LISTENERS_MAX];
    size_t listener_count;
    unsigned threads;
};

/* ---- bell.c ---- */

void sheet_ring(int fd); /* an eventfd */
void sheets_ring(struct sheets *sheets);
void sheet_free(struct sheet *sheet); /* it has no thread */
/* The last that its thread does. */
void sheet_end(struct sheet *sheet);

/* ---- content.c ---- */

/* It says something else now (takes the table), or the same, but that was written later. */
void sheet_take(struct sheet *sheet, struct sheet_table *table, int64_t modified_ms);
/* What it says makes no sense: what it said before stands. */
void sheet_refuse(struct sheet *sheet, const struct sheet_fault *fault);
/* There is nothing to read. */
void sheet_lose(struct sheet *sheet, const char *why);
/* With its place, and with `behind` behind it. */
void sheet_write_fault(const struct sheet_fault *fault, const char *behind, char text[SHEET_TEXT_SIZE]);

/* ---- watch.c ---- */

void *watch_run(void *sheet); /* the thread */
