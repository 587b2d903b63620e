/* SPDX-License-Identifier: BSD-3-Clause
 *
 * With which serials the nodes of a cluster serve the zones that others copy, so that a secondary may copy
 * from any of them: each tells the others, over its links to them (peers.h), before it serves them so; and
 * what they say is followed by primaries.c. Any thread, but for what says otherwise. Private to src/daemon.
 */
#pragma once

#include "transfer/keeper.h"

struct fleet_link;
struct serials;

struct serials *serials_new(void);
void serials_free(struct serials *serials); /* NULL is fine */

/* This node serves the zone (apex: lower case wire) so from now on. Returns whether it was otherwise. */
bool serials_set(struct serials *serials, const uint8_t *apex, uint64_t fingerprint, uint32_t serial);
/* On the thread of the link, which is connected: what that node was not told in this connection. `told` is
 * the link's, 0 at the beginning of a connection. It goes with the next fleet_link_tell(). */
void serials_tell(struct serials *serials, struct fleet_link *link, uint64_t *told);

/* What node `number` (health/opinion.h) says; what cannot be read of it is passed over. */
void serials_hear(struct serials *serials, unsigned number, const char *text);

/* On the control thread: calls `follow` for what was said since the last call, and for the last word of those
 * who are not fresh any more. */
typedef void serials_follow_fn(void *context, const uint8_t *apex, const struct keeper_heard *heard);
void serials_follow(struct serials *serials, const bool *is_fresh, serials_follow_fn *follow, void *context);
