/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a query to answer_query(), over UDP and TCP and in each state of health, on the small view of
 * the unit tests. Beyond not crashing: whatever is answered is a message that ldns and a strict reader
 * (tests/unit/strict.h) can read, with the query's id, with QR set, within the size that the transport and
 * the client permit. The first octet says how to ask: bit 0 TCP, bits 1 and 2 which regions are forced down,
 * bit 3 IPv6, bit 6 that names have challenges, bit 7 that the first octet of the query says which
 * restrictions hold (enum view_guard). The rest is the query. */
#include "config.h"

#include "tests/unit/answer_fixture.h"
#include "tests/unit/strict.h"

#include "answer/challenge.h"
#include "base/limiter.h"
#include "dns/name.h"
#include "dns/types.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char main_zone[] =
    "$TTL 300\n"
    "@ SOA ns1 host 7 3600 600 86400 60\n"
    "@ NS ns1\n@ NS ns.other.net.\n@ MX 10 mail\nns1 A 192.0.2.53\nmail A 192.0.2.25\n"
    "host A 198.51.100.1\nhost AAAA 2001:db8::1\nhost TXT \"a text\"\na.b.ent A 198.51.100.2\n"
    "alias CNAME host\nchain CNAME alias\nout CNAME www.elsewhere.test.\nsteered CNAME www\n"
    "dangling CNAME nothing\nloop1 CNAME loop2\nloop2 CNAME loop1\ntochild CNAME host.child\n"
    "*.wild A 198.51.100.3\n*.wild TXT \"wild\"\n*.wc CNAME host\n"
    "sub NS ns.sub\nsub NS ns2.sub\nns.sub A 198.51.100.4\nns2.sub AAAA 2001:db8::2\n"
    "old DNAME wild\ndown DNAME down.down\n"
    "mx MX 1 www\nmx MX 2 q.wild\nmx MX 3 mail\nmx MX 4 in.mx\n_s._tcp SRV 1 2 3 www\n_s._tcp SRV 1 2 4 "
    "host\n"
    "svc HTTPS 0 svc2\nsvc2 HTTPS 1 . port=1\nsvc2 HTTPS 0 svc\nsvc2 A 198.51.100.5\n*.svc SVCB 1 .\n*.svc "
    "AAAA ::1\n"
    "far NS a.b.c.far\nfar NS d.b.c.far\nfar NS e.c.far\nfar NS x.y.other.com.\na.b.c.far A 198.51.100.6\n"
    "d.b.c.far A 198.51.100.7\ntofar CNAME q.far\nturn PTR a.turn\nturn PTR b.a.turn\nturn PTR turn\n"
    "odd TYPE65534 \\# 3 010203\nwww A 203.0.113.9\n"
    "$GENERATE 1-40 big TXT \"$ a text that is long enough to fill a datagram after a while\"\n";
static const char child_zone[] =
    "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.54\nhost A 198.51.100.9\n";

#define LONG "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct fixture_listed listed[] = {
    {"example.com.", DNS_TYPE_NS, .members = {"ns1; ns.other.net.", "ns1", NULL}},
    {"example.com.", DNS_TYPE_HTTPS, .members = {"1 . alpn=h2", "0 svc", "1 mail port=8"}},
    {"every", DNS_TYPE_MX, STEER_PICK_ALL, .members = {"1 www; 2 q.wild", "2 q.wild; 4 in.every", "9 every"}},
    {"every", DNS_TYPE_SRV, STEER_PICK_ALL, .members = {"1 2 3 a.b.every", "1 2 3 b.every", NULL}},
    {"*.wl", DNS_TYPE_SRV, STEER_PICK_STICKY, .members = {"1 2 3 host", "1 2 3 host; 1 2 4 x.wl", "0 0 0 ."}},
    {"*.wl", 65400, .fallback = STEER_FALLBACK_SERVFAIL, .members = {"\\# 0", NULL, "\\# 1 ff"}},
    {"li1", DNS_TYPE_CNAME, .members = {"li2", "loop1", "steered"}},
    {"li2", DNS_TYPE_CNAME, STEER_PICK_STICKY, .members = {"li1", "x.wl", "every"}},
    {"out", DNS_TYPE_CNAME, .fallback = STEER_FALLBACK_STATIC, .members = {"nothing", NULL, "q.down"}},
    {"lh", DNS_TYPE_A, .members = {"192.0.2.1; 192.0.2.2", "CNAME host", "CNAME li1"}},
    {"ltext", DNS_TYPE_TXT, STEER_PICK_ALL,
     .members = {LONG "1\"; " LONG "2\"; " LONG "3\"", LONG "3\"; " LONG "4\"; " LONG "5\"", "\"z\""}},
    {NULL, .type = 0},
};

static const char *const origins[] = {"example.com.", "child.example.com."};
static const char *const texts[] = {main_zone, child_zone};

enum { UDP_MAX = 1232, TCP_MAX = 65535 };

static void fail(const char *what)
{
    fprintf(stderr, "fuzz_message: %s\n", what);
    abort();
}

static void set_regions(struct fixture *f, unsigned down)
{
    for (uint32_t region = 0; region < 2; region++) {
        struct health_override override = {.desired = (down >> region & 1) != 0 ? HEALTH_DESIRED_DOWN
                                                                                : HEALTH_DESIRED_AUTO};
        health_set_override(f->view.health, HEALTH_REGION, region, &override, 1);
    }
}

/* Rates that are soon exceeded, room for twice the query, cookies, nobody allowed. */
static void restrict_answers(struct fixture *f)
{
    static struct conf_rrl rrl = {.ipv4_mask = 0xffffff, .ipv6_mask = 0xffffffffffffff};
    static const struct acl nobody;
    static const struct conf_zone_options options = {.allow_query = &nobody};
    for (int kind = 0; kind < CONF_RRL_KINDS; kind++) {
        rrl.rates[kind] = (struct limiter_rate){.interval_us = 1000, .depth_us = 3000, .slip = 2};
    }
    f->server.rrl = &rrl;
    f->server.zone_defaults = &options;
    f->server.amplification = 2;
    f->server.cookies_require = CONF_COOKIES_ALWAYS;
    f->view.limiter = limiter_new(1024);
}

/* At names of all kinds, and some that are not there. */
static const struct answer_challenges *make_challenges(void)
{
    enum { NAMES = 12 };
    static const char *const names[NAMES] = {"host",  "loop2",      "ent", "x.wild", "q.sub", "every",
                                             "a.old", "host.child", "big", "www",    "li2",   "d.e.nothing"};
    static const char *const values[] = {"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0",
                                         "-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"};
    uint8_t owners[NAMES][DNS_NAME_MAX], origin[DNS_NAME_MAX];
    struct answer_challenge list[NAMES];
    (void)dns_name_parse("example.com", NULL, origin);
    for (size_t i = 0; i < NAMES; i++) {
        (void)dns_name_parse(names[i], origin, owners[i]);
        list[i] = (struct answer_challenge){.owner = owners[i], .values = values, .value_count = 1 + i % 2};
    }
    return answer_challenges_new(list, NAMES);
}

static void make_client(bool v6, struct sockaddr_storage *client)
{
    struct addr_port at = {.port = 53};
    addr_parse(v6 ? "2001:db8::53" : "198.51.100.53", &at.addr);
    addr_to_sockaddr(&at, client);
}

static void judge_reply(const uint8_t *query, const uint8_t *reply, size_t len)
{
    ldns_pkt *packet = NULL;
    if (len < LDNS_HEADER_SIZE || memcmp(query, reply, 2) != 0) {
        fail("a reply without the query's id");
    }
    if ((reply[2] & 0x80) == 0) {
        fail("a reply without QR");
    }
    if (ldns_wire2pkt(&packet, reply, len) != LDNS_STATUS_OK) {
        fail("a reply that ldns cannot read");
    }
    ldns_pkt_free(packet);
    const char *fault = strict_find_fault(reply, len);
    if (fault != NULL) {
        fail(fault);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct fixture fixture;
    static uint8_t reply[TCP_MAX];
    if (fixture.cache == NULL) {
        fixture_init_listed(&fixture, origins, texts, 2, listed);
        restrict_answers(&fixture);
        fixture.aside.challenges = make_challenges();
    }
    if (len == 0 || len > TCP_MAX) {
        return 0;
    }
    bool tcp = (bytes[0] & 1) != 0;
    set_regions(&fixture, bytes[0] >> 1);
    /* exactly as long as it is, so that ASan sees a read behind its end */
    uint8_t *query = malloc(len - 1 != 0 ? len - 1 : 1);
    memcpy(query, bytes + 1, len - 1);
    struct sockaddr_storage client;
    make_client((bytes[0] & 8) != 0, &client);
    struct answer_request request = {.bytes = query,
                                     .len = len - 1,
                                     .client = (const struct sockaddr *)&client,
                                     .transport = tcp ? ANSWER_TCP : ANSWER_UDP,
                                     .allow = fixture.server.zone_defaults->allow_query,
                                     .idle_ds = 100};
    fixture.view.guards = (bytes[0] & 0x80) != 0 && len > 1 ? query[0] & 31 : 0;
    fixture.context.aside = (bytes[0] & 0x40) != 0 ? &fixture.aside : NULL;
    fixture.context.now_us += 100;
    size_t got = answer_query(&fixture.context, &request, reply, tcp ? TCP_MAX : UDP_MAX);
    if (got > (tcp ? TCP_MAX : UDP_MAX)) {
        fail("a reply that is larger than its room");
    }
    if (got != 0) {
        judge_reply(query, reply, got);
    }
    free(query);
    return 0;
}
