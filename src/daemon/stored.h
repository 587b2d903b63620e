/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JSON of the store's objects: written without what says nothing, and read strictly, since a version before
 * or after this one, or a person with an editor, may have written it. What is not understood is remembered,
 * and the whole object is good for nothing then. Pure. Private to src/daemon. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing: what is empty or 0 is left out ---- */

void stored_set_text(json_t *object, const char *key, const char *text); /* NULL is fine; no UTF-8: "?" */
void stored_set_time(json_t *object, const char *key, int64_t wall_ms);
void stored_set_number(json_t *object, const char *key, uint64_t value);
void stored_set_flag(json_t *object, const char *key, bool flag);
/* Written in any case, as digits; each is of at most STORED_HEX_MAX octets. */
enum { STORED_HEX_MAX = 64 };
void stored_set_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len);

/* ---- reading ---- */

struct stored_reading {
    const json_t *object;
    const char *why; /* static; what is wrong first of all; NULL: nothing */
    size_t found;    /* keys that were asked for and are there */
};

void stored_fail(struct stored_reading *reading, const char *why);
const json_t *stored_find(struct stored_reading *reading, const char *key); /* NULL: it is not there */
/* What is not there is 0, false or left alone; what is something else fails with this `why`. */
void stored_get_text(struct stored_reading *reading, const char *key, char *text, size_t size,
                     const char *why);
int64_t stored_get_time(struct stored_reading *reading, const char *key, const char *why);
uint64_t stored_get_number(struct stored_reading *reading, const char *key, uint64_t most, const char *why);
bool stored_get_flag(struct stored_reading *reading, const char *key, const char *why);
/* Exactly so many octets, in lower case. Returns whether it is there. */
bool stored_get_hex(struct stored_reading *reading, const char *key, uint8_t *bytes, size_t len,
                    const char *why);
/* Likewise, but it has to be there. */
void stored_need(struct stored_reading *reading, const char *key, const char *why);
