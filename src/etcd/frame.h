/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerd and steerd-etcd say to each other: frames over a stream (wire.h), each a head of its length,
 * kind and number, and what follows. steerd asks by a number of its own; whatever comes back has that.
 * Integers are in network byte order, texts end with NUL. A frame that is not as it has to be ends the
 * conversation: neither side guesses. Pure. */
#pragma once

#include "etcd/etcd.h"

struct arena;
struct buffer;

enum {
    ETCD_CHANNEL = 3, /* where steerd-etcd gets its one order: the version, with its end of the stream */
    ETCD_VERSION = 1, /* another one is refused: the program on the disk may be newer than who calls it */
    ETCD_FRAME_HEAD = 16,
    ETCD_FRAME_MAX = 12 << 20, /* octets behind the head */
    ETCD_BODY_MAX = 4 << 20,   /* of a request: far beyond what etcd takes */
    ETCD_PASSWORD_MAX = 1024,
};

enum etcd_frame_kind {
    ETCD_FRAME_SETUP = 1, /* first of all, once: struct etcd_setup */
    ETCD_FRAME_CALL,      /* struct etcd_call */
    ETCD_FRAME_OFF,       /* nobody waits for that number any more */
    ETCD_FRAME_PING,
    ETCD_FRAME_ANSWER,  /* struct etcd_answer: the end of a call */
    ETCD_FRAME_BEGUN,   /* of a watch: struct etcd_news without changes */
    ETCD_FRAME_CHANGES, /* of a watch: struct etcd_news */
    ETCD_FRAME_PONG,
};

struct etcd_frame {
    uint32_t kind;
    uint64_t number;
    const char *bytes; /* borrowed */
    size_t len;
};

struct etcd_setup {
    const char *ca, *certificate, *key, *user, *password; /* "": none */
    const char *endpoints[ETCD_ENDPOINTS_MAX];
    size_t endpoint_count;
};

enum etcd_call_kind {
    ETCD_CALL_TXN,
    ETCD_CALL_GRANT,
    ETCD_CALL_KEEP,
    ETCD_CALL_REVOKE,
    ETCD_CALL_WATCH,
    ETCD_CALL_COMPACT,
    ETCD_CALL_LOOK, /* the last one */
};

struct etcd_call {
    enum etcd_call_kind kind;
    bool is_write; /* never twice, unless the first one cannot have had effect */
    uint32_t deadline_ms;
    const char *body,
        *beat; /* JSON; beat: of a watch, what is asked to see whether that member is still there */
    size_t body_len, beat_len;
};

/* Of a watch. */
struct etcd_news {
    int64_t revision;
    const char *endpoint;
    const struct etcd_change *changes;
    size_t count;
};

void etcd_write_mark(uint32_t kind, uint64_t number, struct buffer *to); /* OFF, PING, PONG */
void etcd_write_setup(const struct etcd_setup *setup, struct buffer *to);
void etcd_write_call(uint64_t number, const struct etcd_call *call, struct buffer *to);
/* Return 0, or ERROR_TOO_LARGE: nothing was written. */
int etcd_write_answer(uint64_t number, const struct etcd_answer *answer, struct buffer *to);
int etcd_write_news(uint32_t kind, uint64_t number, const struct etcd_news *news, struct buffer *to);

/* All borrow from the frame, arrays are the arena's. Return 0, -EPROTONOSUPPORT (another version) or
 * -EBADMSG. */
int etcd_parse_setup(const struct etcd_frame *frame, struct etcd_setup *setup);
int etcd_parse_call(const struct etcd_frame *frame, struct etcd_call *call);
int etcd_parse_answer(const struct etcd_frame *frame, struct arena *arena, struct etcd_answer *answer);
int etcd_parse_news(const struct etcd_frame *frame, struct arena *arena, struct etcd_news *news);
