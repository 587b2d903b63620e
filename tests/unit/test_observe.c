/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of observe: what a small resolver makes of replies, how long it keeps them, and what the book of an
 * observation adds up to. */
#include "config.h"

#include "unit.h"

#include "base/cursor.h"
#include "dns/query.h"
#include "observe/flight.h"
#include "observe/reply.h"
#include "observe/stub.h"
#include "observe/tally.h"

#include <string.h>

enum { ID = 0x4711, SIZE = 1024, SOA_TTL = 30 };

static const uint8_t www[] = "\3www\7example\3com";
static const struct dns_ask ask = {
    .name = www, .type = DNS_TYPE_A, .class = DNS_CLASS_IN, .edns = true, .rcodes = UINT32_MAX};

/* ---- replies ---- */

struct message {
    uint8_t bytes[SIZE];
    struct cursor c;
};

static void begin(struct message *m, unsigned flags, unsigned answers, unsigned authority)
{
    m->c = cursor_init(m->bytes, sizeof m->bytes);
    cursor_write_u16(&m->c, ID);
    cursor_write_u16(&m->c, (uint16_t)(DNS_FLAG_QR | flags));
    cursor_write_u16(&m->c, 1);
    cursor_write_u16(&m->c, (uint16_t)answers);
    cursor_write_u16(&m->c, (uint16_t)authority);
    cursor_write_u16(&m->c, 0);
    cursor_write(&m->c, www, sizeof www);
    cursor_write_u32(&m->c, DNS_TYPE_A << 16 | DNS_CLASS_IN);
}

static void add(struct message *m, unsigned type, uint32_t ttl, const void *rdata, size_t len)
{
    cursor_write_u16(&m->c, 0xc00c);
    cursor_write_u32(&m->c, type << 16 | DNS_CLASS_IN);
    cursor_write_u32(&m->c, ttl);
    cursor_write_u16(&m->c, (uint16_t)len);
    cursor_write(&m->c, rdata, len);
}

static struct reply read_it(const struct message *m)
{
    return reply_read(&ask, ID, m->bytes, m->c.at);
}

static void addresses_are_read(void **state)
{
    (void)state;
    struct message m;
    begin(&m, 0, 3, 0);
    add(&m, DNS_TYPE_CNAME, 20, "\300\14", 2);
    add(&m, DNS_TYPE_A, 60, "\300\0\2\1", 4);
    add(&m, DNS_TYPE_A, 60, "\300\0\2\2", 4);
    struct reply reply = read_it(&m);
    assert_int_equal(reply.kind, REPLY_ANSWER);
    assert_int_equal(reply.count, 2);
    assert_int_equal(reply.keep_s, 20); /* the least of all */
    char text[ADDR_TEXT_SIZE];
    assert_string_equal(addr_write(&reply.addresses[1], text), "192.0.2.2");
    for (size_t len = 0; len < m.c.at; len++) { /* what is cut is no answer */
        assert_true(reply_read(&ask, ID, m.bytes, len).kind != REPLY_ANSWER);
    }
    begin(&m, 0, 40, 0);
    for (int i = 0; i < 40; i++) {
        add(&m, DNS_TYPE_A, UINT32_MAX, "\300\0\2\1", 4);
    }
    reply = read_it(&m);
    assert_int_equal(reply.count, REPLY_ADDRESSES_MAX);
    assert_int_equal(reply.keep_s, 0); /* RFC 2181 section 8 */
}

static void that_there_is_none_is_kept_as_the_soa_says(void **state)
{
    (void)state;
    static const uint8_t soa[] = "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\x14";
    struct message m;
    begin(&m, 0, 0, 1);
    add(&m, DNS_TYPE_SOA, SOA_TTL, soa, 22);
    assert_int_equal(read_it(&m).kind, REPLY_NONE);
    assert_int_equal(read_it(&m).keep_s, 20);
    begin(&m, DNS_RCODE_NXDOMAIN, 0, 1);
    add(&m, DNS_TYPE_SOA, 10, soa, 22);
    assert_int_equal(read_it(&m).keep_s, 10);
    begin(&m, 0, 0, 1);
    add(&m, DNS_TYPE_SOA, SOA_TTL, soa, 21);
    assert_int_equal(read_it(&m).keep_s, 0);
    begin(&m, DNS_RCODE_SERVFAIL, 0, 0);
    assert_int_equal(read_it(&m).kind, REPLY_FAILURE);
    begin(&m, DNS_FLAG_TC, 0, 0);
    assert_int_equal(read_it(&m).kind, REPLY_TRUNCATED);
    m.bytes[0] ^= 1;
    assert_int_equal(read_it(&m).kind, REPLY_FOREIGN);
}

static void queries_tell_the_subnet(void **state)
{
    (void)state;
    uint8_t query[REPLY_QUERY_MAX];
    struct dns_query parsed;
    struct addr_prefix subnet;
    assert_int_equal(addr_parse_prefix("198.51.100.0/23", &subnet), 0);
    size_t len = reply_write_query(&ask, ID, &subnet, query);
    assert_int_equal(dns_query_parse(&parsed, query, len), DNS_QUERY_OK);
    assert_true(parsed.has_ecs && parsed.ecs.source_len == 23 && addr_equal(&parsed.ecs.addr, &subnet.addr));
    assert_int_equal(addr_parse_prefix("2001:db8::/128", &subnet), 0);
    len = reply_write_query(&ask, ID, &subnet, query);
    assert_int_equal(dns_query_parse(&parsed, query, len), DNS_QUERY_OK);
    assert_true(parsed.has_ecs && parsed.ecs.source_len == 128);
    len = reply_write_query(&ask, ID, NULL, query);
    assert_int_equal(dns_query_parse(&parsed, query, len), DNS_QUERY_OK);
    assert_false(parsed.has_ecs);
}

/* ---- stubs ---- */

static void seconds_are_whole_ones(void **state)
{
    (void)state;
    enum { COUNT = 1000, TTL_S = 5 };
    unsigned keeping = 0, keeping_even = 0;
    int64_t sum_ms = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct stub stub = stub_make(i, COUNT);
        int64_t life_ms = (TTL_S + stub.keeps_second) * 1000;
        int64_t end_ms = stub_find_end(&stub, 123456, TTL_S, false);
        assert_true(end_ms > 123456 + life_ms - 1000 && end_ms <= 123456 + life_ms);
        assert_int_equal((end_ms + stub.ahead_ms) % 1000, 0);
        /* Asked again at once, it lives as long each time. */
        assert_int_equal(stub_find_end(&stub, end_ms, TTL_S, false), end_ms + life_ms);
        int64_t first_ms = stub_find_end(&stub, end_ms, TTL_S, true);
        assert_true(first_ms > end_ms && first_ms <= end_ms + life_ms);
        assert_int_equal(stub_find_end(&stub, end_ms, 0, false), end_ms);
        sum_ms += stub_find_end(&stub, 0, TTL_S, true);
        keeping += stub.keeps_second;
        keeping_even += stub.keeps_second && i % 2 == 0;
    }
    assert_in_range(keeping, COUNT / 2 - 10, COUNT / 2 + 10);
    assert_in_range(keeping_even, COUNT / 4 - 10, COUNT / 4 + 10);
    assert_in_range(sum_ms / COUNT, 2650, 2850); /* half of what they live: 5 s, or 6 s */
}

/* ---- the book ---- */

static struct addr address_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    return addr;
}

/* Ten caches; a fails from 1000 on, and they move to b one by one, the nth at 2000 + 100 n. */
static void who_moves_when(void **state)
{
    (void)state;
    struct addr a = address_of("192.0.2.1"), b = address_of("2001:db8::1");
    struct tally *tally = tally_new(10);
    struct tally_sum sum;
    for (size_t i = 0; i < 10; i++) {
        tally_note_answer(tally, i, &a, 1, 0);
    }
    tally_note_fresh(tally, 0, &a, 1, 1200);
    tally_note_fresh(tally, 0, &b, 1, 1220);
    for (size_t i = 0; i < 10; i++) {
        tally_note_answer(tally, i, &b, 1, 2000 + 100 * (int64_t)i);
    }
    tally_note_fresh(tally, 0, &a, 1, 5000); /* of another loss, long after */
    tally_note_service(tally, tally_find_address(tally, &a), true, 1500);
    tally_note_service(tally, tally_find_address(tally, &a), true, 1000); /* took longer to fail */
    tally_add_up(tally, 4000, &sum);
    assert_int_equal(sum.second_count, 4);
    assert_int_equal(sum.lost_ms, 1000);
    assert_int_equal(sum.decided_ms, 220);
    assert_int_equal(sum.moved_ms[0], 1400);
    assert_int_equal(sum.moved_ms[1], 1800);
    assert_int_equal(sum.moved_ms[3], 1900);
    assert_int_equal(sum.first_ms, 1000);
    assert_int_equal(sum.last_ms, 2900);
    assert_float_equal(sum.failed_one[1], 1, 1e-9);
    assert_float_equal(sum.seconds_one, 1.45, 1e-9);
    assert_float_equal(sum.seconds_all, 1.45, 1e-9);
    tally_sum_fini(&sum);
    tally_free(tally);
}

static void who_tries_the_others(void **state)
{
    (void)state;
    struct addr both[2] = {address_of("192.0.2.1"), address_of("192.0.2.2")}, turned[2] = {both[1], both[0]};
    struct tally *tally = tally_new(2);
    struct tally_sum sum;
    tally_note_answer(tally, 0, both, 2, 0);
    tally_note_answer(tally, 1, turned, 2, 0); /* the same */
    tally_note_service(tally, tally_find_address(tally, &both[0]), true, 0);
    tally_note_service(tally, tally_find_address(tally, &both[1]), true, 2000);
    tally_note_service(tally, tally_find_address(tally, &both[0]), false, 3000);
    tally_note_service(tally, tally_find_address(tally, &both[1]), false, 3000);
    tally_note_answer(tally, 0, NULL, 0, 3500); /* nothing at all */
    tally_add_up(tally, 4000, &sum);
    assert_float_equal(sum.failed_one[0], 0.5, 1e-9);
    assert_float_equal(sum.failed_all[0], 0, 1e-9);
    assert_float_equal(sum.failed_all[2], 1, 1e-9);
    assert_float_equal(sum.failed_one[3], 0.25, 1e-9);
    assert_float_equal(sum.misled[3], 0, 1e-9);
    assert_float_equal(sum.seconds_one, 2.25, 1e-9);
    assert_int_equal(sum.decided_ms, -1);
    tally_sum_fini(&sum);
    tally_free(tally);
}

static void books_are_bounded(void **state)
{
    (void)state;
    struct tally *tally = tally_new(1);
    struct tally_sum sum;
    for (unsigned i = 0; i <= TALLY_ADDRESSES_MAX; i++) {
        struct addr addr = {.family = ADDR_V4, .bytes = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        assert_int_equal(tally_is_full(tally), false);
        tally_note_answer(tally, 0, &addr, 1, i);
        tally_note_service(tally, tally_find_address(tally, &addr), true, i);
    }
    assert_true(tally_is_full(tally));
    tally_add_up(tally, 10000, &sum);
    assert_int_equal(sum.lost_ms, 0);
    tally_sum_fini(&sum);
    tally_free(tally);
    tally = tally_new(1);
    tally_add_up(tally, 0, &sum); /* nothing happened */
    assert_int_equal(sum.second_count, 0);
    assert_int_equal(sum.lost_ms, -1);
    tally_sum_fini(&sum);
    tally_free(tally);
}

/* TCP to a group has no way at all: connect() says so at once, and the socket knows of no error then. */
static void who_cannot_be_reached_has_failed(void **state)
{
    (void)state;
    struct flight flight = {.fd = -1};
    const struct addr_port at = {{.family = ADDR_V4, .bytes = {224, 0, 0, 1}}, 9};
    assert_false(flight_request(&flight, &at, NULL));
    assert_int_equal(flight_advance_request(&flight), FLIGHT_FAILED);
    flight_close(&flight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(that_there_is_none_is_kept_as_the_soa_says),
        cmocka_unit_test(queries_tell_the_subnet),
        cmocka_unit_test(seconds_are_whole_ones),
        cmocka_unit_test(who_moves_when),
        cmocka_unit_test(who_tries_the_others),
        cmocka_unit_test(books_are_bounded),
        cmocka_unit_test(who_cannot_be_reached_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
