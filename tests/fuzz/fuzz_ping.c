/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what comes to the sockets of icmp checks. The first octet says what the rest is: a reply or what
 * an error cites, of IPv4 or IPv6, behind an IP header or not. Beyond not crashing: what is read as a reply
 * is none of ours by accident, for with the reply's label written anew the same octets come out. */
#include "config.h"

#include "probe/ping_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { CITED = 1, V6 = 2, BEHIND_IP = 4, CODE_AT = 1, NUMBERS_AT = 4 };

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void judge(enum addr_family family, bool is_cited, const uint8_t *message, size_t len)
{
    struct ping_label label = {.key = 1};
    bool is_whole = true;
    uint8_t again[PING_SIZE];
    if (is_cited ? !ping_read_cited(family, message, len, &label, &is_whole)
                 : !ping_read_reply(family, message, len, &label)) {
        return;
    }
    demand(len >= (is_whole ? PING_SIZE : PING_HEADER));
    ping_write(family, &label, again);
    demand(memcmp(again + NUMBERS_AT, message + NUMBERS_AT,
                  (is_whole ? PING_SIZE : PING_HEADER) - NUMBERS_AT) == 0);
    demand(is_cited || message[CODE_AT] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0) {
        return 0;
    }
    size_t rest = len - 1;
    uint8_t *copy = malloc(rest + (rest == 0)); /* so that a sanitizer sees its end */
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes + 1, rest);
    size_t begin = (bytes[0] & BEHIND_IP) != 0 ? ping_find_message(copy, rest) : 0;
    demand(begin <= rest);
    judge((bytes[0] & V6) != 0 ? ADDR_V6 : ADDR_V4, (bytes[0] & CITED) != 0, copy + begin, rest - begin);
    free(copy);
    return 0;
}
