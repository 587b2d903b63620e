/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a server's lists come to on this host, and what is told of them: the crew's part of a conversation
 * (fleet/client.h). Control thread. */
#pragma once

#include "fleet/link.h"
#include "steerprobe/world.h"

struct session {
    const struct world *world; /* borrowed, like the server's name */
    size_t slot;
    const char *server;
    struct fleet_link *link;   /* in which all this is said; set by the owner before it begins */
    struct assignment *coming; /* a list that is not whole yet; NULL: none */
};

void session_fill_hooks(struct session *session, struct fleet_client_hooks *hooks);
