/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of answer: RFC 1034 section 4.3.2 and what came after it, on small zones, read back with ldns. */
#include "config.h"

#include "unit.h"

#include "answer_fixture.h"

#include "dns/types.h"

#include <stdio.h>
#include <string.h>

#define SOA_DATA " IN SOA ns1.example.com. host.example.com. 7 3600 600 86400 60"
#define SOA      "example.com. 60" SOA_DATA
#define SOA_NOW  "example.com. 30" SOA_DATA

#define LABEL50 "a234567890a234567890a234567890a234567890a234567890."
#define LONG    LABEL50 LABEL50 LABEL50 LABEL50 "net."

static const char main_zone[] =
    "$TTL 300\n"
    "@ SOA ns1 host 7 3600 600 86400 60\n"
    "@ NS ns1\n@ NS ns.other.net.\n@ MX 10 mail\n"
    "ns1 A 192.0.2.53\nmail A 192.0.2.25\n"
    "Host A 198.51.100.1\nhost AAAA 2001:db8::1\nhost TXT \"a text\"\n"
    "a.b.ent A 198.51.100.2\n"
    "alias CNAME host\nchain CNAME alias\nout CNAME www.elsewhere.test.\n"
    "dangling CNAME nothing\nloop1 CNAME loop2\nloop2 CNAME loop1\ntochild CNAME host.child\n"
    "toother CNAME deep.second.org.\ntonothing CNAME nothing.second.org.\nintosub CNAME x.sub\n"
    "*.wild A 198.51.100.3\n*.wild TXT \"wild\"\nthere.wild MX 5 mail\n*.wc CNAME host\n"
    "sub NS ns.sub\nsub NS ns2.sub.example.com.\nsub NS ns1\nsub NS ns.far.net.\n"
    "ns.sub A 198.51.100.4\nns2.sub AAAA 2001:db8::2\nsub DS 1 8 2 "
    "AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899\n"
    "here DNAME there.example.org.\nhere TXT \"own\"\n"
    "inside DNAME host\nlocal DNAME wild\nself.loop DNAME loop\n"
    "long DNAME " LONG "\nroot DNAME .\nloop0 CNAME loop1\nd1 DNAME d2\nd2 DNAME d1\n"
    "odd TYPE65534 \\# 3 010203\n"
    "www A 203.0.113.9\n"
    "big 300 TXT \"begin\"\n";
static const char child_zone[] =
    "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.54\nhost A 198.51.100.9\n"
    "up CNAME @\n";
static const char second_zone[] = "$TTL 300\n@ SOA ns.hosting.org. host.hosting.org. 1 1 1 1 1\n@ NS ns\n"
                                  "ns A 192.0.2.55\n"
                                  "deep CNAME deeper\ndeeper A 198.51.100.8\n"
                                  "up CNAME child.example.com.\n";

static const char *const origins[] = {"example.com.", "child.example.com.", "second.org."};
static const char *const texts[] = {main_zone, child_zone, second_zone};

static int set_up(void **state)
{
    static struct fixture f;
    fixture_init(&f, origins, texts, 3);
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

static void data(void **state)
{
    ASK("host.example.com.", DNS_TYPE_A, "NOERROR aa rd; answer: host.example.com. 300 IN A 198.51.100.1");
    ASK("HOST.example.COM.", DNS_TYPE_AAAA,
        "NOERROR aa rd; answer: HOST.example.COM. 300 IN AAAA 2001:db8::1");
    ASK("example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: example.com. 300 IN MX 10 mail.example.com.; "
        "additional: mail.example.com. 300 IN A 192.0.2.25");
    ASK("example.com.", DNS_TYPE_NS,
        "NOERROR aa rd; answer: example.com. 300 IN NS ns1.example.com. | example.com. 300 IN NS "
        "ns.other.net.; additional: ns1.example.com. 300 IN A 192.0.2.53");
    ASK("example.com.", DNS_TYPE_SOA,
        "NOERROR aa rd; answer: example.com. 300 IN SOA ns1.example.com. host.example.com. 7 3600 600 86400 "
        "60");
    ASK("odd.example.com.", 65534, "NOERROR aa rd; answer: odd.example.com. 300 IN TYPE65534 \\# 3 010203");
}

static void negative(void **state)
{
    ASK("host.example.com.", DNS_TYPE_MX, "NOERROR aa rd; authority: " SOA);
    ASK("no.example.com.", DNS_TYPE_A, "NXDOMAIN aa rd; authority: " SOA);
    ASK("no.host.example.com.", DNS_TYPE_A, "NXDOMAIN aa rd; authority: " SOA);
    ASK("ent.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA);
    ASK("b.ent.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA);
    ASK("x.b.ent.example.com.", DNS_TYPE_A, "NXDOMAIN aa rd; authority: " SOA);
    ASK("www.elsewhere.test.", DNS_TYPE_A, "REFUSED rd");
    ASK("com.", DNS_TYPE_A, "REFUSED rd");
    ASK(".", DNS_TYPE_NS, "REFUSED rd");
}

static void aliases(void **state)
{
    ASK("alias.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: alias.example.com. 300 IN CNAME host.example.com. | host.example.com. 300 IN "
        "A 198.51.100.1");
    ASK("alias.example.com.", DNS_TYPE_CNAME,
        "NOERROR aa rd; answer: alias.example.com. 300 IN CNAME host.example.com.");
    ASK("chain.example.com.", DNS_TYPE_AAAA,
        "NOERROR aa rd; answer: chain.example.com. 300 IN CNAME alias.example.com. | "
        "alias.example.com. 300 IN CNAME host.example.com. | host.example.com. 300 IN AAAA 2001:db8::1");
    ASK("chain.example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: chain.example.com. 300 IN CNAME alias.example.com. | "
        "alias.example.com. 300 IN CNAME host.example.com.; authority: " SOA);
    ASK("out.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: out.example.com. 300 IN CNAME www.elsewhere.test.");
    ASK("dangling.example.com.", DNS_TYPE_A,
        "NXDOMAIN aa rd; answer: dangling.example.com. 300 IN CNAME nothing.example.com.; authority: " SOA);
    ASK("loop1.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: loop1.example.com. 300 IN CNAME loop2.example.com. | "
        "loop2.example.com. 300 IN CNAME loop1.example.com.");
    ASK("loop0.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: loop0.example.com. 300 IN CNAME loop1.example.com. | "
        "loop1.example.com. 300 IN CNAME loop2.example.com. | loop2.example.com. 300 IN CNAME "
        "loop1.example.com.");
    ASK("q.d1.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: d1.example.com. 300 IN DNAME d2.example.com. | "
        "q.d1.example.com. 300 IN CNAME q.d2.example.com. | d2.example.com. 300 IN DNAME d1.example.com. | "
        "q.d2.example.com. 300 IN CNAME q.d1.example.com.");
    ASK("x.wc.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: x.wc.example.com. 300 IN CNAME host.example.com. | host.example.com. 300 IN "
        "A 198.51.100.1");
}

static void aliases_across_zones(void **state)
{
    ASK("tochild.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: tochild.example.com. 300 IN CNAME host.child.example.com. | "
        "host.child.example.com. 300 IN A 198.51.100.9");
    ASK("tochild.example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: tochild.example.com. 300 IN CNAME host.child.example.com.; "
        "authority: child.example.com. 1 IN SOA ns.child.example.com. host.child.example.com. 1 1 1 1 1");
    /* the SOA's names end in the TLD of its own zone, not of the question */
    ASK("tonothing.example.com.", DNS_TYPE_A,
        "NXDOMAIN aa rd; answer: tonothing.example.com. 300 IN CNAME nothing.second.org.; "
        "authority: second.org. 1 IN SOA ns.hosting.org. host.hosting.org. 1 1 1 1 1");
    ASK("toother.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: toother.example.com. 300 IN CNAME deep.second.org. | "
        "deep.second.org. 300 IN CNAME deeper.second.org. | deeper.second.org. 300 IN A 198.51.100.8");
    ASK("intosub.example.com.", DNS_TYPE_MX,
        "NOERROR aa rd; answer: intosub.example.com. 300 IN CNAME x.sub.example.com.; "
        "authority: sub.example.com. 300 IN NS ns.sub.example.com. | sub.example.com. 300 IN NS "
        "ns2.sub.example.com. | "
        "sub.example.com. 300 IN NS ns1.example.com. | sub.example.com. 300 IN NS ns.far.net.; "
        "additional: ns.sub.example.com. 300 IN A 198.51.100.4 | ns2.sub.example.com. 300 IN AAAA "
        "2001:db8::2 | "
        "ns1.example.com. 300 IN A 192.0.2.53");
}

static void wildcards(void **state)
{
    ASK("x.wild.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: x.wild.example.com. 300 IN A 198.51.100.3");
    ASK("a.b.c.wild.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: a.b.c.wild.example.com. 300 IN A 198.51.100.3");
    ASK("*.wild.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: *.wild.example.com. 300 IN A 198.51.100.3");
    ASK("x.wild.example.com.", DNS_TYPE_MX, "NOERROR aa rd; authority: " SOA);
    /* RFC 4592 section 2.2.1: what exists hides the wildcard, also for what is below it */
    ASK("there.wild.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA);
    ASK("x.there.wild.example.com.", DNS_TYPE_A, "NXDOMAIN aa rd; authority: " SOA);
    ASK("wild.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA);
}

#define REFERRAL                                                                                             \
    "NOERROR rd; authority: sub.example.com. 300 IN NS ns.sub.example.com. | sub.example.com. 300 IN NS "    \
    "ns2.sub.example.com. | sub.example.com. 300 IN NS ns1.example.com. | sub.example.com. 300 IN NS "       \
    "ns.far.net.; "                                                                                          \
    "additional: ns.sub.example.com. 300 IN A 198.51.100.4 | ns2.sub.example.com. 300 IN AAAA 2001:db8::2 "  \
    "| "                                                                                                     \
    "ns1.example.com. 300 IN A 192.0.2.53"

static void delegations(void **state)
{
    ASK("sub.example.com.", DNS_TYPE_A, REFERRAL);
    ASK("sub.example.com.", DNS_TYPE_NS, REFERRAL);
    ASK("ns.sub.example.com.", DNS_TYPE_A, REFERRAL);
    ASK("x.y.sub.example.com.", DNS_TYPE_TXT, REFERRAL);
    ASK("x.sub.example.com.", DNS_TYPE_DS, REFERRAL);
    ASK("sub.example.com.", DNS_TYPE_DS,
        "NOERROR aa rd; answer: sub.example.com. 300 IN DS 1 8 2 "
        "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899");
    /* the child is ours too; DS is still the parent's */
    ASK("host.child.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: host.child.example.com. 300 IN A 198.51.100.9");
    ASK("child.example.com.", DNS_TYPE_DS, "NXDOMAIN aa rd; authority: " SOA);
    /* also at the end of a CNAME, whether the name is written out or a pointer to the child's apex */
    ASK("up.child.example.com.", DNS_TYPE_DS,
        "NXDOMAIN aa rd; answer: up.child.example.com. 300 IN CNAME child.example.com.; authority: " SOA);
    ASK("up.second.org.", DNS_TYPE_DS,
        "NXDOMAIN aa rd; answer: up.second.org. 300 IN CNAME child.example.com.; authority: " SOA);
}

static void redirections(void **state)
{
    ASK("x.Y.here.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: here.example.com. 300 IN DNAME there.example.org. | "
        "x.Y.here.example.com. 300 IN CNAME x.Y.there.example.org.");
    ASK("here.example.com.", DNS_TYPE_TXT, "NOERROR aa rd; answer: here.example.com. 300 IN TXT \"own\"");
    ASK("here.example.com.", DNS_TYPE_A, "NOERROR aa rd; authority: " SOA);
    ASK("here.example.com.", DNS_TYPE_DNAME,
        "NOERROR aa rd; answer: here.example.com. 300 IN DNAME there.example.org.");
    ASK("q.local.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: local.example.com. 300 IN DNAME wild.example.com. | "
        "q.local.example.com. 300 IN CNAME q.wild.example.com. | q.wild.example.com. 300 IN A 198.51.100.3");
    ASK("q.inside.example.com.", DNS_TYPE_A,
        "NXDOMAIN aa rd; answer: inside.example.com. 300 IN DNAME host.example.com. | "
        "q.inside.example.com. 300 IN CNAME q.host.example.com.; authority: " SOA);
    /* RFC 6672 section 3.2: the CNAME is the answer */
    ASK("q.inside.example.com.", DNS_TYPE_CNAME,
        "NOERROR aa rd; answer: inside.example.com. 300 IN DNAME host.example.com. | "
        "q.inside.example.com. 300 IN CNAME q.host.example.com.");
    ASK("q.root.example.com.", DNS_TYPE_A,
        "NOERROR aa rd; answer: root.example.com. 300 IN DNAME . | q.root.example.com. 300 IN CNAME q.");
    ASK(LABEL50 "b.long.example.com.", DNS_TYPE_A,
        "YXDOMAIN aa rd; answer: long.example.com. 300 IN DNAME " LONG);
    const struct fixture *f = *state;
    assert_int_equal(answer_read_counter(&f->counters, ANSWER_COUNT_YXDOMAIN), 1);
    assert_int_equal(answer_read_counter(&f->counters, ANSWER_COUNT_BADVERS), 0);
}

/* A DNAME that leads into itself ends after a bounded number of steps. */
static void redirections_end(void **state)
{
    const char *got = fixture_ask(*state, "x.self.loop.example.com.", DNS_TYPE_A, ANSWER_TCP, 0);
    assert_non_null(strstr(got, "x.self.loop.example.com. 300 IN CNAME x.loop.example.com."));
    assert_non_null(strstr(got, "NXDOMAIN"));
}

static void any_is_minimal(void **state)
{
    ASK("host.example.com.", DNS_TYPE_ANY, "NOERROR aa rd; answer: host.example.com. 300 IN A 198.51.100.1");
    ASK("example.com.", DNS_TYPE_ANY, "NOERROR aa rd; answer: example.com. 300 IN MX 10 mail.example.com.");
    ASK("ent.example.com.", DNS_TYPE_ANY, "NOERROR aa rd; authority: " SOA);
    ASK("no.example.com.", DNS_TYPE_ANY, "NXDOMAIN aa rd; authority: " SOA);
    ASK("example.com.", DNS_TYPE_AXFR, "NOTIMPL rd");
}

/* All records in each of their turns, one after the other; names in their place after turning. */
static void sets_rotate(void **state)
{
    (void)state;
    struct fixture f;
    unsigned turns[3] = {0};
    static const char *const expected[] = {
        "a. 300 IN A 192.0.2.1 | a. 300 IN A 192.0.2.2 | a. 300 IN A 192.0.2.3",
        "a. 300 IN A 192.0.2.2 | a. 300 IN A 192.0.2.3 | a. 300 IN A 192.0.2.1",
        "a. 300 IN A 192.0.2.3 | a. 300 IN A 192.0.2.1 | a. 300 IN A 192.0.2.2",
    };
    fixture_init_rotating(&f, ".",
                          "$TTL 300\n. SOA ns. h. 1 1 1 1 60\n. NS ns.\n. NS ns2.\nns. A 192.0.2.9\n"
                          "a. A 192.0.2.1\na. A 192.0.2.2\na. A 192.0.2.3\nalias. CNAME a.\n"
                          "p.x. PTR long.x.\np.x. PTR far.longer.x.\n");
    for (int i = 0; i < 600; i++) {
        const char *got = fixture_ask(&f, i % 2 == 0 ? "a." : "alias.", DNS_TYPE_A, ANSWER_UDP, 0);
        for (int turn = 0; turn < 3; turn++) {
            turns[turn] += strstr(got, expected[turn]) != NULL;
        }
        got = fixture_ask(&f, ".", DNS_TYPE_NS, ANSWER_UDP, 0); /* whose clients choose for themselves */
        assert_non_null(strstr(got, "answer: . 300 IN NS ns. | . 300 IN NS ns2.; additional: ns. 300 IN A"));
        got = fixture_ask(&f, "p.x.", DNS_TYPE_PTR, ANSWER_UDP, 0);
        assert_non_null(strstr(got, "p.x. 300 IN PTR long.x."));
        assert_non_null(strstr(got, "p.x. 300 IN PTR far.longer.x."));
    }
    assert_int_equal(turns[0] + turns[1] + turns[2], 600);
    for (int turn = 0; turn < 3; turn++) {
        assert_in_range(turns[turn], 150, 250);
    }
    fixture_fini(&f);
}

/* RFC 1035 section 6.2: answered as IN, without authority. */
static void class_any(void **state)
{
    uint8_t query[512], in[512], any[512];
    static const char *const names[] = {"host.example.com.", "alias.example.com.", "x.sub.example.com.",
                                        "no.example.com.", "elsewhere.test."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = fixture_query(query, names[i], DNS_TYPE_A, 0x100, 0);
        size_t expected = fixture_ask_bytes(*state, query, len, ANSWER_UDP, in, sizeof in);
        query[len - 1] = 255;
        assert_int_equal(fixture_ask_bytes(*state, query, len, ANSWER_UDP, any, sizeof any), expected);
        in[2] &= (uint8_t)~4u; /* AA */
        in[len - 1] = 255;
        assert_memory_equal(any, in, expected);
    }
}

static void observe(struct fixture *f, uint32_t monitor, bool good)
{
    health_observe(f->view.health, monitor, good ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_REFUSED, 1, 1, 0);
}

static bool asked_is(struct fixture *f, const char *last)
{
    const char *got = fixture_ask(f, "www.example.com.", DNS_TYPE_A, ANSWER_UDP, 0);
    size_t len = strlen(got), want = strlen(last);
    return len >= want && strcmp(got + len - want, last) == 0;
}

/* One word changes, and every later answer follows; A and AAAA come from the same tier. */
static void steered_names_follow_health(void **state)
{
    struct fixture *f = *state;
    unsigned first = 0;
    for (int i = 0; i < 1000; i++) {
        const char *got = fixture_ask(f, "www.example.com.", DNS_TYPE_A, ANSWER_UDP, 0);
        bool a1 = strstr(got, "30 IN A 192.0.2.1") != NULL;
        first += a1;
        assert_true(a1 || strstr(got, "30 IN A 192.0.2.2") != NULL);
    }
    assert_in_range(first, 420, 580);
    ASK("www.example.com.", DNS_TYPE_AAAA, "NOERROR aa rd; authority: " SOA_NOW);
    observe(f, 0, false);
    for (int i = 0; i < 100; i++) {
        assert_true(asked_is(f, "30 IN A 192.0.2.2"));
    }
    observe(f, 1, false);
    assert_true(asked_is(f, "30 IN A 192.0.2.3"));
    ASK("www.example.com.", DNS_TYPE_AAAA, "NOERROR aa rd; answer: www.example.com. 30 IN AAAA 2001:db8::3");
    observe(f, 2, false);
    assert_true(asked_is(f, "300 IN A 203.0.113.9")); /* the zone file's record */
    ASK("www.example.com.", DNS_TYPE_AAAA, "NOERROR aa rd; authority: " SOA_NOW);
    observe(f, 0, true);
    assert_true(asked_is(f, "30 IN A 192.0.2.1"));
    struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN};
    assert_int_equal(health_set_override(f->view.health, HEALTH_REGION, 0, &drain, 2), 0);
    assert_true(asked_is(f, "300 IN A 203.0.113.9"));
    ASK("www.example.com.", DNS_TYPE_TXT, "NOERROR aa rd; authority: " SOA);
}

/* ---- the message ---- */

static void edns(void **state)
{
    uint8_t query[512], out[4096];
    size_t len = fixture_query(query, "host.example.com.", DNS_TYPE_A, 0, 4096);
    size_t plain = fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
    assert_int_equal(plain, len + 16);
    assert_memory_equal(out + plain - 11, "\0\0\51\4\320\0\0\0\0\0\0", 11); /* our size, version 0 */
    query[len - 4] = 0x80;                                                  /* DO */
    fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[plain - 4], 0x80);
    query[len - 5] = 1; /* version 1 */
    size_t got = fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
    assert_int_equal(got, len);
    assert_int_equal(out[3] & 15, 0);
    assert_memory_equal(out + got - 11, "\0\0\51\4\320\1\0\200\0\0\0", 11); /* extended rcode 1 -> BADVERS */
}

static void client_subnet_is_echoed_with_scope_0(void **state)
{
    uint8_t query[512], out[4096];
    size_t len = fixture_query(query, "www.example.com.", DNS_TYPE_A, 0, 4096);
    query[len - 1] = 11;
    memcpy(query + len, "\0\10\0\7\0\1\30\0\xc6\x33\x64", 11);
    size_t got = fixture_ask_bytes(*state, query, len + 11, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[3] & 15, DNS_RCODE_NOERROR);
    assert_memory_equal(out + got - 11, "\0\10\0\7\0\1\30\0\xc6\x33\x64", 11);
    memcpy(query + len, "\0\10\0\4\0\0\0\0", 8); /* family 0 */
    query[len - 1] = 8;
    got = fixture_ask_bytes(*state, query, len + 8, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[3] & 15, DNS_RCODE_NOERROR);
    assert_memory_equal(out + got - 8, "\0\10\0\4\0\0\0\0", 8);
    memcpy(query + len, "\0\10\0\7\0\1\30\1\xc6\x33\x64", 11); /* a scope in the query */
    query[len - 1] = 11;
    fixture_ask_bytes(*state, query, len + 11, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[3] & 15, DNS_RCODE_FORMERR);
}

static void odd_messages(void **state)
{
    uint8_t query[512], out[512];
    size_t len = fixture_query(query, "host.example.com.", DNS_TYPE_A, 0x2800, 0); /* UPDATE */
    assert_int_equal(fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out), len);
    assert_memory_equal(out + 12, query + 12, len - 12);
    assert_int_equal(out[2], 0xa8);
    assert_int_equal(out[3], DNS_RCODE_NOTIMP);
    len = fixture_query(query, "host.example.com.", DNS_TYPE_A, 0x8000, 0); /* a reply is not replied to */
    assert_int_equal(fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out), 0);
    assert_int_equal(fixture_ask_bytes(*state, query, 11, ANSWER_UDP, out, sizeof out), 0);
    len = fixture_query(query, "host.example.com.", DNS_TYPE_A, 0x0110,
                        0); /* RD and CD come back, AD does not */
    query[3] |= 0x20;
    fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[2], 0x85);
    assert_int_equal(out[3], 0x10);
    query[len - 1] = 3; /* class CH */
    fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[3] & 15, DNS_RCODE_REFUSED);
    assert_int_equal(fixture_ask_bytes(*state, query, len - 1, ANSWER_UDP, out, sizeof out), 12);
    assert_int_equal(out[3] & 15, DNS_RCODE_FORMERR);
}

/* RFC 1035 section 4.1.1: opcodes that there are not, NOTIFY and UPDATE among them, and QDCOUNT. */
static void opcodes_and_counts(void **state)
{
    uint8_t query[512], out[512];
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        size_t len = fixture_query(query, "host.example.com.", DNS_TYPE_A, opcode << 11, 1232);
        size_t got = fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
        assert_int_equal(out[2], 0x80 | opcode << 3 | (opcode == 0 ? 4 : 0)); /* QR, AA */
        assert_int_equal(out[3], opcode == 0 ? DNS_RCODE_NOERROR : DNS_RCODE_NOTIMP);
        assert_int_equal(out[11], 1); /* EDNS comes back, now with why */
        assert_int_equal(got, opcode == 0 ? len + 16 : len + 6);
        query[2] |= 0x80;
        assert_int_equal(fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out), 0);
    }
    size_t len = fixture_query(query, "host.example.com.", DNS_TYPE_A, 0, 0);
    memcpy(query + len, query + 12, len - 12);
    for (unsigned count = 0; count < 3; count++) {
        query[5] = (uint8_t)count;
        fixture_ask_bytes(*state, query, count == 2 ? 2 * len - 12 : len, ANSWER_UDP, out, sizeof out);
        assert_int_equal(out[3], count == 1 ? DNS_RCODE_NOERROR : DNS_RCODE_FORMERR);
    }
}

static void large_answers_are_truncated(void **state)
{
    (void)state;
    static char text[70000];
    struct fixture f;
    size_t at = (size_t)sprintf(text, "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
    for (int i = 0; i < 60; i++) {
        at += (size_t)sprintf(text + at, "many A 10.0.0.%d\n", i);
    }
    fixture_init(&f, (const char *const[]){"big.test."}, (const char *const[]){text}, 1);
    assert_string_equal(fixture_ask(&f, "many.big.test.", DNS_TYPE_A, ANSWER_UDP, 0), "NOERROR aa tc rd");
    assert_string_equal(fixture_ask(&f, "many.big.test.", DNS_TYPE_A, ANSWER_UDP, 512), "NOERROR aa tc rd");
    assert_non_null(strstr(fixture_ask(&f, "many.big.test.", DNS_TYPE_A, ANSWER_UDP, 4096), "10.0.0.59"));
    assert_non_null(strstr(fixture_ask(&f, "many.big.test.", DNS_TYPE_A, ANSWER_TCP, 0), "10.0.0.59"));
    assert_int_equal(f.counters.values[ANSWER_COUNT_TRUNCATED], 2);
    fixture_fini(&f);
}

static void root_zone(void **state)
{
    (void)state;
    struct fixture f;
    static const char text[] = "$TTL 300\n. SOA a.root. h. 1 1 1 1 60\n. NS a.root.\na.root. A 192.0.2.1\n"
                               "org. NS ns.org.\nns.org. A 192.0.2.2\nw. CNAME a.root.\n";
    fixture_init(&f, (const char *const[]){"."}, (const char *const[]){text}, 1);
    assert_string_equal(fixture_ask(&f, ".", DNS_TYPE_NS, ANSWER_UDP, 0),
                        "NOERROR aa rd; answer: . 300 IN NS a.root.; additional: a.root. 300 IN A 192.0.2.1");
    assert_string_equal(fixture_ask(&f, "x.y.", DNS_TYPE_A, ANSWER_UDP, 0),
                        "NXDOMAIN aa rd; authority: . 60 IN SOA a.root. h. 1 1 1 1 60");
    assert_string_equal(
        fixture_ask(&f, "www.org.", DNS_TYPE_A, ANSWER_UDP, 0),
        "NOERROR rd; authority: org. 300 IN NS ns.org.; additional: ns.org. 300 IN A 192.0.2.2");
    assert_string_equal(fixture_ask(&f, "w.", DNS_TYPE_A, ANSWER_UDP, 0),
                        "NOERROR aa rd; answer: w. 300 IN CNAME a.root. | a.root. 300 IN A 192.0.2.1");
    fixture_fini(&f);
}

/* Flip bits of good queries: always a well-formed reply or none, never beyond its limit. */
static void mutated_queries(void **state)
{
    struct random random;
    uint8_t query[600], out[65535];
    static const char *const names[] = {"chain.example.com.", "www.example.com.", "x.y.sub.example.com.",
                                        "toother.example.com."};
    random_init(&random, 3);
    for (int round = 0; round < 100000; round++) {
        size_t len = fixture_query(query, names[round % 4], DNS_TYPE_A, 0x100, round % 3 == 0 ? 1232 : 0);
        for (int flips = round % 5; flips >= 0; flips--) {
            query[random_below(&random, len)] ^= (uint8_t)(1u << random_below(&random, 8));
        }
        size_t got = fixture_ask_bytes(*state, query, len, ANSWER_UDP, out, sizeof out);
        assert_true(got == 0 || (got >= 12 && got <= 1232));
        assert_true(got == 0 || (out[0] == query[0] && out[1] == query[1] && (out[2] & 0x80) != 0));
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(data),
        WITH(negative),
        WITH(aliases),
        WITH(aliases_across_zones),
        WITH(wildcards),
        WITH(delegations),
        WITH(redirections),
        WITH(redirections_end),
        WITH(any_is_minimal),
        cmocka_unit_test(sets_rotate),
        WITH(class_any),
        WITH(steered_names_follow_health),
        WITH(edns),
        WITH(client_subnet_is_echoed_with_scope_0),
        WITH(odd_messages),
        WITH(opcodes_and_counts),
        cmocka_unit_test(large_answers_are_truncated),
        cmocka_unit_test(root_zone),
        WITH(mutated_queries),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
