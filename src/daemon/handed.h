/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators and endpoints have said, from one steerd to the next: overrides (planned and dormant ones as
 * well) and loads that were pushed, as JSON, by name: the next one may have other targets. Private to
 * src/daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct server;

/* Calls `give` with arrays of some of them each (which it takes), all in all everything. On the control
 * thread. */
void handed_write(struct server *server, void (*give)(void *context, json_t *items), void *context);
/* Puts what such an array says in force, in turns under the health lock, and lets it be written to the store;
 * without overrides: only loads. What it does not understand is left out. Returns how many overrides there
 * are. */
size_t handed_read(struct server *server, const json_t *items, bool with_overrides);
