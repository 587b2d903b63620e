/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who got how many answers: a row for each name, endpoint, az, region and class of clients, found by its key,
 * with rates. Rows outlive reloads: what is not there any more is swept out, all else goes on. Knows no view
 * and no threads; belongs to one thread, or to whoever holds the lock of that. */
#pragma once

#include "traffic/rate.h"

#include <stdbool.h>
#include <stddef.h>

enum traffic_kind {
    TRAFFIC_NAME,
    TRAFFIC_ENDPOINT,
    TRAFFIC_AZ,
    TRAFFIC_REGION,
    TRAFFIC_CLASS, /* of a policy; its key is a name with the policy, a space, and the label of the class */
    TRAFFIC_KINDS
};

const char *traffic_kind_text(enum traffic_kind kind); /* "name" "endpoint" "az" "region" "class" */

struct traffic_row {
    struct traffic_row *next;        /* of the same hash */
    struct traffic_row *az, *region; /* of an endpoint; they get what it gets. Of an az its region */
    struct traffic_rate rate;
    int64_t since_ms; /* wall: it is counted since then */
    bool is_there;
    char key[];
};

struct traffic_book;

struct traffic_book *traffic_book_new(void);
void traffic_book_free(struct traffic_book *book); /* NULL is fine */
/* The row of this key, made if there is none; from then on it counts. */
struct traffic_row *traffic_book_get(struct traffic_book *book, enum traffic_kind kind, const char *key,
                                     int64_t now_ms, int64_t wall_ms);
struct traffic_row *traffic_book_find(const struct traffic_book *book, enum traffic_kind kind,
                                      const char *key); /* or NULL */
/* So many more, also for what it lies in. */
void traffic_book_add(struct traffic_row *row, const struct traffic_span *span, uint64_t count);

/* A reload: first no row is there; whoever sees one again says so (is_there = true); the others go. */
void traffic_book_begin_sweep(struct traffic_book *book);
void traffic_book_end_sweep(struct traffic_book *book);

size_t traffic_book_count(const struct traffic_book *book, enum traffic_kind kind);
/* All rows of a kind, by key. Borrowed until one is added or swept out. */
struct traffic_row **traffic_book_list(struct traffic_book *book, enum traffic_kind kind);
