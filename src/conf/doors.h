/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "listen" of "admin" in steerd.json: where the admin API listens beside its socket, and what is shown there.
 */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct conf_server;
struct doc_node;
struct tls_context;

enum { CONF_DOORS_MAX = 8 };

struct conf_door {
    struct addr_port at;
    struct tls_context *context; /* a hold of it; NULL: certificate, key or client_ca are no good, which was
                                    told: what was shown before goes on to be */
};

/* Fills doors and client_roles of the server. What is wrong goes to the document's report. */
void doors_read(const struct doc_node *admin, struct conf_server *server);
void doors_drop(struct conf_server *server);
