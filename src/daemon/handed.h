/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators and endpoints have said, from one steerd to the next: overrides (planned and dormant ones as
 * well), loads that were pushed, and without a store challenges, as JSON, by name: the next one may have
 * other targets. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct server;

/* Calls `give` with arrays of some of them each (which it takes), all in all everything; and where the store
 * is owed something (is_owed: it is read then), also what of it does not hold any more. 0, or an error of
 * reading, and nothing was given. On the control thread. */
int handed_write(struct server *server, bool is_owed, void (*give)(void *context, json_t *items),
                 void *context);
/* All of what such an array is about is to be in the store as it is now. */
void handed_keep(struct server *server, const json_t *items, const char *why);
/* Puts what such an array says in force, in turns under the health lock, and lets it be written to the store;
 * without overrides: only loads. What it does not understand is left out. Returns how many overrides there
 * are. */
size_t handed_read(struct server *server, const json_t *items, bool with_overrides);
