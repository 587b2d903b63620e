/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of steered RRsets of any rdata: they read like static ones, of several members each record stands
 * there once, and what health takes away is gone for all types. */
#include "config.h"

#include "answer_fixture.h"

#include "unit.h"

#include "base/buffer.h"
#include "dns/query.h"
#include "dns/types.h"

#include <stdio.h>
#include <string.h>

#define SOA_OF(ttl) "example.com. " ttl " IN SOA ns1.example.com. host.example.com. 7 3600 600 86400 60"
#define SOA         SOA_OF("60")
#define SOA_NOW     SOA_OF("30") /* nothing at the moment: no longer than the TTL of the name */
#define GLUE                                                                                                 \
    "; additional: mx1.example.com. 300 IN A 192.0.2.25 | mx2.example.com. 300 IN A 192.0.2.26 | "           \
    "mx2.example.com. 300 IN AAAA 2001:db8::26"
#define LONG(c)                                                                                              \
    "\"" c "aaaaaaaaabbbbbbbbbbaaaaaaaaabbbbbbbbbbaaaaaaaaabbbbbbbbbbaaaaaaaaabbbbbbbbbbaaaaaaaaabbbbbb\""

static const char zone_text[] =
    "$TTL 300\n"
    "@ SOA ns1 host 7 3600 600 86400 60\n"
    "@ NS ns1\n@ NS ns2\n@ TXT \"apex\"\n"
    "ns1 A 192.0.2.53\nns2 A 192.0.2.54\nns3 A 192.0.2.55\n"
    "mx1 A 192.0.2.25\nmx2 A 192.0.2.26\nmx2 AAAA 2001:db8::26\n"
    "two 30 MX 10 mx1\ntwo 30 MX 20 mx2\ntwo 30 MX 30 mx.example.net.\n"
    "one TXT \"static\"\nfall MX 50 mx2\nfall A 192.0.2.50\n"
    "c1 CNAME c2\nc2 CNAME c3\nc3 CNAME c4\nc4 CNAME c5\nc5 CNAME c6\nc6 CNAME c7\nc7 CNAME c8\n"
    "c8 CNAME c9\nc9 CNAME c10\nc10 CNAME c11\nc11 A 192.0.2.11\n"
    "ali CNAME mx2\n";

static const struct fixture_listed listed[] = {
    {"one", DNS_TYPE_MX, .fallback = STEER_FALLBACK_NODATA,
     .members = {"10 mx1; 20 mx2; 30 mx.example.net.", NULL, "5 mx1"}},
    {"every", DNS_TYPE_TXT, STEER_PICK_ALL, .members = {"\"a\"; \"b\"", "\"b\"; \"c\"", "\"z\""}},
    {"every", DNS_TYPE_MX, STEER_PICK_ALL, .members = {"10 mx1; 10 mx2", "20 mx1; 10 mx2", "1 mx2"}},
    {"example.com.", DNS_TYPE_NS, .fallback = STEER_FALLBACK_NODATA,
     .members = {"ns1; ns3", "ns1; ns3", "ns2"}},
    {"example.com.", DNS_TYPE_MX, .members = {"10 mx1", "10 mx1", "10 mx2"}},
    {"*.wild", DNS_TYPE_SRV, .members = {"1 2 443 mx1", "1 2 443 mx1", "1 2 444 mx1"}},
    {"*.wild", 65400, .members = {"\\# 2 abcd", "\\# 2 abcd", "\\# 0"}},
    {"ali", DNS_TYPE_CNAME, .fallback = STEER_FALLBACK_STATIC, .members = {"one", "one", "x.example.net."}},
    {"lo1", DNS_TYPE_CNAME, .members = {"lo2", "lo2", "lo1"}},
    {"lo2", DNS_TYPE_CNAME, .members = {"lo1", "lo1", NULL}},
    {"far", DNS_TYPE_CNAME, .members = {"c1", "c1", "c3"}},
    {"none", DNS_TYPE_CNAME, STEER_PICK_STICKY, .members = {"nothing", "nothing", "mx1"}},
    {"mixed", DNS_TYPE_A, .members = {"192.0.2.71; 192.0.2.72", "192.0.2.71; 192.0.2.72", "CNAME mx2"}},
    {"big", DNS_TYPE_TXT,
     .members = {LONG("1") "; " LONG("2") "; " LONG("3") "; " LONG("4") "; " LONG("5"), NULL, "\"small\""}},
    {"crowd", DNS_TYPE_TXT, STEER_PICK_ALL,
     .members = {LONG("1") "; " LONG("2"), LONG("3") "; " LONG("4") "; " LONG("5"), "\"small\""}},
    {"fall", DNS_TYPE_MX, .fallback = STEER_FALLBACK_STATIC, .members = {"10 mx1", "10 mx1", "20 mx1"}},
    {"fail", DNS_TYPE_HTTPS, .fallback = STEER_FALLBACK_SERVFAIL, .members = {"1 . alpn=h2", NULL, NULL}},
    {"stick", DNS_TYPE_MX, STEER_PICK_STICKY, .members = {"10 mx1", "20 mx1", "30 mx1"}},
    {"some", DNS_TYPE_TXT, STEER_PICK_WEIGHTED, 2, .members = {"\"a\"; \"b\"; \"c\"", "\"c\"", "\"z\""}},
    {NULL, .type = 0},
};

static int set_up(void **state)
{
    static struct fixture f;
    static const char *const origins[] = {"example.com."}, *const texts[] = {zone_text};
    fixture_init_listed(&f, origins, texts, 1, listed);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_fini(*state);
    return 0;
}

#define ASK(name, type, expected)                                                                            \
    assert_string_equal(fixture_ask(*state, name, type, ANSWER_UDP, 0), expected)

static void take_away(struct fixture *f, enum health_kind kind, uint32_t index, enum health_desired desired)
{
    struct health_override override = {.desired = desired};
    assert_int_equal(health_set_override(f->view.health, kind, index, &override, 2), 0);
}

static void lose(void **state, uint32_t endpoint)
{
    take_away(*state, HEALTH_ENDPOINT, endpoint, HEALTH_DESIRED_DOWN);
}

/* ---- one member ---- */

static void a_list_reads_like_a_static_rrset(void **state)
{
    char steered[1024];
    strcpy(steered, fixture_ask(*state, "one.example.com.", DNS_TYPE_MX, ANSWER_UDP, 0));
    assert_string_equal(steered, "NOERROR aa rd; answer: one.example.com. 30 IN MX 10 mx1.example.com. | "
                                 "one.example.com. 30 IN MX 20 mx2.example.com. | one.example.com. 30 IN MX "
                                 "30 mx.example.net." GLUE);
    for (char *at = steered; (at = strstr(at, "one.")) != NULL;) {
        memcpy(at, "two", 3);
    }
    ASK("two.example.com.", DNS_TYPE_MX, steered);
    uint8_t query[512], a[512], b[512];
    size_t len = fixture_query(query, "one.example.com.", DNS_TYPE_MX, 0, 0);
    size_t got = fixture_ask_bytes(*state, query, len, ANSWER_UDP, a, sizeof a);
    memcpy(query + 13, "two", 3);
    assert_int_equal(fixture_ask_bytes(*state, query, len, ANSWER_UDP, b, sizeof b), got);
    memcpy(a + 13, "two", 3);
    assert_memory_equal(a, b, got); /* compression and all */
}

static void members_without_the_type_do_not_answer(void **state)
{
    for (int i = 0; i < 40; i++) { /* a2 has no MX */
        assert_non_null(
            strstr(fixture_ask(*state, "one.example.com.", DNS_TYPE_MX, ANSWER_UDP, 0), " 20 mx2"));
    }
    lose(state, 0); /* a2 still serves, and has nothing to say: clients do not change regions for one type */
    ASK("one.example.com.", DNS_TYPE_MX, "NOERROR aa rd; authority: " SOA_NOW);
    lose(state, 1);
    ASK("one.example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: one.example.com. 30 IN MX 5 mx1.example.com.; additional: mx1.example.com. "
        "300 IN A 192.0.2.25");
    lose(state, 2);
    ASK("one.example.com.", DNS_TYPE_MX, "NOERROR aa rd; authority: " SOA_NOW);
    ASK("one.example.com.", DNS_TYPE_TXT, "NOERROR aa rd; answer: one.example.com. 300 IN TXT \"static\"");
    ASK("one.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA); /* never steered */
}

static void wildcards_hold(void **state)
{
    ASK("_s._tcp.wild.example.com.", DNS_TYPE_SRV,
        "NOERROR aa rd; answer: _s._tcp.wild.example.com. 30 IN SRV 1 2 443 mx1.example.com.; additional: "
        "mx1.example.com. 300 IN A 192.0.2.25");
    ASK("x.wild.example.com.", 65400,
        "NOERROR aa rd; answer: x.wild.example.com. 30 IN TYPE65400 \\# 2 abcd");
    take_away(*state, HEALTH_REGION, 0, HEALTH_DESIRED_DRAIN);
    ASK("x.wild.example.com.", 65400, "NOERROR aa rd; answer: x.wild.example.com. 30 IN TYPE65400 \\# 0");
    ASK("x.wild.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA);
}

static void the_apex_holds_any_type_and_never_loses_ns(void **state)
{
    ASK("example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: example.com. 30 IN MX 10 mx1.example.com.; additional: mx1.example.com. 300 "
        "IN A 192.0.2.25");
    ASK("example.com.", DNS_TYPE_NS,
        "NOERROR aa rd; answer: example.com. 30 IN NS ns1.example.com. | example.com. 30 IN NS "
        "ns3.example.com.; additional: ns1.example.com. 300 IN A 192.0.2.53 | ns3.example.com. 300 IN A "
        "192.0.2.55");
    ASK("example.com.", DNS_TYPE_TXT, "NOERROR aa rd; answer: example.com. 300 IN TXT \"apex\"");
    for (uint32_t i = 0; i < 3; i++) {
        lose(state, i);
    }
    const char *got = fixture_ask(*state, "example.com.", DNS_TYPE_NS, ANSWER_UDP, 0);
    assert_non_null(strstr(got, "answer: example.com. 300 IN NS ns1.example.com. | example.com. 300 IN NS "
                                "ns2.example.com."));
}

/* ---- several members ---- */

static void each_record_is_there_once(void **state)
{
    ASK("every.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: every.example.com. 30 IN TXT \"a\" | every.example.com. 30 IN TXT \"b\" | "
        "every.example.com. 30 IN TXT \"c\"");
    ASK("every.example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: every.example.com. 30 IN MX 10 mx1.example.com. | every.example.com. 30 IN "
        "MX "
        "10 mx2.example.com. | every.example.com. 30 IN MX 20 mx1.example.com." GLUE);
    lose(state, 0);
    ASK("every.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: every.example.com. 30 IN TXT \"b\" | every.example.com. 30 IN TXT \"c\"");
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text++;
    }
    return count;
}

static void answers_counts_endpoints(void **state)
{
    for (int i = 0; i < 40; i++) { /* both of the tier, in any order: "c" of both is one record */
        const char *got = fixture_ask(*state, "some.example.com.", DNS_TYPE_TXT, ANSWER_UDP, 0);
        assert_int_equal(count_of(got, " TXT "), 3);
        assert_int_equal(count_of(got, "\"c\""), 1);
    }
    lose(state, 0);
    ASK("some.example.com.", DNS_TYPE_TXT, "NOERROR aa rd; answer: some.example.com. 30 IN TXT \"c\"");
}

/* ---- sizes ---- */

static void what_does_not_fit_is_truncated(void **state)
{
    static const char *const names[] = {"big.example.com.", "crowd.example.com."};
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(fixture_ask(*state, names[i], DNS_TYPE_TXT, ANSWER_UDP, 0), "NOERROR aa tc rd");
        for (int way = 0; way < 2; way++) {
            const char *got = fixture_ask(*state, names[i], DNS_TYPE_TXT, way == 0 ? ANSWER_UDP : ANSWER_TCP,
                                          way == 0 ? 1232 : 0);
            assert_non_null(strstr(got, "NOERROR aa rd; answer: "));
            assert_int_equal(count_of(got, " TXT "), 5);
        }
    }
    take_away(*state, HEALTH_REGION, 0, HEALTH_DESIRED_DOWN);
    ASK("big.example.com.", DNS_TYPE_TXT, "NOERROR aa rd; answer: big.example.com. 30 IN TXT \"small\"");
}

static void additional_data_is_dropped_first(void **state)
{
    uint8_t query[512], out[512] = {0};
    size_t len = fixture_query(query, "every.example.com.", DNS_TYPE_MX, 0, 0), before = 0;
    for (size_t cap = len; cap < 300; cap++) { /* grows record by record, and is whole at every size */
        size_t got = fixture_ask_bytes(*state, query, len, ANSWER_TCP, out, cap);
        bool is_truncated = (out[2] & 2) != 0;
        assert_true(got >= before && got <= cap);
        fixture_check(out, got);
        assert_int_equal(out[7], is_truncated ? 0 : 3);
        assert_true(is_truncated || out[11] <= 3);
        before = got;
    }
    assert_int_equal(out[11], 3);
}

static void any_has_one_rrset(void **state)
{
    ASK("example.com.", DNS_TYPE_ANY, "NOERROR aa rd; answer: example.com. 300 IN TXT \"apex\"");
    ASK("ali.example.com.", DNS_TYPE_ANY,
        "NOERROR aa rd; answer: ali.example.com. 30 IN CNAME one.example.com.");
    ASK("fall.example.com.", DNS_TYPE_ANY, "NOERROR aa rd; answer: fall.example.com. 300 IN A 192.0.2.50");
    ASK("every.example.com.", DNS_TYPE_ANY,
        "NOERROR aa rd; answer: every.example.com. 30 IN TXT \"a\" | every.example.com. 30 IN TXT \"b\" | "
        "every.example.com. 30 IN TXT \"c\"");
}

/* ---- aliases ---- */

static void aliases_are_followed_in_our_zones(void **state)
{
    ASK("ali.example.com.", DNS_TYPE_TXT,
        "NOERROR aa rd; answer: ali.example.com. 30 IN CNAME one.example.com. | one.example.com. 300 IN TXT "
        "\"static\"");
    ASK("ali.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: ali.example.com. 30 IN CNAME one.example.com.; authority: " SOA);
    ASK("ali.example.com.", DNS_TYPE_CNAME,
        "NOERROR aa rd; answer: ali.example.com. 30 IN CNAME one.example.com.");
    take_away(*state, HEALTH_REGION, 0, HEALTH_DESIRED_DOWN);
    ASK("ali.example.com.", DNS_TYPE_A, "NOERROR aa rd; answer: ali.example.com. 30 IN CNAME x.example.net.");
    lose(state, 2); /* the zone file's CNAME */
    ASK("ali.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: ali.example.com. 300 IN CNAME mx2.example.com. | mx2.example.com. 300 IN A "
        "192.0.2.26");
    ASK("ali.example.com.", DNS_TYPE_CNAME,
        "NOERROR aa rd; answer: ali.example.com. 300 IN CNAME mx2.example.com.");
}

static void circles_and_webs_end(void **state)
{
    ASK("lo1.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: lo1.example.com. 30 IN CNAME lo2.example.com. | lo2.example.com. 30 IN CNAME "
        "lo1.example.com.");
    const char *got = fixture_ask(*state, "far.example.com.", DNS_TYPE_A, ANSWER_UDP, 0);
    assert_int_equal(count_of(got, " CNAME "), 10);
    assert_null(strstr(got, "192.0.2.11"));
    take_away(*state, HEALTH_REGION, 0, HEALTH_DESIRED_DOWN);
    ASK("lo1.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: lo1.example.com. 30 IN CNAME lo1.example.com.");
    got = fixture_ask(*state, "far.example.com.", DNS_TYPE_A, ANSWER_UDP, 0);
    assert_int_equal(count_of(got, " CNAME "), 9);
    assert_non_null(strstr(got, "c11.example.com. 300 IN A 192.0.2.11"));
    take_away(*state, HEALTH_REGION, 1, HEALTH_DESIRED_DRAIN);
    ASK("lo1.example.com.", DNS_TYPE_CNAME,
        "NOERROR aa rd; answer: lo1.example.com. 30 IN CNAME lo2.example.com."); /* fallback all */
    take_away(*state, HEALTH_REGION, 0, HEALTH_DESIRED_DRAIN);
    ASK("lo1.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA_NOW);
}

static void a_member_may_be_an_alias(void **state)
{
    ASK("mixed.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: mixed.example.com. 30 IN A 192.0.2.71 | mixed.example.com. 30 IN A "
        "192.0.2.72");
    take_away(*state, HEALTH_REGION, 0, HEALTH_DESIRED_DOWN);
    ASK("mixed.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: mixed.example.com. 30 IN CNAME mx2.example.com. | mx2.example.com. 300 IN A "
        "192.0.2.26");
}

/* ---- fallbacks, and for whom an answer holds ---- */

static void fallbacks(void **state)
{
    ASK("fail.example.com.", DNS_TYPE_HTTPS,
        "NOERROR aa rd; answer: fail.example.com. 30 IN HTTPS 1 . alpn=h2");
    ASK("fall.example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: fall.example.com. 30 IN MX 10 mx1.example.com.; additional: mx1.example.com. "
        "300 IN A 192.0.2.25");
    for (uint32_t i = 0; i < 3; i++) {
        lose(state, i);
    }
    ASK("fail.example.com.", DNS_TYPE_HTTPS, "SERVFAIL rd");
    const char *got = fixture_ask(*state, "fall.example.com.", DNS_TYPE_MX, ANSWER_UDP, 0);
    assert_non_null(strstr(got, "answer: fall.example.com. 300 IN MX 50 mx2.example.com."));
    for (int i = 0, seen = 0; seen != 3; i++) { /* all: those of any tier */
        assert_true(i < 1000);
        got = fixture_ask(*state, "x.wild.example.com.", 65400, ANSWER_UDP, 0);
        seen |= strstr(got, "\\# 2 abcd") != NULL ? 1 : strstr(got, "\\# 0") != NULL ? 2 : 0;
    }
}

/* The scope of an answer to a client in 198.51.100.0/24. */
static unsigned find_scope(void **state, const char *name, uint16_t type)
{
    uint8_t query[512], out[512];
    size_t len = fixture_query(query, name, type, 0, 1232);
    query[len - 1] = 11;
    memcpy(query + len, "\0\10\0\7\0\1\30\0\xc6\x33\x64", 11);
    size_t got = fixture_ask_bytes(*state, query, len + 11, ANSWER_UDP, out, sizeof out);
    assert_memory_equal(out + got - 11, "\0\10\0\7\0\1\30", 7);
    return out[got - 4];
}

static void scopes_are_of_the_whole_chain(void **state)
{
    assert_int_equal(find_scope(state, "stick.example.com.", DNS_TYPE_MX), 20);
    assert_int_equal(find_scope(state, "one.example.com.", DNS_TYPE_MX), 0);
    /* NXDOMAIN for all, behind a CNAME that is not */
    assert_int_equal(find_scope(state, "none.example.com.", DNS_TYPE_A), 20);
    assert_non_null(strstr(fixture_ask(*state, "none.example.com.", DNS_TYPE_A, ANSWER_UDP, 0), "NXDOMAIN"));
    assert_int_equal(find_scope(state, "none.example.com.", DNS_TYPE_CNAME), 20);
    lose(state, 0);
    lose(state, 1); /* one is left: the same for everybody */
    assert_int_equal(find_scope(state, "stick.example.com.", DNS_TYPE_MX), 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_list_reads_like_a_static_rrset),
        WITH(members_without_the_type_do_not_answer),
        WITH(wildcards_hold),
        WITH(the_apex_holds_any_type_and_never_loses_ns),
        WITH(each_record_is_there_once),
        WITH(answers_counts_endpoints),
        WITH(what_does_not_fit_is_truncated),
        WITH(additional_data_is_dropped_first),
        WITH(any_has_one_rrset),
        WITH(aliases_are_followed_in_our_zones),
        WITH(circles_and_webs_end),
        WITH(a_member_may_be_an_alias),
        WITH(fallbacks),
        WITH(scopes_are_of_the_whole_chain),
    };
    return cmocka_run_group_tests_name("answer_listed", tests, NULL, NULL);
}
