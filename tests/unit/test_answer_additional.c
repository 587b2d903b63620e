/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the additional section and of name compression: who is added, who is left out when there is no
 * room, and how long answers are. */
#include "config.h"

#include "answer_fixture.h"

#include "unit.h"

#include "base/buffer.h"
#include "dns/types.h"

#include <stdio.h>
#include <string.h>

#define SOA "example.com. 60 IN SOA ns1.example.com. host.example.com. 7 3600 600 86400 60"

static const char zone_text[] =
    "$TTL 300\n"
    "@ SOA ns1 host 7 3600 600 86400 60\n"
    "@ NS ns1\n@ NS ns.sub\n@ NS ns.other.net.\n"
    "ns1 A 192.0.2.53\nns1 AAAA 2001:db8::53\n"
    "sub NS ns.sub\nns.sub A 198.51.100.4\nmail.sub A 198.51.100.5\n"
    "mail A 192.0.2.25\nmail A 192.0.2.26\nmail AAAA 2001:db8::25\nalias CNAME mail\ndn DNAME sub\n"
    "*.wild A 198.51.100.3\n*.wild MX 5 x.Wild\n*.wild HTTPS 1 .\n"
    "mx MX 10 mail\nmx MX 20 MAIL\nmx MX 30 mail.sub\nmx MX 40 y.wild\nmx MX 50 alias\nmx MX 60 z.dn\n"
    "mx MX 70 nothing\nmx MX 80 .\nmx MX 90 www.elsewhere.test.\n"
    "_s._tcp SRV 1 2 443 mail\n_s._tcp SRV 1 2 443 ns1\n_s._tcp SRV 0 0 0 .\n"
    "self MX 1 self\nself A 192.0.2.7\n"
    "www A 203.0.113.9\ntowww MX 10 www\nincut SRV 1 1 1 www\n"
    "chain CNAME mx2.deep.er\nmx2.deep.er MX 1 mail.deep.er\nmail.deep.er A 192.0.2.8\n"
    "svc HTTPS 1 . alpn=h2\nsvc HTTPS 2 mail\nsvc HTTPS 3 mail.sub\nsvc A 192.0.2.9\n"
    "a0 HTTPS 0 a1\na1 HTTPS 0 a2\na2 HTTPS 1 . port=1\na2 A 192.0.2.10\na2 SVCB 1 .\n"
    "l0 SVCB 0 l1\nl1 SVCB 0 l0\nn0 SVCB 0 .\nn0 A 192.0.2.11\n"
    "ptr PTR mail\ntxt TXT \"x\"\n";

static const char *const origins[] = {"example.com."};
static const char *const texts[] = {zone_text};

static int set_up(void **state)
{
    static struct fixture f;
    fixture_init(&f, origins, texts, 1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_fini(*state);
    return 0;
}

/* What is in the additional section: the text behind "additional: ", or "" without one. */
static const char *added(void **state, const char *name, uint16_t type)
{
    const char *got = fixture_ask(*state, name, type, ANSWER_UDP, 0);
    const char *at = strstr(got, "; additional: ");
    assert_non_null(strstr(got, "NOERROR aa rd; answer: "));
    return at == NULL ? "" : at + strlen("; additional: ");
}

#define ADDED(name, type, expected) assert_string_equal(added(state, name, type), expected)

#define MAIL                                                                                                 \
    "mail.example.com. 300 IN A 192.0.2.25 | mail.example.com. 300 IN A 192.0.2.26 | "                       \
    "mail.example.com. 300 IN AAAA 2001:db8::25"
#define NS1 "ns1.example.com. 300 IN A 192.0.2.53 | ns1.example.com. 300 IN AAAA 2001:db8::53"

static void hosts(void **state)
{
    ADDED("example.com.", DNS_TYPE_NS, NS1 " | ns.sub.example.com. 300 IN A 198.51.100.4");
    ADDED("mx.example.com.", DNS_TYPE_MX, MAIL " | y.wild.example.com. 300 IN A 198.51.100.3");
    ADDED("_s._tcp.example.com.", DNS_TYPE_SRV, MAIL " | " NS1);
    ADDED("self.example.com.", DNS_TYPE_MX, "self.example.com. 300 IN A 192.0.2.7");
    ADDED("q.wild.example.com.", DNS_TYPE_MX, "x.wild.example.com. 300 IN A 198.51.100.3");
    ADDED("chain.example.com.", DNS_TYPE_MX, "mail.deep.er.example.com. 300 IN A 192.0.2.8");
    ADDED("ptr.example.com.", DNS_TYPE_PTR, "");
    ADDED("txt.example.com.", DNS_TYPE_TXT, "");
    ADDED("alias.example.com.", DNS_TYPE_CNAME, "");
    ADDED("mx.example.com.", DNS_TYPE_ANY, "");
}

static void services(void **state)
{
    ADDED("svc.example.com.", DNS_TYPE_HTTPS, "svc.example.com. 300 IN A 192.0.2.9 | " MAIL);
    ADDED("q.wild.example.com.", DNS_TYPE_HTTPS, "q.wild.example.com. 300 IN A 198.51.100.3");
    ADDED("a0.example.com.", DNS_TYPE_HTTPS,
          "a1.example.com. 300 IN HTTPS 0 a2.example.com. | a2.example.com. 300 IN A 192.0.2.10 | "
          "a2.example.com. 300 IN HTTPS 1 . port=1");
    ADDED("l0.example.com.", DNS_TYPE_SVCB, "l1.example.com. 300 IN SVCB 0 l0.example.com.");
    ADDED("n0.example.com.", DNS_TYPE_SVCB, "");
}

/* Steered addresses come as they would for a query; the answer is not counted as steered. */
static void steered_hosts(void **state)
{
    struct fixture *f = *state;
    unsigned first = 0;
    uint64_t before = answer_read_counter(&f->counters, ANSWER_COUNT_STEERED);
    for (int i = 0; i < 200; i++) {
        const char *got = added(state, "towww.example.com.", DNS_TYPE_MX);
        bool is_first = strcmp(got, "www.example.com. 30 IN A 192.0.2.1") == 0;
        first += is_first;
        assert_true(is_first || strcmp(got, "www.example.com. 30 IN A 192.0.2.2") == 0);
    }
    assert_in_range(first, 70, 130);
    health_observe(f->view.health, 0, HEALTH_OUTCOME_REFUSED, 1, 1, 0);
    health_observe(f->view.health, 1, HEALTH_OUTCOME_REFUSED, 1, 1, 0);
    ADDED("incut.example.com.", DNS_TYPE_SRV,
          "www.example.com. 30 IN A 192.0.2.3 | www.example.com. 30 IN AAAA 2001:db8::3");
    health_observe(f->view.health, 2, HEALTH_OUTCOME_REFUSED, 1, 1, 0);
    ADDED("towww.example.com.", DNS_TYPE_MX, "www.example.com. 300 IN A 203.0.113.9");
    assert_int_equal(answer_read_counter(&f->counters, ANSWER_COUNT_STEERED), before);
    assert_int_equal(answer_read_counter(&f->counters, ANSWER_COUNT_FALLBACK), 0);
}

static void minimal_responses(void **state)
{
    struct fixture *f = *state;
    f->server.minimal_responses = true;
    ADDED("mx.example.com.", DNS_TYPE_MX, "");
    ADDED("example.com.", DNS_TYPE_NS, "");
    ADDED("towww.example.com.", DNS_TYPE_MX, "");
    assert_string_equal(fixture_ask(f, "x.sub.example.com.", DNS_TYPE_A, ANSWER_UDP, 0),
                        "NOERROR rd; authority: sub.example.com. 300 IN NS ns.sub.example.com.; "
                        "additional: ns.sub.example.com. 300 IN A 198.51.100.4");
}

/* ---- room ---- */

static void make_hosts(struct buffer *text, const char *prefix, unsigned count, unsigned addresses)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned n = 0; n < addresses; n++) {
            buffer_print(text, "%s%02u A 10.0.%u.%u\n", prefix, i, i, n);
        }
    }
}

/* Ask a zone of its own over UDP; returns rcode and flags, and the counts of the sections. */
static const char *ask_counts(const char *zone, const char *name, uint16_t type, unsigned edns_size)
{
    static char text[64];
    struct fixture f;
    uint8_t query[512], out[4096];
    fixture_init(&f, origins, &zone, 1);
    size_t len = fixture_query(query, name, type, 0, edns_size);
    size_t got = fixture_ask_bytes(&f, query, len, ANSWER_UDP, out, sizeof out);
    snprintf(text, sizeof text, "%s%u/%u/%u of %zu", (out[2] & 2) != 0 ? "tc " : "", out[7], out[9],
             (unsigned)(out[10] << 8 | out[11]), got);
    fixture_fini(&f);
    return text;
}

#define HEAD "$TTL 300\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.1\n"

/* MX: whole RRsets until one does not fit, and never TC. */
static void optional_data_are_left_out(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, HEAD);
    for (unsigned i = 0; i < 13; i++) {
        buffer_print(&text, "mx MX %u host%02u\n", i, i);
    }
    make_hosts(&text, "host", 13, 2);
    /* 29 + 5 of the header and question, 13 records of 12 + 2 + 9, one RRset is 32 */
    assert_string_equal(ask_counts(text.bytes, "mx.example.com.", DNS_TYPE_MX, 0), "13/0/10 of 491");
    assert_string_equal(ask_counts(text.bytes, "mx.example.com.", DNS_TYPE_MX, 1232), "13/0/27 of 758");
    buffer_fini(&text);
}

static void make_cut(struct buffer *text, const char *domain, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        buffer_print(text, "cut NS ns%02u.%s\n", i, domain);
    }
}

/* RFC 9471: glue in the delegated domain has to be there, that of siblings only if there is no other. */
static void glue_that_is_needed(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, HEAD "other NS ns00.other\n");
    make_cut(&text, "cut", 13);
    make_hosts(&text, "ns", 1, 0);
    for (unsigned i = 0; i < 13; i++) {
        buffer_print(&text, "ns%02u.cut A 10.1.0.%u\nns%02u.cut AAAA 2001:db8::%u\n", i, i, i, i);
    }
    assert_string_equal(ask_counts(text.bytes, "x.cut.example.com.", 1, 0), "tc 0/0/0 of 35");
    assert_string_equal(ask_counts(text.bytes, "x.cut.example.com.", 1, 1232), "0/13/27 of 865");
    text.len = 0;
    buffer_add_text(&text, HEAD "other NS ns00.other\ncut NS in.cut\nin.cut A 10.2.0.1\n");
    make_cut(&text, "other", 13);
    for (unsigned i = 0; i < 13; i++) {
        buffer_print(&text, "ns%02u.other A 10.1.0.%u\nns%02u.other AAAA 2001:db8::%u\n", i, i, i, i);
    }
    assert_string_equal(ask_counts(text.bytes, "x.cut.example.com.", 1, 0), "0/14/9 of 497");
    char *in_domain = strstr(text.bytes, "cut NS in.cut");
    memset(in_domain, ';', strlen("cut NS in.cut"));
    memset(in_domain + strlen("cut NS in.cut") + 1, ';', strlen("in.cut A 10.2.0.1"));
    assert_string_equal(ask_counts(text.bytes, "x.cut.example.com.", 1, 0), "tc 0/0/0 of 35");
    buffer_fini(&text);
}

/* ---- compression ---- */

static void lengths(void **state)
{
    (void)state;
    static const struct {
        const char *records, *name;
        uint16_t type;
        const char *expected;
    } cases[] = {
        /* header 12, question 17 + 4; 4 records of 12 + 2 + labels + pointer */
        {"@ MX 1 aspmx.l.google.com.\n@ MX 5 alt1.aspmx.l.google.com.\n@ MX 5 alt2.aspmx.L.google.COM.\n"
         "@ MX 9 l.google.com.\n",
         "example.com.", DNS_TYPE_MX, "4/0/0 of 118"},
        {"a.b.c CNAME d.b.c\nd.b.c A 192.0.2.2\n", "a.b.c.example.com.", DNS_TYPE_CNAME, "1/0/0 of 51"},
        {"a.b.c CNAME d.b.c\nd.b.c A 192.0.2.2\n", "a.b.c.example.com.", DNS_TYPE_A, "2/0/0 of 67"},
        /* nobody compresses the target of SRV, but its address points to it */
        {"srv SRV 1 1 1 srv\nsrv A 192.0.2.2\n", "srv.example.com.", DNS_TYPE_SRV, "1/0/1 of 84"},
        {"far SRV 1 1 1 host.far\nhost.far A 192.0.2.2\n", "far.example.com.", DNS_TYPE_SRV, "1/0/1 of 89"},
        {"*.w PTR x.y.w\n", "abc.w.example.com.", DNS_TYPE_PTR, "1/0/0 of 53"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", HEAD, cases[i].records);
        assert_string_equal(ask_counts(text, cases[i].name, cases[i].type, 0), cases[i].expected);
    }
}

/* Two long names alike are written once. */
static void long_names_are_written_once(void **state)
{
#define LONG                                                                                                 \
    "a234567890a234567890a234567890a234567890a234567890.b234567890b234567890b234567890b234567890b23456789"
    (void)state;
    static const char text[] =
        HEAD "cut NS one." LONG ".cut\ncut NS two." LONG ".cut\ncut NS three." LONG ".cut\n"
             "one." LONG ".cut A 192.0.2.2\ntwo." LONG ".cut A 192.0.2.3\n"
             "three." LONG ".cut A 192.0.2.4\nover CNAME x.cut\n";
    assert_string_equal(ask_counts(text, "x.cut.example.com.", 1, 0), "0/3/3 of 240");
    assert_string_equal(ask_counts(text, "over.example.com.", 1, 0), "1/3/3 of 259");
    struct fixture f;
    fixture_init(&f, origins, &(const char *){text}, 1);
    const char *got = fixture_ask(&f, "over.example.com.", 1, ANSWER_UDP, 0);
    assert_non_null(strstr(got,
                           "cut.example.com. 300 IN NS three." LONG ".cut.example.com.; additional: one." LONG
                           ".cut.example.com. 300 IN A 192.0.2.2"));
    fixture_fini(&f);
}

/* An RRset larger than pointers reach: names beyond are written out, and everything is still there. */
static void names_beyond_reach(void **state)
{
    (void)state;
    enum { HOSTS = 1500 };
    struct buffer text;
    struct fixture f;
    static uint8_t query[512], out[65535];
    buffer_init(&text);
    buffer_add_text(&text, HEAD);
    for (unsigned i = 0; i < HOSTS; i++) {
        buffer_print(&text, "mx MX %u host%04u.mail\nhost%04u.mail A 10.0.%u.%u\n", i, i, i, i >> 8, i & 255);
    }
    fixture_init(&f, origins, &(const char *){text.bytes}, 1);
    fixture_ask(&f, "example.com.", DNS_TYPE_NS, ANSWER_TCP, 0);
    size_t len = fixture_query(query, "mx.example.com.", DNS_TYPE_MX, 0, 0);
    size_t got = fixture_ask_bytes(&f, query, len, ANSWER_TCP, out, sizeof out);
    assert_int_equal(out[2] & 2, 0);
    assert_int_equal(out[6] << 8 | out[7], HOSTS);
    assert_in_range(out[10] << 8 | out[11], 500, HOSTS);
    fixture_check(out, got);
    fixture_fini(&f);
    buffer_fini(&text);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(hosts),
        WITH(services),
        WITH(steered_hosts),
        WITH(minimal_responses),
        cmocka_unit_test(optional_data_are_left_out),
        cmocka_unit_test(glue_that_is_needed),
        cmocka_unit_test(lengths),
        cmocka_unit_test(long_names_are_written_once),
        cmocka_unit_test(names_beyond_reach),
    };
    return cmocka_run_group_tests_name("answer additional", tests, NULL, NULL);
}
