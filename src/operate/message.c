/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages between explain and the answer code. Rdata in presentation form, where
 * a type has one. Replies are our own, but are read as if they were not. */
#include "config.h"

#include "operate/message.h"

#include "base/addr.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "dns/query.h"
#include "zone/writer.h"

#include <stdio.h>
#include <string.h>

enum { POINTERS_MAX = 128, PAYLOAD = 1232 };

/* RFC 7871 section 6: the whole address. */
static void write_client(struct cursor *c, const struct addr *client)
{
    size_t len = addr_len(client);
    cursor_write_u8(c, 0);
    cursor_write_u16(c, DNS_TYPE_OPT);
    cursor_write_u16(c, PAYLOAD);
    cursor_write_u32(c, 0);
    cursor_write_u16(c, (uint16_t)(8 + len));
    cursor_write_u16(c, DNS_OPTION_ECS);
    cursor_write_u16(c, (uint16_t)(4 + len));
    cursor_write_u16(c, client->family == ADDR_V4 ? 1 : 2);
    cursor_write_u8(c, (uint8_t)(8 * len));
    cursor_write_u8(c, 0);
    cursor_write(c, client->bytes, len);
}

size_t message_write_query(const struct message_question *question, uint8_t out[MESSAGE_QUERY_MAX])
{
    struct cursor c = cursor_init(out, MESSAGE_QUERY_MAX);
    cursor_write_u16(&c, 0);
    cursor_write_u16(&c, 0);
    cursor_write_u16(&c, 1);
    cursor_write_u16(&c, 0);
    cursor_write_u16(&c, 0);
    cursor_write_u16(&c, question->client == NULL ? 0 : 1);
    cursor_write(&c, question->name, question->name_len);
    cursor_write_u16(&c, question->type);
    cursor_write_u16(&c, DNS_CLASS_IN);
    if (question->client != NULL) {
        write_client(&c, question->client);
    }
    return c.at;
}

/* The name at the cursor, uncompressed; the cursor moves behind it. */
static void read_name(struct cursor *c, uint8_t wire[DNS_NAME_MAX])
{
    struct cursor at = *c;
    bool jumped = false;
    size_t len = 0;
    for (unsigned pointers = 0; pointers <= POINTERS_MAX;) {
        uint8_t label = cursor_read_u8(&at);
        if ((label & 0xc0) == 0xc0) {
            size_t to = (size_t)(label & 0x3f) << 8 | cursor_read_u8(&at);
            c->at = jumped ? c->at : at.at;
            jumped = true;
            pointers++;
            at.failed |= to >= at.len;
            at.at = at.failed ? at.at : to;
            continue;
        }
        const uint8_t *octets = cursor_take(&at, label);
        if (octets == NULL || label > DNS_LABEL_MAX || len + label + 1u > DNS_NAME_MAX) {
            break;
        }
        wire[len++] = label;
        memcpy(wire + len, octets, label);
        len += label;
        if (label == 0) {
            c->at = jumped ? c->at : at.at;
            return;
        }
    }
    c->failed = true;
    wire[0] = 0;
}

static void add_name(struct buffer *out, struct cursor *c)
{
    uint8_t wire[DNS_NAME_MAX];
    char text[DNS_NAME_TEXT_SIZE];
    read_name(c, wire);
    buffer_add_text(out, dns_name_write(wire, text));
}

static void add_addr(struct buffer *out, struct cursor *c, uint8_t family, size_t len)
{
    struct addr addr = {.family = family};
    char text[ADDR_TEXT_SIZE];
    const uint8_t *octets = cursor_take(c, len);
    if (octets != NULL) {
        memcpy(addr.bytes, octets, len);
        buffer_add_text(out, addr_write(&addr, text));
    }
}

/* Character strings up to the end, quoted (RFC 1035 section 5.1). */
static void add_strings(struct buffer *out, struct cursor *c, size_t end)
{
    for (bool first = true; c->at < end && !c->failed; first = false) {
        size_t len = cursor_read_u8(c);
        const uint8_t *octets = cursor_take(c, len);
        buffer_add_text(out, first ? "\"" : " \"");
        for (size_t i = 0; octets != NULL && i < len; i++) {
            if (octets[i] == '"' || octets[i] == '\\') {
                buffer_print(out, "\\%c", octets[i]);
            } else if (octets[i] < ' ' || octets[i] > '~') {
                buffer_print(out, "\\%03u", octets[i]);
            } else {
                buffer_add(out, octets + i, 1);
            }
        }
        buffer_add_text(out, "\"");
    }
}

/* Types that have no compressed names (RFC 3597 section 4). */
static void add_other(struct buffer *out, struct cursor *c, uint16_t type, size_t len)
{
    const uint8_t *octets = cursor_take(c, len);
    if (octets != NULL) {
        zone_write_rdata(out, &(struct zone_record){.owner = (const uint8_t *)"",
                                                    .type = type,
                                                    .rdata = octets,
                                                    .rdata_len = (uint16_t)len});
    }
}

static void add_soa(struct buffer *out, struct cursor *c)
{
    add_name(out, c);
    buffer_add_text(out, " ");
    add_name(out, c);
    for (int i = 0; i < 5; i++) {
        buffer_print(out, " %u", cursor_read_u32(c));
    }
}

static void add_rdata(struct buffer *out, struct cursor *c, uint16_t type, size_t len)
{
    size_t end = c->at + len;
    switch (type) {
    case DNS_TYPE_A: add_addr(out, c, ADDR_V4, 4); break;
    case DNS_TYPE_AAAA: add_addr(out, c, ADDR_V6, 16); break;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME: add_name(out, c); break;
    case DNS_TYPE_MX:
        buffer_print(out, "%u ", cursor_read_u16(c));
        add_name(out, c);
        break;
    case DNS_TYPE_SRV:
        for (int i = 0; i < 3; i++) {
            buffer_print(out, "%u ", cursor_read_u16(c));
        }
        add_name(out, c);
        break;
    case DNS_TYPE_SOA: add_soa(out, c); break;
    case DNS_TYPE_TXT: add_strings(out, c, end); break;
    default: add_other(out, c, type, len); break;
    }
    if (c->at != end) { /* the rdata lied about its length */
        c->failed = true;
    }
}

struct record {
    uint16_t type;
    uint32_t ttl;
    uint16_t len;
    size_t rdata_at;
};

/* One record as text in out; false: there is none that is whole. */
static bool read_record(struct cursor *c, struct buffer *out, struct record *record)
{
    char type[DNS_TYPE_TEXT_SIZE];
    add_name(out, c);
    record->type = cursor_read_u16(c);
    cursor_read_u16(c);
    record->ttl = cursor_read_u32(c);
    size_t len = cursor_read_u16(c);
    record->rdata_at = c->at;
    if (c->failed || len > cursor_left(c)) {
        return false;
    }
    buffer_print(out, " %u IN %s ", record->ttl, dns_write_type(record->type, type));
    add_rdata(out, c, record->type, len);
    return !c->failed;
}

static void read_answers(struct cursor *c, unsigned count, struct arena *arena, struct message_text *text)
{
    text->answers = arena_alloc(arena, count * sizeof *text->answers);
    for (unsigned i = 0; i < count && !c->failed; i++) {
        struct buffer line;
        struct record record;
        buffer_init(&line);
        if (read_record(c, &line, &record)) {
            text->answers[text->answer_count++] = arena_copy_text(arena, line.bytes);
            text->ttl = record.ttl;
        }
        if (!c->failed && record.type == DNS_TYPE_CNAME) {
            struct cursor rdata = *c;
            rdata.at = record.rdata_at;
            read_name(&rdata, text->target);
            text->cname_count++;
        }
        buffer_fini(&line);
    }
}

/* The record without its rdata, which the cursor is moved behind; false: there is none that is whole. */
static bool skip_record(struct cursor *c, struct record *record)
{
    uint8_t wire[DNS_NAME_MAX];
    read_name(c, wire);
    record->type = cursor_read_u16(c);
    cursor_read_u16(c);
    record->ttl = cursor_read_u32(c);
    record->len = cursor_read_u16(c);
    record->rdata_at = c->at;
    return cursor_take(c, record->len) != NULL && !c->failed;
}

/* The scope that an OPT record tells, or 0. */
static uint8_t find_scope(const struct cursor *c, const struct record *record)
{
    struct cursor options = cursor_init_const(c->bytes + record->rdata_at, record->len);
    while (cursor_left(&options) != 0 && !options.failed) {
        uint16_t code = cursor_read_u16(&options), len = cursor_read_u16(&options);
        const uint8_t *data = cursor_take(&options, len);
        if (code == DNS_OPTION_ECS && data != NULL && len >= 4) {
            return data[3];
        }
    }
    return 0;
}

/* What stands behind the answers: the TTL of a negative answer, and the scope. */
static void read_rest(struct cursor *c, unsigned authorities, unsigned others, struct message_text *text)
{
    struct record record;
    for (unsigned i = 0; i < authorities + others && skip_record(c, &record); i++) {
        if (i == 0 && i < authorities && text->answer_count == 0) {
            text->ttl = record.ttl;
            text->is_negative = record.type == DNS_TYPE_SOA;
        }
        if (record.type == DNS_TYPE_OPT) {
            text->scope = find_scope(c, &record);
        }
    }
}

void message_read(const uint8_t *bytes, size_t len, struct arena *arena, struct message_text *text)
{
    struct cursor c = cursor_init_const(bytes, len);
    *text = (struct message_text){.ttl = 0};
    cursor_read_u16(&c);
    text->rcode = cursor_read_u16(&c) & 15;
    unsigned questions = cursor_read_u16(&c), answers = cursor_read_u16(&c),
             authorities = cursor_read_u16(&c), others = cursor_read_u16(&c);
    if (questions == 1) {
        read_name(&c, text->target);
        cursor_read_u32(&c);
    }
    read_answers(&c, c.failed ? 0 : answers, arena, text);
    if (!c.failed) {
        read_rest(&c, authorities, others, text);
    }
}
