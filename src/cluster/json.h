/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JSON objects read strictly: what is wrong first of all is remembered, and the whole is good for nothing
 * then. Pure. Private to src/cluster. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct json_reading {
    json_t *object;
    int error;       /* 0, ERROR_SYNTAX or ERROR_INVALID */
    const char *why; /* static; NULL: nothing is wrong */
};

void json_open(struct json_reading *reading, const char *text, size_t len);
int json_close(struct json_reading *reading, const char **why); /* why: may be NULL */
void json_fail(struct json_reading *reading, const char *why);

/* What has to be there. */
enum { JSON_WORD_MAX = 127 };
uint64_t json_get_number(struct json_reading *reading, const char *key, uint64_t most, const char *why);
void json_get_hex(struct json_reading *reading, const char *key, uint8_t *bytes, size_t len, const char *why);
uint64_t json_get_word(struct json_reading *reading, const char *key, const char *why); /* 16 digits */
/* Borrowed from the object; "" if it is none. */
const char *json_get_text(struct json_reading *reading, const char *key, const char *why);
/* What may be missing. */
int64_t json_find_time(struct json_reading *reading, const char *key, const char *why);     /* 0 */
const char *json_find_text(struct json_reading *reading, const char *key, const char *why); /* NULL */
bool json_find_flag(struct json_reading *reading, const char *key, const char *why);

/* ---- writing ---- */

void json_set_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len); /* up to 32 octets */
void json_set_word(json_t *object, const char *key, uint64_t word);
void json_set_number(json_t *object, const char *key, uint64_t number);
void json_set_time(json_t *object, const char *key, int64_t wall_ms);  /* 0 is left out */
void json_set_text(json_t *object, const char *key, const char *text); /* NULL or "" is left out */
void json_put_text(json_t *object, const char *key, const char *text); /* in any case; no UTF-8: "?" */
char *json_finish(json_t *object);                                     /* takes it; compact; owned (free) */
/* The same for what is short: into `text`; too long is our own fault. */
const char *json_finish_into(json_t *object, char *text, size_t size);
