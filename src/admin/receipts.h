/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was answered to requests with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), so that
 * one that is sent again is answered alike and not carried out again. By who asked and the key; bounded: the
 * oldest goes. Belongs to the control thread; no I/O: what is to outlive the process is text. Internal to the
 * folder. */
#pragma once

#include "base/sha2.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECEIPTS_KEY_MAX = 255, /* octets of a key */
    RECEIPTS_MAX = 1000,
    RECEIPTS_OCTETS_MAX = 16 << 20, /* of all bodies */
    RECEIPTS_BODY_MAX = 256 << 10,  /* of one: a longer one is not kept */
    RECEIPTS_KEPT_MS = 24 * 3600 * 1000,
    RECEIPTS_NAME_SIZE = 2 * SHA256_SIZE + 1
};

struct receipt {
    struct receipt *next;             /* a later one */
    char name[RECEIPTS_NAME_SIZE];    /* of who asks and the key, in hexadecimal digits */
    char content[RECEIPTS_NAME_SIZE]; /* of what was asked, likewise */
    int64_t made_ms;                  /* wall */
    bool is_under_way;
    unsigned status;
    char *type, *body; /* owned; NULL: it was done, and what was answered is not known any more */
    size_t body_len;
};

/* All zero: none. */
struct receipts {
    struct receipt *first; /* the oldest */
    size_t count, octets;
};

/* The value of an Idempotency-Key: a string of RFC 8941 section 3.3.3, without parameters, of 1 to
 * RECEIPTS_KEY_MAX octets. 0; ERROR_SYNTAX; ERROR_TOO_LARGE. */
int receipts_parse_key(const char *text, char key[RECEIPTS_KEY_MAX + 1]);

struct receipt *receipts_find(const struct receipts *receipts, const char *name);
/* One that is under way. */
struct receipt *receipts_add(struct receipts *receipts, const char *name, const char *content,
                             int64_t wall_ms);
void receipts_remove(struct receipts *receipts, struct receipt *receipt);
/* It was answered. Takes the body, NUL-terminated; NULL: it is not kept. */
void receipts_end(struct receipts *receipts, struct receipt *receipt, unsigned status, const char *type,
                  char *body, size_t len);
/* The oldest one that has had its time, or has to make room; NULL: there is none. */
struct receipt *receipts_find_surplus(const struct receipts *receipts, int64_t wall_ms);
void receipts_fini(struct receipts *receipts);

/* As text, and back: JSON. Owned. One under way is one that was done: it is written along with that. */
char *receipts_write(const struct receipt *receipt);
/* 0 or ERROR_SYNTAX. One that is known already stays. */
int receipts_read(struct receipts *receipts, const char *name, const char *text);
