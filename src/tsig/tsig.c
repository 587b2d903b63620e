/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Judging and signing (RFC 8945 sections 4.3 and 5). What is digested, in this order: the MAC before this
 * one (of the request, or of the message before in a stream), the message as it was before the TSIG record
 * came to it, and the variables of that record. */
#include "config.h"

#include "tsig/tsig.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "dns/name.h"
#include "tsig/hmac.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MAC_LEAST = 10, ALGORITHM_NAME_SIZE = 16 };

struct key {
    uint8_t name_len, algorithm_len;
    uint8_t name[DNS_TSIG_KEY_NAME_MAX];
    uint8_t algorithm[ALGORITHM_NAME_SIZE]; /* wire */
    struct hmac_key hmac;
};

struct tsig_keys {
    _Atomic uint32_t references;
    size_t count;
    struct key items[];
};

/* ---- keys ---- */

struct tsig_keys *tsig_keys_new(const struct tsig_key_plan *plans, size_t count)
{
    struct tsig_keys *keys = memory_alloc(sizeof *keys + count * sizeof *keys->items);
    atomic_init(&keys->references, 1);
    keys->count = count;
    for (size_t i = 0; i < count; i++) {
        struct key *key = &keys->items[i];
        size_t len = dns_name_len(plans[i].name, DNS_TSIG_KEY_NAME_MAX);
        assert(len != 0);
        key->name_len = (uint8_t)len;
        memcpy(key->name, plans[i].name, len);
        const char *algorithm = dns_tsig_algorithm_text(plans[i].algorithm);
        size_t label = strlen(algorithm);
        assert(label + 2 <= ALGORITHM_NAME_SIZE);
        key->algorithm_len = (uint8_t)(label + 2); /* one label and the root */
        key->algorithm[0] = (uint8_t)label;
        memcpy(key->algorithm + 1, algorithm, label);
        hmac_prepare(&key->hmac, plans[i].algorithm, plans[i].secret, plans[i].secret_len);
    }
    return keys;
}

void tsig_keys_hold(struct tsig_keys *keys)
{
    atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
}

void tsig_keys_release(struct tsig_keys *keys)
{
    if (keys != NULL && atomic_fetch_sub_explicit(&keys->references, 1, memory_order_acq_rel) == 1) {
        explicit_bzero(keys->items, keys->count * sizeof *keys->items);
        free(keys);
    }
}

static int find_key(const struct tsig_keys *keys, const struct dns_tsig *tsig)
{
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct key *key = &keys->items[i];
        if (key->name_len == tsig->name_len && memcmp(key->name, tsig->name, tsig->name_len) == 0 &&
            key->algorithm_len == tsig->algorithm_len &&
            memcmp(key->algorithm, tsig->algorithm, tsig->algorithm_len) == 0) {
            return (int)i;
        }
    }
    return TSIG_NO_KEY;
}

static const struct key *key_of(const struct tsig_exchange *exchange)
{
    return exchange->key == TSIG_NO_KEY ? NULL : &exchange->keys->items[exchange->key];
}

/* ---- what is digested ---- */

static void add_number(struct hmac *hmac, uint64_t value, size_t octets)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < octets; i++) {
        bytes[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
    }
    hmac_add(hmac, bytes, octets);
}

static void add_prior(struct hmac *hmac, const struct tsig_exchange *exchange)
{
    add_number(hmac, exchange->mac_len, 2);
    hmac_add(hmac, exchange->mac, exchange->mac_len);
}

/* The message before `at`, with the identifier that it had and without the TSIG record in its count. */
static void add_message(struct hmac *hmac, const uint8_t *message, size_t at, uint16_t id, bool counted)
{
    uint8_t header[DNS_HEADER_SIZE];
    memcpy(header, message, sizeof header);
    struct cursor c = cursor_init(header, sizeof header);
    cursor_write_u16(&c, id);
    c.at = 10;
    uint16_t additional = cursor_read_u16(&c);
    c.at = 10;
    cursor_write_u16(&c, (uint16_t)(additional - counted));
    hmac_add(hmac, header, sizeof header);
    hmac_add(hmac, message + sizeof header, at - sizeof header);
}

static void add_variables(struct hmac *hmac, const struct dns_tsig *tsig)
{
    hmac_add(hmac, tsig->name, tsig->name_len);
    add_number(hmac, DNS_CLASS_ANY, 2);
    add_number(hmac, 0, 4);
    hmac_add(hmac, tsig->algorithm, tsig->algorithm_len);
    add_number(hmac, tsig->time_s, 6);
    add_number(hmac, tsig->fudge, 2);
    add_number(hmac, tsig->error, 2);
    add_number(hmac, tsig->other_len, 2);
    hmac_add(hmac, tsig->other, tsig->other_len);
}

/* ---- judging ---- */

static bool is_in_time(const struct dns_tsig *tsig, uint64_t now_s)
{
    uint64_t apart = now_s > tsig->time_s ? now_s - tsig->time_s : tsig->time_s - now_s;
    return apart <= tsig->fudge;
}

/* RFC 8945 section 5.2.2.1. */
static bool is_mac_len_valid(const struct key *key, size_t len)
{
    size_t whole = hmac_size(key->hmac.algorithm), least = whole / 2 > MAC_LEAST ? whole / 2 : MAC_LEAST;
    return len >= least && len <= whole;
}

static bool is_mac_right(struct hmac *hmac, const struct dns_tsig *tsig)
{
    uint8_t mac[TSIG_MAC_MAX];
    hmac_end(hmac, mac);
    return sha2_is_equal(mac, tsig->mac, tsig->mac_len);
}

static enum tsig_result reject(struct tsig_exchange *exchange, enum dns_tsig_error error)
{
    exchange->error = error;
    return TSIG_REJECTED;
}

static void keep_request(struct tsig_exchange *exchange, const struct dns_tsig *tsig)
{
    exchange->error = 0;
    exchange->fudge = tsig->fudge;
    exchange->original_id = tsig->original_id;
    exchange->time_s = tsig->time_s;
    exchange->mac_len = 0;
}

enum tsig_result tsig_judge_request(struct tsig_exchange *exchange, const struct tsig_keys *keys,
                                    const struct tsig_message *request, uint64_t now_s)
{
    struct dns_tsig tsig;
    if (!dns_tsig_parse(&tsig, request->bytes, request->len, request->at)) {
        return TSIG_MALFORMED;
    }
    keep_request(exchange, &tsig);
    exchange->keys = keys;
    exchange->key = find_key(keys, &tsig);
    const struct key *key = key_of(exchange);
    if (key == NULL) {
        exchange->name_len = tsig.name_len;
        exchange->algorithm_len = tsig.algorithm_len;
        memcpy(exchange->name, tsig.name, tsig.name_len);
        memcpy(exchange->algorithm, tsig.algorithm, tsig.algorithm_len);
        return reject(exchange, DNS_TSIG_BADKEY);
    }
    if (!is_mac_len_valid(key, tsig.mac_len)) {
        return TSIG_MALFORMED;
    }
    struct hmac hmac;
    hmac_begin(&hmac, &key->hmac);
    add_message(&hmac, request->bytes, request->at, tsig.original_id, true);
    add_variables(&hmac, &tsig);
    if (!is_mac_right(&hmac, &tsig)) {
        return reject(exchange, DNS_TSIG_BADSIG);
    }
    exchange->mac_len = (uint8_t)tsig.mac_len;
    memcpy(exchange->mac, tsig.mac, tsig.mac_len);
    return is_in_time(&tsig, now_s) ? TSIG_GOOD : reject(exchange, DNS_TSIG_BADTIME);
}

enum tsig_result tsig_judge_reply(struct tsig_exchange *exchange, const struct tsig_message *reply,
                                  uint64_t now_s)
{
    struct dns_tsig tsig;
    const struct key *key = key_of(exchange);
    if (key == NULL || !dns_tsig_parse(&tsig, reply->bytes, reply->len, reply->at)) {
        return TSIG_MALFORMED;
    }
    if (tsig.mac_len == 0 && tsig.error != 0) {
        return reject(exchange, tsig.error); /* nothing proves it, and nothing good follows from it */
    }
    if (find_key(exchange->keys, &tsig) != exchange->key || !is_mac_len_valid(key, tsig.mac_len)) {
        return reject(exchange, DNS_TSIG_BADKEY);
    }
    struct hmac hmac;
    hmac_begin(&hmac, &key->hmac);
    add_prior(&hmac, exchange);
    add_message(&hmac, reply->bytes, reply->at, tsig.original_id, true);
    add_variables(&hmac, &tsig);
    if (!is_mac_right(&hmac, &tsig)) {
        return reject(exchange, DNS_TSIG_BADSIG);
    }
    if (tsig.error != 0 || !is_in_time(&tsig, now_s)) {
        return reject(exchange, tsig.error != 0 ? tsig.error : DNS_TSIG_BADTIME);
    }
    return TSIG_GOOD;
}

/* ---- signing ---- */

static bool is_signed(const struct tsig_exchange *exchange)
{
    return exchange->error != DNS_TSIG_BADKEY && exchange->error != DNS_TSIG_BADSIG;
}

/* The record without its MAC. */
static void fill_record(const struct tsig_exchange *exchange, const uint8_t *message, uint64_t now_s,
                        struct dns_tsig *tsig)
{
    const struct key *key = key_of(exchange);
    tsig->name_len = key != NULL ? key->name_len : exchange->name_len;
    tsig->algorithm_len = key != NULL ? key->algorithm_len : exchange->algorithm_len;
    memcpy(tsig->name, key != NULL ? key->name : exchange->name, tsig->name_len);
    memcpy(tsig->algorithm, key != NULL ? key->algorithm : exchange->algorithm, tsig->algorithm_len);
    tsig->time_s = exchange->error != 0 ? exchange->time_s : now_s;
    tsig->fudge = exchange->fudge;
    tsig->original_id = (uint16_t)(message[0] << 8 | message[1]);
    tsig->error = exchange->error;
    tsig->mac_len = tsig->other_len = 0;
    tsig->mac = tsig->other = NULL;
}

static size_t write_signed(struct tsig_exchange *exchange, struct dns_tsig *tsig, struct hmac *hmac,
                           uint8_t *message, const size_t size[2])
{
    exchange->mac_len = (uint8_t)hmac_size(hmac->key->algorithm);
    hmac_end(hmac, exchange->mac);
    tsig->mac = exchange->mac;
    tsig->mac_len = exchange->mac_len;
    return dns_tsig_write(tsig, message, size[0], size[1]);
}

size_t tsig_reply_size(const struct tsig_exchange *exchange)
{
    const struct key *key = key_of(exchange);
    size_t size = DNS_TSIG_FIXED_SIZE;
    size += key != NULL ? key->name_len + (size_t)key->algorithm_len
                        : exchange->name_len + (size_t)exchange->algorithm_len;
    size += exchange->error == DNS_TSIG_BADTIME ? DNS_TSIG_TIME_SIZE : 0;
    return size + (is_signed(exchange) && key != NULL ? hmac_size(key->hmac.algorithm) : 0);
}

size_t tsig_sign_reply(struct tsig_exchange *exchange, uint8_t *message, size_t len, size_t cap,
                       uint64_t now_s)
{
    struct dns_tsig tsig;
    uint8_t time[DNS_TSIG_TIME_SIZE];
    fill_record(exchange, message, now_s, &tsig);
    if (!is_signed(exchange)) {
        return dns_tsig_write(&tsig, message, len, cap);
    }
    if (exchange->error == DNS_TSIG_BADTIME) { /* section 5.2.3: tell the client our time */
        struct cursor c = cursor_init(time, sizeof time);
        cursor_write_u16(&c, (uint16_t)(now_s >> 32));
        cursor_write_u32(&c, (uint32_t)now_s);
        tsig.other = time;
        tsig.other_len = sizeof time;
    }
    struct hmac hmac;
    hmac_begin(&hmac, &key_of(exchange)->hmac);
    add_prior(&hmac, exchange);
    add_message(&hmac, message, len, tsig.original_id, false);
    add_variables(&hmac, &tsig);
    return write_signed(exchange, &tsig, &hmac, message, (size_t[]){len, cap});
}

size_t tsig_sign_next(struct tsig_exchange *exchange, uint8_t *message, size_t len, size_t cap,
                      uint64_t now_s)
{
    struct dns_tsig tsig;
    fill_record(exchange, message, now_s, &tsig);
    struct hmac hmac;
    hmac_begin(&hmac, &key_of(exchange)->hmac);
    add_prior(&hmac, exchange);
    add_message(&hmac, message, len, tsig.original_id, false);
    add_number(&hmac, tsig.time_s, 6);
    add_number(&hmac, tsig.fudge, 2);
    return write_signed(exchange, &tsig, &hmac, message, (size_t[]){len, cap});
}

void tsig_begin(struct tsig_exchange *exchange, const struct tsig_keys *keys, int key)
{
    exchange->keys = keys;
    exchange->key = key;
    exchange->error = 0;
    exchange->fudge = DNS_TSIG_FUDGE_S;
    exchange->mac_len = 0;
}

size_t tsig_sign_request(struct tsig_exchange *exchange, uint8_t *message, size_t len, size_t cap,
                         uint64_t now_s)
{
    struct dns_tsig tsig;
    fill_record(exchange, message, now_s, &tsig);
    struct hmac hmac;
    hmac_begin(&hmac, &key_of(exchange)->hmac);
    add_message(&hmac, message, len, tsig.original_id, false);
    add_variables(&hmac, &tsig);
    return write_signed(exchange, &tsig, &hmac, message, (size_t[]){len, cap});
}
