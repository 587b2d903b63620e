/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of dns: replies that somebody else has written, and what a check makes of them. */
#include "config.h"

#include "unit.h"

#include "base/cursor.h"
#include "base/random.h"
#include "dns/ask.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/query.h"

#include <string.h>

enum { ID = 0x1234, SIZE = 512 };

static const uint8_t www[] = "\3www\7example\3com";

static struct dns_ask plain(void)
{
    return (struct dns_ask){.name = www,
                            .type = DNS_TYPE_A,
                            .class = DNS_CLASS_IN,
                            .edns = true,
                            .rcodes = 1u << DNS_RCODE_NOERROR};
}

/* A reply with these counts of records, of which `records` follow the question. */
struct reply {
    uint8_t bytes[SIZE];
    struct cursor c;
};

static void begin(struct reply *r, unsigned flags, unsigned answers, unsigned additional)
{
    r->c = cursor_init(r->bytes, sizeof r->bytes);
    cursor_write_u16(&r->c, ID);
    cursor_write_u16(&r->c, (uint16_t)(DNS_FLAG_QR | flags));
    cursor_write_u16(&r->c, 1);
    cursor_write_u16(&r->c, (uint16_t)answers);
    cursor_write_u16(&r->c, 0);
    cursor_write_u16(&r->c, (uint16_t)additional);
    cursor_write(&r->c, "\3WWW\7Example\3com", sizeof www);
    cursor_write_u32(&r->c, DNS_TYPE_A << 16 | DNS_CLASS_IN);
}

static void add(struct reply *r, unsigned type, const void *rdata, size_t len)
{
    cursor_write_u16(&r->c, 0xc00c);
    cursor_write_u32(&r->c, type << 16 | DNS_CLASS_IN);
    cursor_write_u32(&r->c, 60);
    cursor_write_u16(&r->c, (uint16_t)len);
    cursor_write(&r->c, rdata, len);
}

static enum dns_ask_verdict judge(const struct dns_ask *ask, const struct reply *r)
{
    return dns_ask_judge(ask, ID, r->bytes, r->c.at).verdict;
}

static void queries_are_written(void **state)
{
    (void)state;
    static const uint8_t expected[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\1\3www\7example\3com\0\0\1\0\1"
                                      "\0\0\x29\x04\xd0\0\0\0\0\0\0";
    uint8_t query[DNS_ASK_QUERY_MAX];
    struct dns_ask ask = plain();
    struct dns_query parsed;
    ask.recursion = true;
    assert_int_equal(dns_ask_write(&ask, ID, query), sizeof expected - 1);
    assert_memory_equal(query, expected, sizeof expected - 1);
    assert_int_equal(dns_query_parse(&parsed, query, sizeof expected - 1), DNS_QUERY_OK);
    ask.edns = ask.recursion = false;
    assert_int_equal(dns_ask_write(&ask, ID, query), sizeof expected - 1 - 11);
    uint8_t longest[DNS_NAME_MAX] = {0};
    for (int i = 0; i < 254; i += 2) {
        longest[i] = 1;
    }
    ask.name = longest;
    ask.edns = true;
    assert_int_equal(dns_ask_write(&ask, ID, query), DNS_ASK_QUERY_MAX);
    assert_int_equal(dns_ask_judge(&ask, ID, query, sizeof query).verdict, DNS_ASK_FOREIGN); /* no reply */
}

static void what_is_no_reply_to_it_is_foreign(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 0},    {1, 0x35}, {2, 0},     {2, 0xa8}, {5, 2},
                   {13, 'v'}, {26, 'x'}, {30, 0x1c}, {32, 3},   {12, 0xc0}};
    struct dns_ask ask = plain();
    struct reply r;
    begin(&r, 0, 0, 0);
    assert_int_equal(judge(&ask, &r), DNS_ASK_GOOD);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct reply bad = r;
        bad.bytes[changes[i].at] = changes[i].value;
        assert_int_equal(judge(&ask, &bad), DNS_ASK_FOREIGN);
    }
    for (size_t len = 0; len < r.c.at; len++) {
        assert_int_equal(dns_ask_judge(&ask, ID, r.bytes, len).verdict, DNS_ASK_FOREIGN);
    }
}

static void rcodes_are_judged(void **state)
{
    (void)state;
    struct dns_ask ask = plain();
    struct reply r;
    for (unsigned rcode = 0; rcode < 16; rcode++) {
        begin(&r, rcode, 0, 0);
        assert_int_equal(judge(&ask, &r), rcode == 0 ? DNS_ASK_GOOD : DNS_ASK_BAD_RCODE);
        assert_int_equal(dns_ask_judge(&ask, ID, r.bytes, r.c.at).rcode, rcode);
        r.bytes[5] = 0; /* without a question: only what says that something is wrong */
        bool is_error = rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN;
        assert_int_equal(dns_ask_judge(&ask, ID, r.bytes, DNS_HEADER_SIZE).verdict,
                         is_error ? DNS_ASK_BAD_RCODE : DNS_ASK_FOREIGN);
    }
    ask.rcodes = 1u << DNS_RCODE_BADVERS;
    begin(&r, 0, 0, 1);
    cursor_write(&r.c, "\0\0\x29\x04\xd0\1\0\0\0\0\0", 11); /* the high bits are in OPT */
    assert_int_equal(judge(&ask, &r), DNS_ASK_GOOD);
    r.bytes[r.c.at - 6] = 0xff;
    assert_int_equal(judge(&ask, &r), DNS_ASK_BAD_RCODE); /* and may be more than there are bits */
}

static void answers_are_judged(void **state)
{
    (void)state;
    const struct dns_ask_value values[] = {{(const uint8_t *)"\300\0\2\1", 4},
                                           {(const uint8_t *)"\300\0\2\2", 4}};
    struct dns_ask ask = plain();
    struct reply r;
    ask.values = values;
    ask.value_count = 2;
    begin(&r, 0, 3, 0);
    add(&r, DNS_TYPE_CNAME, "\1x", 3);
    add(&r, DNS_TYPE_A, values[1].octets, 4);
    size_t cut = r.c.at;
    add(&r, DNS_TYPE_A, values[0].octets, 4);
    assert_int_equal(judge(&ask, &r), DNS_ASK_GOOD);
    r.bytes[r.c.at - 1] = 9;
    assert_int_equal(judge(&ask, &r), DNS_ASK_BAD_ANSWER);
    assert_int_equal(dns_ask_judge(&ask, ID, r.bytes, r.c.at - 1).verdict, DNS_ASK_GARBLED);
    assert_int_equal(dns_ask_judge(&ask, ID, r.bytes, cut).verdict, DNS_ASK_GARBLED);
    r.bytes[2] |= DNS_FLAG_TC >> 8; /* what came is judged */
    struct dns_ask_heard heard = dns_ask_judge(&ask, ID, r.bytes, cut + 3);
    assert_true(heard.verdict == DNS_ASK_BAD_ANSWER && heard.is_truncated);
    ask.value_count = 0;
    ask.wants_record = true;
    assert_int_equal(judge(&ask, &r), DNS_ASK_GOOD);
    begin(&r, 0, 1, 1);
    add(&r, DNS_TYPE_CNAME, "\1x", 3);
    add(&r, DNS_TYPE_A, values[0].octets, 4); /* in another section */
    assert_int_equal(judge(&ask, &r), DNS_ASK_BAD_ANSWER);
}

static void names_and_texts_are_values(void **state)
{
    (void)state;
    static const struct {
        unsigned type;
        const char *rdata;
        size_t len;
        const char *value;
        size_t value_len;
        bool good;
    } cases[] = {
        {DNS_TYPE_NS, "\2ns\xc0\x10", 5, "\2NS\7example\3com", 16, true},
        {DNS_TYPE_NS, "\2ns\xc0\x0c", 5, "\2NS\7example\3com", 16, false},
        {DNS_TYPE_NS, "\2ns\0", 4, "\2ns", 4, true},
        {DNS_TYPE_NS, "\2ns", 3, "\2ns", 4, false}, /* it ends within the record */
        {DNS_TYPE_TXT, "\3abc\0\1d", 7, "abcd", 4, true},
        {DNS_TYPE_TXT, "\3abc\2d", 6, "abcd", 4, false},
        {DNS_TYPE_TXT, "\3abc", 4, "abcd", 4, false},
        {DNS_TYPE_TXT, "\3abd", 4, "abc", 3, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct dns_ask_value value = {(const uint8_t *)cases[i].value, cases[i].value_len};
        struct dns_ask ask = plain();
        struct reply r;
        ask.values = &value;
        ask.value_count = 1;
        ask.type = (uint16_t)cases[i].type;
        begin(&r, 0, 1, 0);
        r.bytes[30] = (uint8_t)cases[i].type;
        add(&r, cases[i].type, cases[i].rdata, cases[i].len);
        assert_int_equal(judge(&ask, &r), cases[i].good ? DNS_ASK_GOOD : DNS_ASK_BAD_ANSWER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_written),        cmocka_unit_test(what_is_no_reply_to_it_is_foreign),
        cmocka_unit_test(rcodes_are_judged),          cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(names_and_texts_are_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
