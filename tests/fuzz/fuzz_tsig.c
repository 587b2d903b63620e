/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a message with a TSIG record: found, parsed, judged as a request and as a reply. The first
 * octet says what is done with the rest: bit 0, it is signed first; bit 1, the octet at the offset that the
 * next two say is changed by the fourth. Beyond not crashing: what was signed is good, what was changed in
 * front of the record is not, and every reply that is due can be signed in the room that was promised, and is
 * read back. */
#include "config.h"

#include "dns/tsig.h"
#include "tsig/tsig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { NOW = 1559731985, HEAD = 4, MESSAGE_MAX = 4096, SIGN = 1, CHANGE = 2 };

static void demand(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_tsig: %s\n", what);
        abort();
    }
}

static struct tsig_keys *make_keys(void)
{
    static const struct tsig_key_plan plans[] = {
        {(const uint8_t *)"\3key", DNS_TSIG_HMAC_SHA256, (const uint8_t *)"secret", 6},
        {(const uint8_t *)"\1k\7example", DNS_TSIG_HMAC_SHA384, (const uint8_t *)"secret", 6},
        {(const uint8_t *)"\4last", DNS_TSIG_HMAC_SHA512, (const uint8_t *)"secret", 6}};
    return tsig_keys_new(plans, 3);
}

/* Answer a request that was judged, and let the client judge the answer. */
static void reply(const struct tsig_keys *keys, struct tsig_exchange *exchange, enum tsig_result result)
{
    uint8_t message[2 * MESSAGE_MAX] = {0x12, 0x34, 0x80};
    struct tsig_exchange client = *exchange;
    size_t size = tsig_reply_size(exchange), at;
    size_t got = tsig_sign_reply(exchange, message, DNS_HEADER_SIZE, sizeof message, NOW);
    demand(got == DNS_HEADER_SIZE + size, "a reply's record has another size than promised");
    demand(dns_tsig_find(message, got, &at) && at == DNS_HEADER_SIZE, "a reply's record is not found");
    if (result != TSIG_GOOD) {
        return;
    }
    client.keys = keys;
    demand(tsig_judge_reply(&client, &(struct tsig_message){message, got, at}, NOW) == TSIG_GOOD,
           "a good reply is not believed");
    memcpy(message + 10, "\0", 2);
    demand(tsig_sign_next(exchange, message, DNS_HEADER_SIZE, sizeof message, NOW) == got,
           "a further message has another size than the first");
}

/* What a client makes of it. */
static void take_as_reply(const struct tsig_keys *keys, const struct tsig_message *message)
{
    for (int key = 0; key < 3; key++) {
        struct tsig_exchange client;
        tsig_begin(&client, keys, key);
        (void)tsig_judge_reply(&client, message, NOW);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct tsig_keys *keys;
    if (keys == NULL) {
        keys = make_keys();
    }
    if (len < HEAD + DNS_HEADER_SIZE || len > MESSAGE_MAX) {
        return 0;
    }
    size_t size = len - HEAD, at, change = (size_t)bytes[1] << 8 | bytes[2];
    bool sign = (bytes[0] & SIGN) != 0, found;
    /* exactly as long as it is, so that ASan sees a read behind its end */
    uint8_t *message = malloc(size + (sign ? 512 : 0));
    memcpy(message, bytes + HEAD, size);
    size_t plain = size;
    if (sign) {
        struct tsig_exchange client;
        tsig_begin(&client, keys, bytes[0] >> 2 & 1);
        size = tsig_sign_request(&client, message, size, size + 512, NOW);
    }
    bool changed = (bytes[0] & CHANGE) != 0 && change < size && bytes[3] != 0;
    if (changed) {
        message[change] ^= bytes[3];
    }
    found = dns_tsig_find(message, size, &at);
    if (sign && !changed) {
        at = plain; /* the rest may be no message, and yet it is signed */
        found = true;
    }
    if (found && at != 0) {
        struct tsig_exchange exchange;
        const struct tsig_message request = {message, size, at};
        enum tsig_result result = tsig_judge_request(&exchange, keys, &request, NOW);
        demand(!sign || changed || result == TSIG_GOOD, "what was signed is not good");
        demand(!changed || !sign || change < 2 || change >= plain || at != plain || result != TSIG_GOOD,
               "what was changed is good");
        if (result != TSIG_MALFORMED) {
            reply(keys, &exchange, result);
        }
        take_as_reply(keys, &request);
    }
    free(message);
    return 0;
}
