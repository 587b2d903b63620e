/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files that read bodies have in common: request.c, request_report.c. */
#pragma once

#include "admin/request.h"

#include <jansson.h>

/* The body as an object (returns owned), or NULL with the problem set. */
json_t *request_parse_object(const char *text, size_t len, struct problem *problem);
void request_reject_unknown(json_t *body, const char *const *known, struct problem *problem);
/* The text of a field, or NULL if it is not there or not a string (which is an error). */
const char *request_get_text(const json_t *body, const char *key, struct problem *problem);
/* How long something counts, if that is given. */
void request_check_ttl(const json_t *body, int64_t *ttl_ms, struct problem *problem);
/* A list of texts, or one; borrowed from the problem's arena. */
struct request_texts {
    const char *items[SWITCHOVER_TARGETS_MAX];
    size_t count;
};
/* Of a field, at most this many, if that is given; returns false with a field error. */
bool request_get_texts(const json_t *body, const char *key, size_t max, struct request_texts *texts,
                       struct problem *problem);
/* The strings of an array, in the problem's arena. Returns how many. */
size_t request_take_texts(const json_t *array, const char *key, const char ***texts, struct problem *problem);
/* "names": groups of names, if given; "shop,pay". */
void request_check_names(const json_t *body, char names[HEALTH_NAMES_SIZE], struct problem *problem);
/* "override_rules", if that is given. */
void request_check_rules(const json_t *body, struct request_rules *rules, struct problem *problem);
bool request_get_flag(const json_t *body, const char *key, struct problem *problem); /* false by default */
void request_check_body_actor(const json_t *body, char actor[HEALTH_ACTOR_SIZE], struct problem *problem);
/* "reason" and "actor", where they are given. */
void request_check_body_cause(const json_t *body, char reason[HEALTH_REASON_SIZE],
                              char actor[HEALTH_ACTOR_SIZE], struct problem *problem);
