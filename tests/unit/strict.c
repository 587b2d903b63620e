/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See strict.h. */
#include "config.h"

#include "strict.h"

#include <stdbool.h>
#include <string.h>

enum { HEADER = 12, FIXED = 10, NAME_MAX_LEN = 255, MESSAGE_MAX = 65535 };
enum {
    A = 1,
    NS = 2,
    CNAME = 5,
    SOA = 6,
    PTR = 12,
    MX = 15,
    AAAA = 28,
    SRV = 33,
    DNAME = 39,
    OPT = 41,
    SVCB = 64,
    HTTPS = 65
};
enum { TSIG = 250 };

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    const char *fault;                   /* the first one */
    uint8_t labels[MESSAGE_MAX / 8 + 1]; /* where a label (or the root) of a name begins: a bit each */
    bool has_opt, has_tsig;
};

static void fail(struct reader *r, const char *fault)
{
    r->fault = r->fault == NULL ? fault : r->fault;
    r->at = r->len;
}

static bool has(struct reader *r, size_t count)
{
    if (r->fault != NULL || r->len - r->at < count) {
        fail(r, "the message ends too early");
        return false;
    }
    return true;
}

static unsigned read16(struct reader *r)
{
    if (!has(r, 2)) {
        return 0;
    }
    r->at += 2;
    return (unsigned)(r->bytes[r->at - 2] << 8 | r->bytes[r->at - 1]);
}

static bool is_label(const struct reader *r, size_t at)
{
    return (r->labels[at / 8] >> at % 8 & 1) != 0;
}

/* How long the rest of a name is that stands earlier: it was read before, so it ends. */
static size_t measure(const struct reader *r, size_t at)
{
    size_t len = 1;
    while (r->bytes[at] != 0) {
        if (r->bytes[at] >= 0xc0) {
            at = (size_t)(r->bytes[at] & 0x3f) << 8 | r->bytes[at + 1];
        } else {
            len += r->bytes[at] + 1u;
            at += r->bytes[at] + 1u;
        }
    }
    return len;
}

/* Its labels may be pointed to when all of it is read. */
static void note_labels(struct reader *r, size_t at)
{
    for (;; at += r->bytes[at] + 1u) {
        r->labels[at / 8] |= (uint8_t)(1u << at % 8);
        if (r->bytes[at] == 0 || r->bytes[at] >= 0xc0) {
            return;
        }
    }
}

static void read_name(struct reader *r, bool may_point)
{
    size_t begin = r->at, len = 0;
    while (has(r, 1)) {
        unsigned first = r->bytes[r->at];
        if (first >= 0xc0) {
            size_t to = read16(r) & 0x3fff;
            if (r->fault == NULL && (!may_point || to >= begin || !is_label(r, to))) {
                fail(r, may_point ? "a pointer leads to no earlier name" : "a pointer where none may be");
            }
            len += r->fault == NULL ? measure(r, to) : 0;
            break;
        }
        if (first > 63 || !has(r, first + 1)) {
            fail(r, "a label of no known kind");
            break;
        }
        r->at += first + 1;
        len += first + 1;
        if (first == 0) {
            break;
        }
    }
    if (len > NAME_MAX_LEN) {
        fail(r, "a name of more than 255 octets");
    }
    if (r->fault == NULL) {
        note_labels(r, begin);
    }
}

static void skip(struct reader *r, size_t count)
{
    if (has(r, count)) {
        r->at += count;
    }
}

static void read_rdata(struct reader *r, unsigned type, size_t end)
{
    switch (type) {
    case A: skip(r, 4); break;
    case AAAA: skip(r, 16); break;
    case SOA: read_name(r, true); /* fall through */
    case NS:
    case CNAME:
    case PTR:
        read_name(r, true);
        skip(r, type == SOA ? 20 : 0);
        break;
    case MX:
        skip(r, 2);
        read_name(r, true);
        break;
    case SRV:
        skip(r, 6);
        read_name(r, false);
        break;
    case DNAME: read_name(r, false); break;
    case SVCB:
    case HTTPS:
        skip(r, 2);
        read_name(r, false);
        break;
    default: break;
    }
    bool is_whole = type == SVCB || type == HTTPS || r->at == end;
    bool is_known = type == A || type == AAAA || type == SOA || type == NS || type == CNAME || type == PTR ||
                    type == MX || type == SRV || type == DNAME;
    if (r->fault == NULL && (r->at > end || (is_known && !is_whole))) {
        fail(r, "rdata that are longer or shorter than they say");
    }
    r->at = r->fault == NULL ? end : r->at;
}

static void read_record(struct reader *r, unsigned section)
{
    size_t owner = r->at;
    read_name(r, true);
    if (r->fault != NULL || !has(r, FIXED)) {
        fail(r, "a record without an end");
        return;
    }
    unsigned type = read16(r);
    r->at += 6;
    size_t rdata_len = read16(r), end = r->at + rdata_len;
    if (!has(r, rdata_len)) {
        return;
    }
    if (r->has_tsig || (type == OPT && (section != 3 || r->has_opt || r->bytes[owner] != 0)) ||
        (type == TSIG && section != 3)) {
        fail(r, "OPT or TSIG where it must not be");
    }
    r->has_opt |= type == OPT;
    r->has_tsig |= type == TSIG;
    read_rdata(r, type, end);
}

const char *strict_find_fault(const uint8_t *bytes, size_t len)
{
    struct reader r = {.bytes = bytes, .len = len};
    if (len < HEADER || len > MESSAGE_MAX) {
        return "no header, or too much behind it";
    }
    r.at = 4;
    unsigned counts[4];
    for (unsigned i = 0; i < 4; i++) {
        counts[i] = read16(&r);
    }
    for (unsigned section = 0; section < 4; section++) {
        for (unsigned i = 0; i < counts[section] && r.fault == NULL; i++) {
            if (section == 0) {
                read_name(&r, true);
                skip(&r, 4);
            } else {
                read_record(&r, section);
            }
        }
    }
    return r.fault != NULL ? r.fault : r.at != len ? "octets behind the last record" : NULL;
}
