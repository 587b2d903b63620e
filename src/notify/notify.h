/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Telling secondaries that a zone has a new serial (RFC 1996): which message is due when, and what became of
 * it. Pure: bytes and times in, bytes out; notifier.h does the sending. Owned by one thread.
 *
 * A secondary is told at once and then, as long as it is silent, after 2, 4, 8, 16 and 32 seconds; after
 * another 32 it is given up until the serial changes again. A newer serial begins anew. Any answer with its
 * identifier from its address ends that, if it is signed where the request was; an error that nothing signs
 * (so that anybody may have sent it) is only noted. */
#pragma once

#include "base/addr.h"
#include "base/random.h"
#include "tsig/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum notify_state {
    NOTIFY_IDLE,         /* not told of anything yet */
    NOTIFY_WAITING,      /* told, or about to be */
    NOTIFY_ACKNOWLEDGED, /* has said that it knows */
    NOTIFY_REFUSED,      /* answers with an error */
    NOTIFY_SILENT,       /* given up */
};

const char *notify_state_text(enum notify_state state); /* "idle" … */

enum { NOTIFY_NO_RCODE = -1, NOTIFY_ATTEMPTS = 6, NOTIFY_MESSAGE_MAX = 1024 };

/* A secondary of a zone, and how things stand with it. */
struct notify_status {
    struct addr_port at;
    int key; /* in the set of keys, TSIG_NO_KEY: not signed */
    enum notify_state state;
    uint32_t serial;   /* the latest that it was told of */
    unsigned attempts; /* to tell that */
    int rcode;         /* of its latest answer to that; NOTIFY_NO_RCODE: none */
    int64_t since_ms;  /* wall time at which the state became what it is; 0: IDLE */
};

struct notify;

struct notify_hooks {
    void *context;
    /* A secondary has answered, or was given up. */
    void (*ended)(void *context, const uint8_t *apex, const struct notify_status *status);
};

struct notify *notify_new(const struct notify_hooks *hooks, uint64_t seed);
void notify_free(struct notify *notify); /* NULL is fine */

/* ---- whom to tell: between begin and end every zone that has secondaries is listed once. What is known of
 * one that stays (same zone and address) is kept, others are forgotten; one that is new to a zone is told
 * what the others were told last ---- */

struct notify_secondary {
    struct addr_port at;
    int key;
};

/* keys: what the keys of secondaries are indices in; held until the next call; NULL: none. */
void notify_begin(struct notify *notify, struct tsig_keys *keys);
void notify_list(struct notify *notify, const uint8_t *apex, const struct notify_secondary *secondaries,
                 size_t count);
void notify_end(struct notify *notify);

/* ---- telling ---- */

/* The zone has this serial. soa: its record as it stands behind a question for the apex, len octets. */
void notify_tell(struct notify *notify, const uint8_t *apex, uint32_t serial, const uint8_t *soa, size_t len);

struct notify_now {
    int64_t mono_ms, wall_ms;
};

struct notify_message {
    struct addr_port to;
    size_t len;
    uint8_t bytes[NOTIFY_MESSAGE_MAX];
};

/* The next message that is due now; false: none. */
bool notify_next(struct notify *notify, const struct notify_now *now, struct notify_message *message);
/* When to call that again (monotonic); INT64_MAX: nothing is due until something is told. */
int64_t notify_due_ms(const struct notify *notify);
/* Octets from this address. Returns whether they answer something that is waited for. */
bool notify_take(struct notify *notify, const struct addr_port *from, const uint8_t *bytes, size_t len,
                 const struct notify_now *now);

/* ---- looking ---- */

/* The secondaries of a zone, in the order in which they were listed. */
size_t notify_count(const struct notify *notify, const uint8_t *apex);
/* Borrowed until the next call that changes anything. */
const struct notify_status *notify_get(const struct notify *notify, const uint8_t *apex, size_t index);

struct notify_stats {
    uint64_t sent, acknowledged, refused, silent;
};
void notify_get_stats(const struct notify *notify, struct notify_stats *stats);
