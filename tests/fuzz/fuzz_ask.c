/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what a nameserver answers to a dns check. The first octet says what is asked for (the type, and
 * whether values are wanted), the rest is the reply. Beyond not crashing: what is good for a check that wants
 * much is good for one that wants less, no cut of a whole reply is good by accident of what lies behind it,
 * and a reply is never foreign and judged at once. */
#include "config.h"

#include "dns/ask.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { ID = 0x1234, TYPES = 4 };

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct dns_ask_heard judge(const struct dns_ask *ask, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0)); /* so that a sanitizer sees its end */
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, len);
    struct dns_ask_heard heard = dns_ask_judge(ask, ID, copy, len);
    free(copy);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint16_t types[TYPES] = {DNS_TYPE_A, DNS_TYPE_NS, DNS_TYPE_TXT, DNS_TYPE_AAAA};
    static const uint8_t name[] = "\3www\7example\3com";
    const struct dns_ask_value values[TYPES] = {
        {(const uint8_t *)"\300\0\2\1", 4},
        {(const uint8_t *)"\2ns\7example\3com", 16},
        {(const uint8_t *)"abcd", 4},
        {(const uint8_t *)"\x20\x01\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16}};
    if (len == 0) {
        return 0;
    }
    unsigned which = bytes[0] % TYPES;
    struct dns_ask ask = {.name = name, .type = types[which], .class = DNS_CLASS_IN, .rcodes = 1};
    struct dns_ask_heard little = judge(&ask, bytes + 1, len - 1);
    ask.wants_record = true;
    struct dns_ask_heard some = judge(&ask, bytes + 1, len - 1);
    ask.values = &values[which];
    ask.value_count = 1;
    struct dns_ask_heard much = judge(&ask, bytes + 1, len - 1);
    demand(much.verdict != DNS_ASK_GOOD || some.verdict == DNS_ASK_GOOD);
    demand(some.verdict != DNS_ASK_GOOD || little.verdict == DNS_ASK_GOOD);
    demand((little.verdict == DNS_ASK_FOREIGN) == (much.verdict == DNS_ASK_FOREIGN));
    demand(little.verdict != DNS_ASK_BAD_ANSWER && little.rcode == much.rcode);
    ask.rcodes = UINT32_MAX;
    struct dns_ask_heard any = judge(&ask, bytes + 1, len - 1);
    demand(any.verdict != DNS_ASK_BAD_RCODE || any.rcode >= DNS_ASK_RCODES);
    return 0;
}
