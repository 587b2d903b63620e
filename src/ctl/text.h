/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cells of tables from values of JSON; what is not known is "-". */
#pragma once

#include "ctl/steerctl.h"

enum { TEXT_LIST_SIZE = 256, TEXT_NUMBER_SIZE = 32 };

const char *text_or_dash(const char *text);
/* Is stdout a terminal that shows colours, to somebody who likes them? */
bool text_wants_colour(void);
/* As many of the texts as there is room for. Returns list. */
const char *text_join(const json_t *texts, const char *between, char list[TEXT_LIST_SIZE]);
const char *text_number(const json_t *object, const char *key, char out[TEXT_NUMBER_SIZE]);
