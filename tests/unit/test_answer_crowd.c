/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers with several members that are larger than pointers reach (RFC 1035 section 4.1.4): what they bring
 * along is complete, whole RRset by whole RRset, and a strict reader and ldns read it. Each of two members
 * has RECORDS records of its own, with a target each. */
#include "config.h"

#include "answer_fixture.h"
#include "strict.h"
#include "unit.h"

#include "base/buffer.h"
#include "dns/types.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 60 };

#define WIDE                                                                                                 \
    "a234567890a234567890a234567890a234567890a234567890.b234567890b234567890b234567890b234567890b23456789."  \
    "c234567890c234567890c234567890c23456789"

static const char *const origins[] = {"example.com."};

struct crowd {
    struct fixture f;
    struct buffer zone, members[2];
    const char *text;
    struct fixture_listed listed[2];
    uint8_t out[65535];
    size_t len;
};

/* Targets are t<member>-<number>.WIDE, each with an address of either kind, and the last one of each member
 * is www, which is steered. */
static void make(struct crowd *c, uint16_t type, const char *front)
{
    buffer_init(&c->zone);
    buffer_add_text(&c->zone, "$TTL 300\n@ SOA ns1 host 7 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n");
    for (unsigned m = 0; m < 2; m++) {
        buffer_init(&c->members[m]);
        for (unsigned i = 0; i < RECORDS; i++) {
            buffer_print(&c->zone, "t%u-%u.%s A 10.%u.0.%u\nt%u-%u.%s AAAA 2001:db8:%u::%u\n", m, i, WIDE, m,
                         i, m, i, WIDE, m, i);
            buffer_print(&c->members[m], "%u %s t%u-%u.%s; ", 10 + i, front, m, i, WIDE);
        }
        buffer_print(&c->members[m], "%u %s www", 10 + RECORDS + m, front);
    }
    c->text = c->zone.bytes;
    c->listed[0] = (struct fixture_listed){"crowd", type, STEER_PICK_ALL,
                                           .members = {c->members[0].bytes, c->members[1].bytes, NULL}};
    fixture_init_listed(&c->f, origins, &c->text, 1, c->listed);
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct crowd));
    return *state == NULL;
}

static int tear_down(void **state)
{
    struct crowd *c = *state;
    fixture_fini(&c->f);
    buffer_fini(&c->zone);
    buffer_fini(&c->members[0]);
    buffer_fini(&c->members[1]);
    free(c);
    return 0;
}

static ldns_pkt *ask(struct crowd *c, uint16_t type, size_t cap)
{
    uint8_t query[512];
    ldns_pkt *packet = NULL;
    size_t len = fixture_query(query, "crowd.example.com.", type, 0, 0);
    c->len = fixture_ask_bytes(&c->f, query, len, ANSWER_TCP, c->out, cap);
    assert_int_equal(ldns_wire2pkt(&packet, c->out, c->len), LDNS_STATUS_OK);
    return packet;
}

static size_t count(const ldns_rr_list *list, const ldns_rdf *owner, ldns_rr_type type)
{
    size_t found = 0;
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        found += ldns_rr_get_type(rr) == type && ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
    }
    return found;
}

/* Each target of the answer has its addresses, and there is nothing else. */
static void expect_all(const ldns_pkt *packet, unsigned field)
{
    const ldns_rr_list *answer = ldns_pkt_answer(packet), *additional = ldns_pkt_additional(packet);
    size_t expected = 0;
    assert_int_equal(ldns_rr_list_rr_count(answer), 2 * (RECORDS + 1));
    for (size_t i = 0; i < 2 * (RECORDS + 1); i++) {
        const ldns_rdf *target = ldns_rr_rdf(ldns_rr_list_rr(answer, i), field);
        char *text = ldns_rdf2str(target);
        bool is_steered = strcmp(text, "www.example.com.") == 0;
        assert_int_equal(count(additional, target, LDNS_RR_TYPE_A), 1);
        assert_int_equal(count(additional, target, LDNS_RR_TYPE_AAAA), !is_steered);
        expected += is_steered ? 0 : 2;
        free(text);
    }
    assert_int_equal(ldns_rr_list_rr_count(additional), expected + 1);
}

static void expect_crowd(struct crowd *c, uint16_t type, unsigned field)
{
    ldns_pkt *packet = ask(c, type, sizeof c->out);
    assert_true(c->len > 0x4000);
    expect_all(packet, field);
    ldns_pkt_free(packet);
}

static void mx(void **state)
{
    struct crowd *c = *state;
    make(c, DNS_TYPE_MX, "");
    expect_crowd(c, DNS_TYPE_MX, 1);
}

static void srv(void **state)
{
    struct crowd *c = *state;
    make(c, DNS_TYPE_SRV, "5 443");
    expect_crowd(c, DNS_TYPE_SRV, 3);
}

static void https(void **state)
{
    struct crowd *c = *state;
    make(c, DNS_TYPE_HTTPS, "");
    expect_crowd(c, DNS_TYPE_HTTPS, 1);
}

/* Where there is less room the answer is whole, and addresses are left out by the RRset. */
static void any_room(void **state)
{
    struct crowd *c = *state;
    make(c, DNS_TYPE_SRV, "5 443");
    ldns_pkt_free(ask(c, DNS_TYPE_SRV, sizeof c->out));
    size_t most = c->len, last = 0;
    for (size_t cap = 19000; cap < most + 20; cap += 37) {
        ldns_pkt *packet = ask(c, DNS_TYPE_SRV, cap);
        size_t additional = ldns_rr_list_rr_count(ldns_pkt_additional(packet));
        assert_true(c->len <= cap && additional >= last);
        if (!ldns_pkt_tc(packet)) {
            assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_answer(packet)), 2 * (RECORDS + 1));
        }
        last = additional;
        ldns_pkt_free(packet);
    }
    assert_int_equal(last, 4 * RECORDS + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(mx), TEST(srv), TEST(https), TEST(any_room)};
    return cmocka_run_group_tests_name("answer crowd", tests, NULL, NULL);
}
