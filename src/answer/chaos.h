/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Class CH: who and what this server is (RFC 4892), as far as its operator wants to tell. Private to answer.
 */
#pragma once

#include "answer/reply.h"
#include "conf/server.h"
#include "dns/query.h"

/* version.bind and version.server, id.server and hostname.bind, as TXT; all else is refused. */
void chaos_answer(const struct conf_server *server, const struct dns_query *query, struct reply *reply);
