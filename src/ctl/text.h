/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cells of tables from values of JSON; what is not known is "-". */
#pragma once

#include "ctl/steerctl.h"

/* What a server or a file says as JSON is read here and printed here, so that nothing gets to a terminal
 * which that obeys, or which reorders what is around it. For people it is '?' in what is read; for programs
 * what is read stays as it is, and is printed escaped. Owned, or NULL: it is no JSON. */
json_t *text_read_json(const char *bytes, size_t len, bool for_people);
void text_print_json(const json_t *json, size_t flags);
void text_put_json(const char *bytes, size_t len);
void text_put_lines(const char *bytes, size_t len); /* which are no JSON */

enum { TEXT_LIST_SIZE = 256, TEXT_NUMBER_SIZE = 32 };

const char *text_or_dash(const char *text);
/* Is stdout a terminal that shows colours, to somebody who likes them? */
bool text_wants_colour(void);
/* As many of the texts as there is room for. Returns list. */
const char *text_join(const json_t *texts, const char *between, char list[TEXT_LIST_SIZE]);
const char *text_number(const json_t *object, const char *key, char out[TEXT_NUMBER_SIZE]);
