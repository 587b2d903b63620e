/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TSIG records as bytes: see tsig.h. */
#include "config.h"

#include "dns/tsig.h"

#include "base/cursor.h"
#include "base/error.h"
#include "dns/name.h"

#include <string.h>
#include <strings.h>

static const char *const algorithm_texts[DNS_TSIG_ALGORITHMS] = {[DNS_TSIG_HMAC_SHA256] = "hmac-sha256",
                                                                 [DNS_TSIG_HMAC_SHA384] = "hmac-sha384",
                                                                 [DNS_TSIG_HMAC_SHA512] = "hmac-sha512"};

const char *dns_tsig_algorithm_text(enum dns_tsig_algorithm algorithm)
{
    return algorithm_texts[algorithm];
}

int dns_tsig_parse_algorithm(const char *text, enum dns_tsig_algorithm *algorithm)
{
    for (int i = 0; i < DNS_TSIG_ALGORITHMS; i++) {
        if (strcasecmp(text, algorithm_texts[i]) == 0) {
            *algorithm = (enum dns_tsig_algorithm)i;
            return 0;
        }
    }
    return ERROR_NOT_FOUND;
}

static bool read_name(struct cursor *c, uint8_t name[DNS_NAME_MAX + 1], uint8_t *len)
{
    size_t end;
    size_t got = c->failed ? 0 : dns_name_expand(c->bytes, c->len, c->at, name, &end);
    if (got == 0) {
        c->failed = true;
        return false;
    }
    dns_name_lower(name, got);
    *len = (uint8_t)got;
    c->at = end;
    return true;
}

static uint64_t read_time(struct cursor *c)
{
    uint64_t high = cursor_read_u16(c);
    return high << 32 | cursor_read_u32(c);
}

static void write_time(struct cursor *c, uint64_t time_s)
{
    cursor_write_u16(c, (uint16_t)(time_s >> 32));
    cursor_write_u32(c, (uint32_t)time_s);
}

bool dns_tsig_parse(struct dns_tsig *tsig, const uint8_t *message, size_t len, size_t at)
{
    struct cursor c = cursor_init_const(message, len);
    c.at = at;
    tsig->at = at;
    if (!read_name(&c, tsig->name, &tsig->name_len)) {
        return false;
    }
    uint16_t type = cursor_read_u16(&c), class = cursor_read_u16(&c);
    uint32_t ttl = cursor_read_u32(&c);
    uint16_t size = cursor_read_u16(&c);
    if (c.failed || type != DNS_TYPE_TSIG || class != DNS_CLASS_ANY || ttl != 0 || c.at + size != len ||
        !read_name(&c, tsig->algorithm, &tsig->algorithm_len)) {
        return false;
    }
    tsig->time_s = read_time(&c);
    tsig->fudge = cursor_read_u16(&c);
    tsig->mac_len = cursor_read_u16(&c);
    tsig->mac = cursor_take(&c, tsig->mac_len);
    tsig->original_id = cursor_read_u16(&c);
    tsig->error = cursor_read_u16(&c);
    tsig->other_len = cursor_read_u16(&c);
    tsig->other = cursor_take(&c, tsig->other_len);
    return !c.failed && c.at == len;
}

/* Move behind a record; its type is what is returned. */
static uint16_t skip_record(struct cursor *c)
{
    size_t end = dns_name_skip(c->bytes, c->len, c->at);
    c->failed |= end == 0;
    c->at = end;
    uint16_t type = cursor_read_u16(c);
    (void)cursor_take(c, 6);
    (void)cursor_take(c, cursor_read_u16(c));
    return type;
}

bool dns_tsig_find(const uint8_t *message, size_t len, size_t *at)
{
    struct cursor c = cursor_init_const(message, len);
    *at = 0;
    (void)cursor_take(&c, 4);
    size_t questions = cursor_read_u16(&c), before = cursor_read_u16(&c);
    before += cursor_read_u16(&c);
    size_t count = before + cursor_read_u16(&c);
    for (size_t i = 0; i < questions && !c.failed; i++) {
        size_t end = dns_name_skip(message, len, c.at);
        c.failed |= end == 0;
        c.at = end;
        (void)cursor_take(&c, 4);
    }
    for (size_t i = 0; i < count && !c.failed; i++) {
        size_t start = c.at;
        if (skip_record(&c) == DNS_TYPE_TSIG) {
            c.failed |= i < before || i + 1 != count;
            *at = start;
        }
    }
    return !c.failed && c.at == len;
}

size_t dns_tsig_write(const struct dns_tsig *tsig, uint8_t *message, size_t len, size_t cap)
{
    struct cursor c = cursor_init(message, cap);
    c.at = len;
    cursor_write(&c, tsig->name, tsig->name_len);
    cursor_write_u16(&c, DNS_TYPE_TSIG);
    cursor_write_u16(&c, DNS_CLASS_ANY);
    cursor_write_u32(&c, 0);
    cursor_write_u16(&c, (uint16_t)(dns_tsig_size(tsig) - tsig->name_len - 10));
    cursor_write(&c, tsig->algorithm, tsig->algorithm_len);
    write_time(&c, tsig->time_s);
    cursor_write_u16(&c, tsig->fudge);
    cursor_write_u16(&c, tsig->mac_len);
    cursor_write(&c, tsig->mac, tsig->mac_len);
    cursor_write_u16(&c, tsig->original_id);
    cursor_write_u16(&c, tsig->error);
    cursor_write_u16(&c, tsig->other_len);
    cursor_write(&c, tsig->other, tsig->other_len);
    if (c.failed) {
        return 0;
    }
    struct cursor additional = cursor_init(message + 10, 2);
    uint16_t count = (uint16_t)(cursor_read_u16(&additional) + 1);
    additional.at = 0;
    cursor_write_u16(&additional, count);
    return c.at;
}
