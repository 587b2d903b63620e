/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "dnstap" and "query_log" of steerd.json: who is told of queries and answers, and of which. */
#pragma once

#include "base/addr.h"
#include "conf/doc.h"
#include "conf/server.h"

#include <stdbool.h>
#include <stdint.h>

/* Which queries. */
struct conf_sample {
    uint32_t one_of; /* 1: all */
    bool by_client;  /* all queries of one client of so many, not one query of so many */
};

enum conf_dnstap_target { CONF_DNSTAP_SOCKET, CONF_DNSTAP_TCP, CONF_DNSTAP_FILE };

/* "messages" */
enum conf_dnstap_messages { CONF_DNSTAP_BOTH, CONF_DNSTAP_QUERIES, CONF_DNSTAP_RESPONSES };

struct conf_dnstap {
    struct conf_sample sample;
    enum conf_dnstap_target target;
    enum conf_dnstap_messages messages;
    const char *path;               /* of the socket or file */
    struct addr_port at;            /* of TCP */
    const char *identity, *version; /* "": not told */
};

struct conf_query_log {
    struct conf_sample sample;
    const char *path; /* NULL: lines of the log */
    bool is_json;
};

/* Fills dnstap and query_log. What is wrong goes to the document's report. */
void taps_read(const struct doc_node *root, struct conf_server *server);
