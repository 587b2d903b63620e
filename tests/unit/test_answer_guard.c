/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what keeps abuse within bounds: response rates by kind of answer in virtual time, who is exempt,
 * cookies that are demanded, amplification, access lists. */
#include "config.h"

#include "answer_fixture.h"

#include "unit.h"

#include "base/limiter.h"
#include "dns/types.h"

#include <string.h>

enum { SECOND = 1000000, T_A = 1, T_TXT = 16, T_AAAA = 28 };

static const char zone_text[] =
    "$ORIGIN example.com.\n$TTL 300\n@ SOA ns hostmaster 1 2 3 4 300\n@ NS ns\nns A 192.0.2.53\n"
    "host A 192.0.2.10\nother A 192.0.2.11\n*.wild A 192.0.2.12\nsub NS ns.sub\nns.sub A 192.0.2.54\n"
    "sub2 NS ns.sub\nold DNAME elsewhere.test.\n"
    "big TXT "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\"\n";

struct setting {
    struct fixture f;
    struct conf_rrl rrl;
    struct conf_zone_options options;
    struct acl_entry entries[2];
    struct acl acl;
    /* the last reply */
    uint8_t out[4096];
    size_t len;
};

/* ---- asking ---- */

/* What became of it: 'D' dropped, 'T' TC, 'C' BADCOOKIE, 'R' refused, '.' sent as it is. */
static char ask_wire(struct setting *s, const char *client, const uint8_t *query, size_t len,
                     enum answer_transport transport)
{
    struct sockaddr_storage from;
    struct addr_port at = {.port = 53};
    assert_int_equal(addr_parse(client, &at.addr), 0);
    addr_to_sockaddr(&at, &from);
    s->len = answer_query(&s->f.context,
                          &(struct answer_request){.bytes = query,
                                                   .len = len,
                                                   .client = (const struct sockaddr *)&from,
                                                   .transport = transport,
                                                   .allow = s->acl.entries != NULL ? &s->acl : NULL},
                          s->out, sizeof s->out);
    if (s->len == 0) {
        return 'D';
    }
    fixture_check(s->out, s->len);
    bool empty = memcmp(s->out + 6, "\0\0\0\0", 4) == 0;
    if ((s->out[2] & 2) != 0) {
        assert_true(empty);
        return 'T';
    }
    /* the OPT of a BADCOOKIE reply ends in the cookie: TTL's first octet lies 28 + 2 + 4 octets before the
     * end */
    if ((s->out[3] & 15) == 7 && s->len > 40 && s->out[s->len - 34] == 1) {
        assert_true(empty);
        return 'C';
    }
    return (s->out[3] & 15) == DNS_RCODE_REFUSED ? 'R' : '.';
}

/* cookie: of len octets, 0: without EDNS. */
static char ask_cookie(struct setting *s, const char *client, const uint8_t *cookie, size_t len)
{
    uint8_t query[512];
    size_t at = fixture_query(query, "host.example.com.", T_A, 0, 1232);
    query[at - 1] = (uint8_t)(len + 4);
    memcpy(query + at, (const uint8_t[]){0, 10, 0, (uint8_t)len}, 4);
    memcpy(query + at + 4, cookie, len);
    return ask_wire(s, client, query, at + 4 + len, ANSWER_UDP);
}

static char ask(struct setting *s, const char *client, const char *name, uint16_t type)
{
    uint8_t query[512];
    size_t len = fixture_query(query, name, type, 0, 0);
    return ask_wire(s, client, query, len, ANSWER_UDP);
}

static void expect(struct setting *s, const char *name, uint16_t type, const char *expected)
{
    for (; *expected != '\0'; expected++) {
        assert_int_equal(ask(s, "192.0.2.1", name, type), *expected);
    }
}

static uint64_t counted(const struct setting *s, enum answer_counter counter)
{
    return answer_read_counter(&s->f.counters, counter);
}

/* ---- rates ---- */

static void set_rate(struct setting *s, enum conf_rrl_kind kind, uint32_t per_second, uint8_t slip)
{
    s->rrl.rates[kind] = (struct limiter_rate){per_second == 0 ? 0 : SECOND / per_second, SECOND, slip};
}

static void later(struct setting *s, unsigned seconds)
{
    s->f.context.now_us += (uint64_t)seconds * SECOND;
}

static void the_same_answer_is_sent_so_often(void **state)
{
    struct setting *s = *state;
    expect(s, "host.example.com.", T_A, "..TDTDTD");
    assert_int_equal(s->f.view.guards, VIEW_GUARD_RATE);
    expect(s, "HOST.example.COM.", T_A, "TDT"); /* the same name */
    expect(s, "other.example.com.", T_A, "..TD");
    expect(s, "host.example.com.", T_TXT, "..TD"); /* NODATA, of any type: */
    expect(s, "host.example.com.", T_AAAA, "TD");
    later(s, 1);
    expect(s, "host.example.com.", T_A, "..TD");
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_POSITIVE), 6 + 3 + 2 + 2);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_NODATA), 4);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_DROPPED), 8);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_SLIPPED), 9);
    assert_int_equal(counted(s, ANSWER_COUNT_TRUNCATED), 9);
    assert_int_equal(counted(s, ANSWER_COUNT_NOERROR), 8 + 9); /* what was not sent is no answer */
}

static void new_names_do_not_help(void **state)
{
    struct setting *s = *state;
    expect(s, "a.wild.example.com.", T_A, "..");
    expect(s, "b.wild.example.com.", T_A, "TD"); /* the same wildcard */
    expect(s, "a.sub.example.com.", T_A, "..");
    expect(s, "b.sub.example.com.", T_A, "TD"); /* the same delegation */
    expect(s, "a.sub2.example.com.", T_A, "..TD");
    expect(s, "a.old.example.com.", T_A, "..");
    expect(s, "b.old.example.com.", T_A, "TD"); /* the same DNAME */
    expect(s, "a.example.com.", T_A, "..");
    expect(s, "b.example.com.", T_TXT, "TD"); /* no such name in the same zone */
    expect(s, "a.net.", T_A, "RR");
    expect(s, "b.net.", T_A, "DD"); /* errors are not worth a second try */
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_REFERRAL), 4);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_NXDOMAIN), 2);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_POSITIVE), 4);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_ERROR), 2);
}

static void every_kind_has_its_rate_and_all_together_one(void **state)
{
    struct setting *s = *state;
    set_rate(s, CONF_RRL_NXDOMAIN, 1, 0);
    set_rate(s, CONF_RRL_POSITIVE, 0, 0);
    expect(s, "a.example.com.", T_A, ".DDDDD");
    expect(s, "host.example.com.", T_A, "........................");
    set_rate(s, CONF_RRL_ALL, 5, 1);
    expect(s, "host.example.com.", T_A, "....");
    expect(s, "other.example.com.", T_A, ".TTTTT");
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_ALL), 5);
    later(s, 1);
    expect(s, "other.example.com.", T_A, ".....T");
}

static void prefixes_are_told_apart(void **state)
{
    struct setting *s = *state;
    static const char *const same[] = {"192.0.2.1", "192.0.2.77", "192.0.2.255", "192.0.2.0"};
    static const char *const same6[] = {"2001:db8:0:12::1", "2001:db8:0:ff:ffff::", "2001:db8:0:1::2",
                                        "2001:db8::"};
    static const char expected[] = "..TD";
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(s, same[i], "host.example.com.", T_A), expected[i]);
    }
    assert_int_equal(ask(s, "192.0.3.1", "host.example.com.", T_A), '.');
    assert_int_equal(ask(s, "192.0.1.1", "host.example.com.", T_A), '.');
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(s, same6[i], "host.example.com.", T_A), expected[i]);
    }
    assert_int_equal(ask(s, "2001:db8:0:112::1", "host.example.com.", T_A), '.');
    struct limiter_culprit culprits[4];
    size_t count = limiter_list_culprits(s->f.view.limiter, culprits, 4);
    assert_in_range(count, 1, 2); /* by chance in one place */
    for (size_t i = 0; i < count; i++) {
        char text[ADDR_TEXT_SIZE];
        struct addr prefix;
        answer_read_prefix(culprits[i].who, &prefix);
        assert_string_equal(addr_write(&prefix, text), prefix.family == ADDR_V4 ? "192.0.2.0" : "2001:db8::");
        assert_in_range(culprits[i].count, 1, 2);
    }
}

static void some_are_exempt(void **state)
{
    struct setting *s = *state;
    struct acl_entry friends = {.prefix = {.addr = {.family = ADDR_V4, .bytes = {192, 0, 2, 77}}, .len = 32}};
    struct acl exempt = {.entries = &friends, .count = 1};
    s->rrl.exempt = &exempt;
    expect(s, "host.example.com.", T_A, "..TDTD");
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(ask(s, "192.0.2.77", "host.example.com.", T_A), '.');
    }
    uint8_t query[512];
    size_t len = fixture_query(query, "host.example.com.", T_A, 0, 0);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(ask_wire(s, "192.0.2.1", query, len, ANSWER_TCP), '.');
    }
    /* nobody knows who asks: explain, drills */
    for (unsigned i = 0; i < 9; i++) {
        assert_true(fixture_ask_bytes(&s->f, query, len, ANSWER_UDP, s->out, sizeof s->out) > len);
    }
    s->rrl.log_only = true;
    uint64_t limited = counted(s, ANSWER_COUNT_RRL_POSITIVE);
    expect(s, "host.example.com.", T_A, "......");
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_POSITIVE), limited + 6);
    assert_int_equal(counted(s, ANSWER_COUNT_RRL_DROPPED), 2);
}

static void cookie_holders_are_exempt(void **state)
{
    struct setting *s = *state;
    uint8_t cookie[24] = "\1\2\3\4\5\6\7\10";
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), '.');
    memcpy(cookie, s->out + s->len - 24, 24);
    expect(s, "host.example.com.", T_A, ".TD");
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 24), '.');
    }
    /* without a good one: a cookie instead of TC, as often; or TC, if cookies are never asked for */
    s->f.server.cookies_require = CONF_COOKIES_LIMITED;
    cookie[23] ^= 1;
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 24), 'C');
    assert_memory_equal(s->out + s->len - 24, cookie, 8);
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 24), 'D');
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'C');
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'D');
    assert_int_equal(counted(s, ANSWER_COUNT_BADCOOKIE), 2);
    uint8_t fresh[24];
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'C');
    memcpy(fresh, s->out + s->len - 24, 24);
    assert_int_equal(ask_cookie(s, "192.0.2.1", fresh, 24), '.');    /* the way that is meant */
    assert_int_equal(ask_cookie(s, "198.51.100.9", fresh, 24), '.'); /* not his, but within the rate */
    s->f.server.cookies_require = CONF_COOKIES_NEVER;
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'D');
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'T');
}

/* ---- cookies ---- */

static void good_cookies_may_be_demanded(void **state)
{
    struct setting *s = *state;
    uint8_t cookie[24] = "\1\2\3\4\5\6\7\10";
    s->f.view.guards = VIEW_GUARD_COOKIE;
    s->f.server.cookies_require = CONF_COOKIES_ALWAYS;
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'C');
    assert_int_equal(s->out[2] & 4, 0); /* not authoritative for nothing */
    memcpy(cookie, s->out + s->len - 24, 24);
    assert_int_equal(ask_cookie(s, "192.0.2.2", cookie, 24), 'C'); /* somebody else's */
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 24), '.');
    expect(s, "host.example.com.", T_A, "....."); /* RFC 7873 section 5.2.1: who knows no cookies is served */
    uint8_t query[512];
    size_t at = fixture_query(query, "host.example.com.", T_A, 0, 1232);
    query[at - 1] = 12;
    memcpy(query + at, "\0\12\0\10\1\2\3\4\5\6\7\10", 12);
    assert_int_equal(ask_wire(s, "192.0.2.1", query, at + 12, ANSWER_TCP), '.'); /* section 5.2.3 */
    assert_int_equal(counted(s, ANSWER_COUNT_BADCOOKIE), 2);
    /* rates hold for BADCOOKIE too, and it slips as what it is */
    s->f.view.guards |= VIEW_GUARD_RATE;
    static const char expected[] = "CCCDCD";
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(ask_cookie(s, "192.0.2.9", cookie, 8), expected[i]);
    }
    s->f.view.guards = VIEW_GUARD_COOKIE; /* malformed queries get what they deserve */
    query[0 + 5] = 2;
    (void)ask_wire(s, "192.0.2.1", query, at + 12, ANSWER_UDP);
    assert_int_equal(s->out[3] & 15, DNS_RCODE_FORMERR);
}

/* RFC 7873 section 5.4: no question, but a cookie, which is judged whatever is demanded. */
static void cookies_alone_are_judged(void **state)
{
    struct setting *s = *state;
    uint8_t query[64] = {1, 2,   0, 0, 0, 0, 0, 0,  0, 0,  0, 1, 0, 0, 41,
                         4, 208, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2};
    s->f.server.cookies_require = CONF_COOKIES_ALWAYS;
    s->f.view.guards = VIEW_GUARD_COOKIE | VIEW_GUARD_AMPLIFICATION | VIEW_GUARD_RATE;
    s->f.server.amplification = 1;
    assert_int_equal(ask_wire(s, "192.0.2.1", query, 35, ANSWER_UDP), '.');
    assert_int_equal(s->len, 51);
    query[22] = 28;
    query[26] = 24;
    memcpy(query + 27, s->out + 27, 24);
    assert_int_equal(ask_wire(s, "192.0.2.1", query, 51, ANSWER_UDP), '.');
    static const char expected[] = "CCDCDC";
    query[50] ^= 1;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(ask_wire(s, "192.0.2.1", query, 51, ANSWER_UDP), expected[i]);
        assert_true(s->len == 0 || s->len == 51);
    }
    assert_int_equal(ask_wire(s, "192.0.2.1", query, 51, ANSWER_TCP), 'C');
    s->f.view.guards = 0;
    assert_int_equal(ask_wire(s, "192.0.2.1", query, 51, ANSWER_UDP), 'C');
}

/* ---- amplification ---- */

static void answers_are_bounded_by_their_queries(void **state)
{
    struct setting *s = *state;
    uint8_t query[512], cookie[24] = "\1\2\3\4\5\6\7\10";
    size_t len = fixture_query(query, "big.example.com.", T_TXT, 0, 1232); /* answered with 152 octets */
    s->f.view.guards = VIEW_GUARD_AMPLIFICATION;
    for (unsigned factor = 1; factor <= 5; factor++) {
        s->f.server.amplification = factor;
        char got = ask_wire(s, "192.0.2.1", query, len, ANSWER_UDP);
        assert_int_equal(got, 152 <= len * factor ? '.' : 'T');
        assert_true(s->len <= len * factor);
    }
    assert_int_equal(len, 44);
    assert_int_equal(counted(s, ANSWER_COUNT_AMPLIFICATION), 3);
    s->f.server.amplification = 1;
    assert_int_equal(ask_wire(s, "192.0.2.1", query, len, ANSWER_TCP), '.');
    assert_int_equal(ask(s, "192.0.2.1", "host.example.com.", T_A), 'T'); /* without EDNS */
    assert_int_equal(s->len, 34);
    /* who has a good cookie is believed to be who he says he is */
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 8), 'T');
    memcpy(cookie, s->out + s->len - 24, 24);
    assert_int_equal(ask_cookie(s, "192.0.2.1", cookie, 24), '.');
    assert_int_equal(counted(s, ANSWER_COUNT_AMPLIFICATION), 5);
}

/* ---- access ---- */

static void listen_addresses_refuse(void **state)
{
    struct setting *s = *state;
    s->f.view.guards = VIEW_GUARD_LISTEN;
    s->acl = (struct acl){.entries = s->entries, .count = 1};
    s->entries[0].prefix =
        (struct addr_prefix){.addr = {.family = ADDR_V4, .bytes = {192, 0, 2, 0}}, .len = 24};
    assert_int_equal(ask(s, "192.0.2.1", "host.example.com.", T_A), '.');
    assert_int_equal(ask(s, "192.0.3.1", "host.example.com.", T_A), 'R');
    assert_int_equal(ask(s, "2001:db8::1", "host.example.com.", T_A), 'R');
    assert_int_equal(counted(s, ANSWER_COUNT_FORBIDDEN_LISTENER), 2);
    assert_int_equal(counted(s, ANSWER_COUNT_REFUSED), 2);
    uint8_t query[512];
    size_t len = fixture_query(query, "host.example.com.", T_A, 0, 0);
    assert_int_equal(ask_wire(s, "192.0.3.1", query, len, ANSWER_TCP), 'R');
    query[5] = 0; /* no question: forbidden clients learn nothing from us */
    assert_int_equal(ask_wire(s, "192.0.3.1", query, 12, ANSWER_UDP), 'R');
}

static void zones_refuse(void **state)
{
    struct setting *s = *state;
    s->f.view.guards = VIEW_GUARD_ZONE;
    s->entries[0].prefix =
        (struct addr_prefix){.addr = {.family = ADDR_V4, .bytes = {192, 0, 2, 0}}, .len = 24};
    s->options.allow_query = &(struct acl){.entries = s->entries, .count = 1};
    assert_int_equal(ask(s, "192.0.2.1", "host.example.com.", T_A), '.');
    assert_int_equal(ask(s, "192.0.3.1", "host.example.com.", T_A), 'R');
    assert_int_equal(counted(s, ANSWER_COUNT_FORBIDDEN_ZONE), 1);
    /* it is the source that counts, not the subnet that it speaks for */
    uint8_t query[512];
    size_t at = fixture_query(query, "host.example.com.", T_A, 0, 1232);
    query[at - 1] = 11;
    memcpy(query + at, "\0\10\0\7\0\1\30\0\300\0\2", 11);
    assert_int_equal(ask_wire(s, "192.0.3.1", query, at + 11, ANSWER_UDP), 'R');
    assert_int_equal(fixture_ask_bytes(&s->f, query, at + 11, ANSWER_TCP, s->out, sizeof s->out) > at + 11,
                     true);
}

/* ---- padding ---- */

/* RFC 7830 section 6: not on a transport that anybody can read. */
static void nothing_is_padded_in_the_open(void **state)
{
    struct setting *s = *state;
    uint8_t query[512];
    s->f.view.guards = 0;
    size_t at = fixture_query(query, "host.example.com.", T_A, 0, 1232);
    query[at - 1] = 20;
    memset(query + at, 0, 20);
    memcpy(query + at, "\0\14\0\20", 4);
    for (int transport = ANSWER_UDP; transport <= ANSWER_TCP; transport++) {
        assert_int_equal(ask_wire(s, "192.0.2.1", query, at + 20, (enum answer_transport)transport), '.');
        assert_int_equal(s->len, at + 16); /* question, A, OPT */
        assert_memory_equal(s->out + s->len - 2, "\0\0", 2);
    }
}

/* ---- the tests ---- */

static int set_up(void **state)
{
    static struct setting s;
    static const char *const origins[] = {"example.com."};
    static const char *const texts[] = {zone_text};
    memset(&s, 0, sizeof s);
    fixture_init(&s.f, origins, texts, 1);
    s.f.server.identity = NULL;
    s.f.server.rrl = &s.rrl;
    s.f.server.zone_defaults = &s.options;
    s.f.view.limiter = limiter_new(1 << 16);
    s.f.view.guards = VIEW_GUARD_RATE;
    s.f.context.now_us = 1234567890123u;
    s.rrl = (struct conf_rrl){.ipv4_prefix = 24, .ipv6_prefix = 56};
    memcpy(&s.rrl.ipv4_mask, "\xff\xff\xff\0", 4);
    memcpy(&s.rrl.ipv6_mask, "\xff\xff\xff\xff\xff\xff\xff\0", 8);
    for (int kind = 0; kind < CONF_RRL_ALL; kind++) {
        set_rate(&s, (enum conf_rrl_kind)kind, 2, 2);
    }
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *s = *state;
    limiter_release(s->f.view.limiter);
    fixture_fini(&s->f);
    return 0;
}

#define GUARD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARD_TEST(the_same_answer_is_sent_so_often),
        GUARD_TEST(new_names_do_not_help),
        GUARD_TEST(every_kind_has_its_rate_and_all_together_one),
        GUARD_TEST(prefixes_are_told_apart),
        GUARD_TEST(some_are_exempt),
        GUARD_TEST(cookie_holders_are_exempt),
        GUARD_TEST(good_cookies_may_be_demanded),
        GUARD_TEST(cookies_alone_are_judged),
        GUARD_TEST(answers_are_bounded_by_their_queries),
        GUARD_TEST(listen_addresses_refuse),
        GUARD_TEST(zones_refuse),
        GUARD_TEST(nothing_is_padded_in_the_open),
    };
    return cmocka_run_group_tests_name("answer guard", tests, NULL, NULL);
}
