/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the admin API says to the application about challenges of ACME's DNS-01 (RFC 8555 section 8.4). Plain
 * data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_receipt;
struct arena;

enum {
    ADMIN_CHALLENGE_VALUES_MAX = 16,  /* of a name */
    ADMIN_CHALLENGE_NAMES_MAX = 1000, /* with each change all are put into a table, on the control thread */
    ADMIN_CHALLENGE_LASTS_MAX_S = 24 * 3600,
    ADMIN_CHALLENGE_LASTS_S = 600, /* if nobody says how long */
};

/* Borrowed texts; times are wall. */
struct admin_challenge_value {
    const char *value;
    int64_t set_ms, expires_ms;
    const char *actor, *peer, *reason; /* "": not known */
};

/* A name and what it answers. */
struct admin_challenge {
    const char *name; /* "_acme-challenge.www.example.com." */
    const char *zone; /* that is served and has it; NULL: none */
    const char *why;  /* it is not answered now; NULL: it is */
    struct admin_challenge_value *values;
    size_t value_count;
};

/* Where a name lies. */
struct admin_challenge_place {
    const char *name; /* as it is called here; NULL: it is none */
    const char *zone; /* that is served and has it; NULL: none */
    const char *why;  /* it is no name, or nothing can be answered there, in words; NULL: it can */
};

struct admin_challenge_order {
    bool clears;
    const char *name;  /* of the place */
    const char *value; /* NULL: to clear all of the name */
    int64_t lasts_ms;
    const char *reason, *actor, *peer, *request;
    const struct admin_receipt *receipt; /* NULL: none */
    const void *change;                  /* of a cluster (cluster.h): what it belongs to; NULL: none */
};

/* What became of it. */
struct admin_challenge_result {
    int error;       /* ERROR_NOT_FOUND: there is none; ERROR_TOO_LARGE: there are too many of the name,
                        ERROR_CONFLICT: of all; ERROR_BUSY: nothing can be written now; else it could not be
                        written */
    const char *why; /* of the last, in words; borrowed for the call */
    bool is_new;     /* else it was there, and has another end */
    bool is_durable; /* false: there is no store */
};
typedef void admin_challenge_done(void *argument, const struct admin_challenge_result *result);

/* On the control thread; each gets the context of admin_verbs. */
struct admin_challenge_verbs {
    /* All of them by name, or the one of this name; valid until the next turn. Returns how many. */
    size_t (*list)(void *context, const char *name, struct arena *arena, struct admin_challenge **items);
    /* A name as somebody writes it: with "_acme-challenge." or without, with "*." before it, with a final
     * dot or without. In the arena. */
    void (*find_place)(void *context, const char *text, struct arena *arena,
                       struct admin_challenge_place *place);
    /* 0: `done` is called once, at once or later; else the error of its result. */
    int (*change)(void *context, const struct admin_challenge_order *order, admin_challenge_done *done,
                  void *argument);
};
