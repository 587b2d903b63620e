/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what a small caching resolver makes of a reply. The first octet says which type is asked for, the
 * rest is the reply. Beyond not crashing: an answer has addresses of that family, and only an answer has any;
 * nothing is kept for longer than a day, and nothing that failed. */
#include "config.h"

#include "observe/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { ID = 0x1234 };

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint8_t name[] = "\3www\7example\3com";
    if (len == 0) {
        return 0;
    }
    bool is_v6 = bytes[0] % 2 != 0;
    struct dns_ask ask = {.name = name,
                          .type = is_v6 ? DNS_TYPE_AAAA : DNS_TYPE_A,
                          .class = DNS_CLASS_IN,
                          .rcodes = UINT32_MAX};
    uint8_t *copy = malloc(len); /* so that a sanitizer sees its end */
    demand(copy != NULL);
    memcpy(copy, bytes + 1, len - 1);
    struct reply reply = reply_read(&ask, ID, copy, len - 1);
    free(copy);
    demand((reply.kind == REPLY_ANSWER) == (reply.count != 0));
    demand(reply.count <= REPLY_ADDRESSES_MAX && reply.keep_s <= REPLY_KEEP_MAX_S);
    demand(reply.keep_s == 0 || reply.kind == REPLY_ANSWER || reply.kind == REPLY_NONE);
    for (size_t i = 0; i < reply.count; i++) {
        demand(reply.addresses[i].family == (is_v6 ? ADDR_V6 : ADDR_V4));
    }
    return 0;
}
