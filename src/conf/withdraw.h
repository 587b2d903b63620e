/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "withdraw" of steerd.json: when a server that is cut off (health/contact.h) is not to be asked any more,
 * and how that is done. Plain data. */
#pragma once

#include "conf/doc.h"

#include <stdint.h>

struct conf_hook;
struct conf_server;

enum conf_withdraw_how {
    CONF_WITHDRAW_STOP, /* queries get SERVFAIL, TCP connections are closed */
    CONF_WITHDRAW_HOOK, /* a command withdraws the route; queries that still come are answered */
};

struct conf_withdraw {
    uint32_t after_ms; /* of being cut off; 0: never by itself */
    uint32_t back_after_ms;
    enum conf_withdraw_how how;
    const struct conf_hook
        *hook; /* of HOOK: the command, told "withdraw" or "announce" behind its arguments */
};

enum { CONF_WITHDRAW_BACK_DEFAULT_MS = 30000 };

/* Fills withdraw of the server; NULL: it says nothing. What is wrong goes to the document's report. */
void withdraw_read(const struct doc_node *root, struct conf_server *server);
