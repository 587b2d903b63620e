/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The messages about parts of bundles, from inside: what message.c and message_write.c leave to
 * message_bulk.c. Private to this folder. */
#pragma once

#include "fleet/message.h"

struct json_t;

/* `message` says the kind; of its body, an object. False, and why: without the kind. */
bool fleet_read_bulk(const struct json_t *body, struct arena *arena, struct fleet_message *message,
                     char why[FLEET_WHY_SIZE]);
void fleet_write_bulk(const struct fleet_message *message, struct buffer *to);
