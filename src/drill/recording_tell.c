/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all who read recordings say: that there is a query, or that something is wrong. */
#include "config.h"

#include "base/error.h"
#include "drill/recording_inside.h"

#include <stdarg.h>
#include <stdio.h>

enum { V4_LEN = 24, V6_LEN = 48 };

int recording_fail(struct recorder *r, uint64_t offset, const char *format, ...)
{
    va_list arguments;
    r->fault->offset = offset;
    int len = snprintf(r->fault->why, sizeof r->fault->why, "at octet %llu: ", (unsigned long long)offset);
    va_start(arguments, format);
    vsnprintf(r->fault->why + len, sizeof r->fault->why - (size_t)len, format, arguments);
    va_end(arguments);
    return ERROR_SYNTAX;
}

int recording_tell(struct recorder *r, struct recording_query *query, const struct recording_client *client)
{
    bool has_subnet = client->subnet.addr.family != ADDR_NONE && client->subnet.len != 0;
    struct addr_prefix network = {client->sender, (uint8_t)(8 * addr_len(&client->sender))};
    network = has_subnet ? client->subnet : network;
    uint8_t most = network.addr.family == ADDR_V4 ? V4_LEN : V6_LEN;
    network.len = network.len < most ? network.len : most;
    addr_mask(&network.addr, network.len);
    query->client = network;
    query->name = network.addr.family == ADDR_NONE ? NULL : query->name;
    if (r->visitor->take(r->visitor->context, query)) {
        return 0;
    }
    (void)recording_fail(r, r->at, "found more names and networks of clients than there is room for");
    return ERROR_TOO_LARGE;
}
