/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of drills that only some clients see: who is one of them, against a model; and what they get. */
#include "config.h"

#include "unit.h"

#include "answer_fixture.h"

#include "answer/shadow.h"
#include "dns/message.h"
#include "dns/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char zone[] = "$TTL 300\n@ SOA ns1 host 7 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n"
                           "www A 203.0.113.9\nplain A 203.0.113.10\nalias CNAME www\n";
static const char *const origin = "example.com.", *const text = zone;

/* What serves, and a drill in which region 0 is lost. */
struct scene {
    struct fixture serving, drill;
    struct answer_counters counters[1];
    struct steer_cache *caches[1];
    struct addr_prefix sources[1], subnets[1];
    struct answer_shadow shadow;
    struct answer_shadows *shadows;
};

static void parse(const char *prefix, struct addr_prefix *to)
{
    assert_int_equal(addr_parse_prefix(prefix, to), 0);
}

static int set_up(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    fixture_init(&s.serving, &origin, &text, 1);
    fixture_init(&s.drill, &origin, &text, 1);
    const struct health_override down = {.desired = HEALTH_DESIRED_DOWN, .reason = "x", .actor = "y"};
    assert_int_equal(health_set_override(s.drill.view.health, HEALTH_REGION, 0, &down, 1), 0);
    s.caches[0] = s.drill.cache;
    s.drill.view.caches = s.caches;
    s.drill.view.cache_count = 1;
    parse("198.51.100.0/24", &s.sources[0]);
    parse("2001:db8:5::/48", &s.subnets[0]);
    s.shadow = (struct answer_shadow){
        .view = &s.drill.view,
        .counters = s.counters,
        .clients = {.sources = s.sources, .source_count = 1, .subnets = s.subnets, .subnet_count = 1}};
    s.shadows = answer_shadows_new(&(const struct answer_shadow *){&s.shadow}, 1);
    s.serving.aside.shadows = s.shadows;
    s.serving.context.aside = &s.serving.aside;
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    free(s->shadows);
    fixture_fini(&s->serving);
    fixture_fini(&s->drill);
    return 0;
}

static void from_address(const char *address, struct sockaddr_storage *to)
{
    struct addr_port at = {.port = 53};
    assert_int_equal(addr_parse(address, &at.addr), 0);
    addr_to_sockaddr(&at, to);
}

/* Returns the length of the reply. */
static size_t ask_from(struct scene *s, const char *client, const uint8_t *query, size_t len, uint8_t *out)
{
    struct sockaddr_storage from;
    from_address(client, &from);
    size_t got = answer_query(
        &s->serving.context,
        &(struct answer_request){.bytes = query, .len = len, .client = (const struct sockaddr *)&from}, out,
        512);
    fixture_check(out, got);
    return got;
}

/* The last octet of the first address in the reply, -1: there is none; all TTLs are as expected. */
static int read_reply(const uint8_t *bytes, size_t len, bool is_blank)
{
    struct dns_message message;
    struct dns_record record;
    int found = -1;
    assert_true(dns_message_open(&message, bytes, len));
    while (dns_message_next(&message, &record) == DNS_MESSAGE_RECORD) {
        if (record.type != DNS_TYPE_OPT) {
            assert_true((record.ttl == 0) == is_blank);
        }
        if (record.type == DNS_TYPE_A && found == -1) {
            found = bytes[record.rdata_at + 3];
        }
    }
    return found;
}

static int ask(struct scene *s, const char *client, const char *name, uint16_t type, bool is_blank)
{
    uint8_t query[300], out[512];
    size_t len = fixture_query(query, name, type, 0x100, 0);
    return read_reply(out, ask_from(s, client, query, len, out), is_blank);
}

static void only_clients_see_it(void **state)
{
    struct scene *s = *state;
    assert_in_range(ask(s, "192.0.2.1", "www.example.com.", DNS_TYPE_A, false), 1, 2);
    assert_in_range(ask(s, "198.51.99.255", "www.example.com.", DNS_TYPE_A, false), 1, 2);
    assert_in_range(ask(s, "198.51.101.0", "www.example.com.", DNS_TYPE_A, false), 1, 2);
    assert_in_range(ask(s, "2001:db8:5::1", "www.example.com.", DNS_TYPE_A, false), 1, 2);
    uint64_t before = answer_read_counter(&s->serving.counters, ANSWER_COUNT_QUERIES_UDP);
    assert_int_equal(ask(s, "198.51.100.0", "www.example.com.", DNS_TYPE_A, true), 3);
    assert_int_equal(ask(s, "198.51.100.255", "alias.example.com.", DNS_TYPE_A, true), 3);
    assert_int_equal(ask(s, "198.51.100.7", "plain.example.com.", DNS_TYPE_A, true), 10);
    assert_int_equal(ask(s, "198.51.100.7", "none.example.com.", DNS_TYPE_A, true), -1);
    assert_int_equal(ask(s, "198.51.100.7", "example.com.", DNS_TYPE_NS, true), 53);
    assert_int_equal(answer_read_counter(&s->serving.counters, ANSWER_COUNT_QUERIES_UDP), before);
    assert_int_equal(answer_read_counter(&s->counters[0], ANSWER_COUNT_QUERIES_UDP), 5);
    assert_int_equal(answer_read_counter(&s->counters[0], ANSWER_COUNT_STEERED), 2);
}

/* A transfer, and what is no question, is nobody's drill. */
static void others_are_served(void **state)
{
    struct scene *s = *state;
    uint8_t query[300], out[512];
    size_t len = fixture_query(query, "example.com.", DNS_TYPE_AXFR, 0, 0);
    (void)ask_from(s, "198.51.100.7", query, len, out);
    len = fixture_query(query, "example.com.", DNS_TYPE_A, 0x2800, 0);
    (void)ask_from(s, "198.51.100.7", query, len, out);
    assert_int_equal(answer_read_counter(&s->counters[0], ANSWER_COUNT_QUERIES_UDP), 0);
}

/* IPv6, with so many bits of the address; returns the scope in the reply. */
static unsigned ask_subnet(struct scene *s, const char *subnet, unsigned source_len, const char *name,
                           int *address, bool is_blank)
{
    uint8_t query[300], out[512];
    struct addr addr;
    size_t len = fixture_query(query, name, DNS_TYPE_A, 0, 1232), octets = (source_len + 7) / 8;
    assert_int_equal(addr_parse(subnet, &addr), 0);
    query[len - 1] = (uint8_t)(8 + octets);
    memcpy(query + len, (uint8_t[]){0, 8, 0, (uint8_t)(4 + octets), 0, 2, (uint8_t)source_len, 0}, 8);
    memcpy(query + len + 8, addr.bytes, octets);
    size_t got = ask_from(s, "192.0.2.1", query, len + 8 + octets, out);
    *address = read_reply(out, got, is_blank);
    return out[got - octets - 1];
}

static void subnets_tell(void **state)
{
    struct scene *s = *state;
    int address;
    assert_int_equal(ask_subnet(s, "2001:db8:5::", 56, "www.example.com.", &address, true), 48);
    assert_int_equal(address, 3);
    assert_int_equal(ask_subnet(s, "2001:db8:5::", 48, "none.example.com.", &address, true), 48);
    /* a subnet with others in it, and another one */
    assert_int_equal(ask_subnet(s, "2001:db8::", 32, "www.example.com.", &address, false), 0);
    assert_in_range(address, 1, 2);
    assert_int_equal(ask_subnet(s, "2001:db8:6::", 56, "www.example.com.", &address, false), 0);
    assert_in_range(address, 1, 2);
}

/* ---- live ---- */

static void share_live(struct scene *s, uint64_t share, struct answer_shadow *live)
{
    free(s->shadows);
    *live = (struct answer_shadow){
        .view = &s->drill.view, .counters = s->counters, .is_live = true, .below = share};
    s->shadows = answer_shadows_new((const struct answer_shadow *const[]){&s->shadow, live}, 2);
    s->serving.aside.shadows = s->shadows;
}

static bool sees_live(struct scene *s, const char *client)
{
    return ask(s, client, "www.example.com.", DNS_TYPE_A, false) == 3;
}

/* With the TTLs of production, and counted there; a drill of clients of its own goes before. */
static void everybody_sees_a_live_one(void **state)
{
    struct scene *s = *state;
    struct answer_shadow live;
    share_live(s, ANSWER_SHARE_ALL, &live);
    uint64_t before = answer_read_counter(&s->serving.counters, ANSWER_COUNT_QUERIES_UDP);
    assert_true(sees_live(s, "192.0.2.1"));
    assert_true(sees_live(s, "2001:db8:9::1"));
    assert_int_equal(ask(s, "192.0.2.1", "plain.example.com.", DNS_TYPE_A, false), 10);
    assert_int_equal(answer_read_counter(&s->serving.counters, ANSWER_COUNT_QUERIES_UDP), before + 3);
    assert_int_equal(answer_read_counter(&s->counters[0], ANSWER_COUNT_QUERIES_UDP), 3);
    assert_int_equal(ask(s, "198.51.100.7", "www.example.com.", DNS_TYPE_A, true), 3);
    int address;
    assert_int_equal(ask_subnet(s, "2001:db8:6::", 56, "www.example.com.", &address, false), 0);
    assert_int_equal(address, 3);
}

/* Any thread may say that it is over: nobody sees it from then on, although it is in the set still. */
static void nobody_sees_one_that_is_over(void **state)
{
    struct scene *s = *state;
    struct answer_shadow live;
    for (uint64_t share = ANSWER_SHARE_ALL; share != 0; share = share == ANSWER_SHARE_ALL ? share - 1 : 0) {
        share_live(s, share, &live);
        assert_true(sees_live(s, "192.0.2.1"));
        atomic_store(&live.is_over, true);
        assert_false(sees_live(s, "192.0.2.1"));
        assert_int_equal(ask(s, "192.0.2.1", "plain.example.com.", DNS_TYPE_A, false), 10);
        assert_int_equal(ask(s, "198.51.100.7", "www.example.com.", DNS_TYPE_A, true), 3); /* another one */
    }
    int address;
    atomic_store(&s->shadow.is_over, true);
    assert_in_range(ask(s, "198.51.100.7", "www.example.com.", DNS_TYPE_A, false), 1, 2);
    assert_int_equal(ask_subnet(s, "2001:db8:5::", 56, "www.example.com.", &address, false), 0);
    assert_in_range(address, 1, 2);
    assert_int_equal(answer_read_counter(&s->counters[0], ANSWER_COUNT_QUERIES_UDP), 4);
}

/* Who is in a share is in every larger one, and about as many are in it as it says. */
static void a_share_is_the_same_every_time(void **state)
{
    struct scene *s = *state;
    struct answer_shadow live;
    enum { CLIENTS = 4000 };
    char client[32];
    bool saw[CLIENTS] = {false};
    for (unsigned percent = 5; percent <= 80; percent *= 4) {
        unsigned count = 0;
        share_live(s, ANSWER_SHARE_ALL * percent / 100, &live);
        for (unsigned i = 0; i < CLIENTS; i++) {
            snprintf(client, sizeof client, "10.%u.%u.7", i / 256, i % 256);
            bool sees = sees_live(s, client);
            assert_true(sees || !saw[i]);
            saw[i] = sees;
            count += sees;
        }
        assert_in_range(count, CLIENTS * percent / 100 - CLIENTS / 50,
                        CLIENTS * percent / 100 + CLIENTS / 50);
    }
    struct addr one, other;
    assert_int_equal(addr_parse("10.1.2.3", &one), 0);
    assert_int_equal(addr_parse("10.1.2.255", &other), 0);
    assert_int_equal(answer_find_share(&one, 32), answer_find_share(&other, 24));
    assert_true(answer_find_share(&one, 23) != answer_find_share(&one, 24));
    assert_int_equal(addr_parse("2001:db8:1:2::3", &one), 0);
    assert_int_equal(addr_parse("2001:db8:1:ffff::", &other), 0);
    assert_int_equal(answer_find_share(&one, 128), answer_find_share(&other, 56));
}

/* ---- against a model ---- */

static uint64_t seed = 7;

static unsigned below(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)((seed >> 33) % n);
}

/* Few bits differ, so that many are near each other. */
static void make_addr(struct addr *addr)
{
    *addr = (struct addr){.family = below(2) == 0 ? ADDR_V4 : ADDR_V6};
    for (size_t i = 0; i < addr_len(addr); i++) {
        addr->bytes[i] = (uint8_t)(below(3) == 0 ? below(4) * 85 : 0);
    }
}

static void make_prefix(struct addr_prefix *prefix)
{
    make_addr(&prefix->addr);
    prefix->len = (uint8_t)below(prefix->addr.family == ADDR_V4 ? 33 : 129);
    addr_mask(&prefix->addr, prefix->len);
}

enum { DRILLS = 4, EACH = 8 };

static void prefixes_are_found(void **state)
{
    struct addr_prefix prefixes[DRILLS][EACH];
    struct answer_shadow drills[DRILLS];
    const struct answer_shadow *list[DRILLS];
    static const struct view none;
    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t kept = 0;
        for (size_t d = 0; d < DRILLS; d++) { /* only what has nothing in common with those before */
            size_t count = 0;
            while (count < EACH) {
                make_prefix(&prefixes[kept][count]);
                struct answer_clients one = {.sources = &prefixes[kept][count], .source_count = 1};
                bool is_free = true;
                for (size_t o = 0; o < kept; o++) {
                    is_free &= !answer_clients_overlap(&one, &drills[o].clients);
                }
                struct answer_clients own = {.sources = prefixes[kept], .source_count = count};
                if (!is_free || (count != 0 && answer_clients_overlap(&one, &own))) {
                    break;
                }
                count++;
            }
            drills[kept] = (struct answer_shadow){
                .view = &none, .clients = {.sources = prefixes[kept], .source_count = count}};
            list[kept] = &drills[kept];
            kept++;
        }
        struct answer_shadows *shadows = answer_shadows_new(list, kept);
        for (int i = 0; i < 200; i++) {
            struct addr_port at = {.port = 1};
            struct sockaddr_storage from;
            struct dns_query query;
            uint8_t bytes[300], scope;
            const struct answer_shadow *expected = NULL;
            make_addr(&at.addr);
            addr_to_sockaddr(&at, &from);
            size_t len = fixture_query(bytes, "www.example.com.", DNS_TYPE_A, 0, 0);
            assert_int_equal(dns_query_parse(&query, bytes, len), DNS_QUERY_OK);
            for (size_t d = 0; d < kept; d++) {
                for (size_t p = 0; p < drills[d].clients.source_count; p++) {
                    expected = addr_in_prefix(&at.addr, &prefixes[d][p]) ? &drills[d] : expected;
                }
            }
            const struct answer_request request = {
                .bytes = bytes, .len = len, .client = (const struct sockaddr *)&from};
            /* an address of IPv6 that is one of IPv4 comes back as that */
            struct addr_port back;
            addr_from_sockaddr((const struct sockaddr *)&from, &back);
            if (back.addr.family == at.addr.family) {
                assert_ptr_equal(shadow_find(shadows, &request, &query, &scope), expected);
                assert_true(expected == NULL || shadow_passes(shadows, &request, &query));
            }
        }
        free(shadows);
    }
}

/* Two drills; a source goes before a listener, and that before a live one. */
static void listeners_tell(void **state)
{
    static const struct view none;
    const struct answer_shadow one = {.view = &none,
                                      .clients.listeners = UINT64_C(1) << 2 | UINT64_C(1) << 63},
                               other = {.view = &none, .clients.listeners = UINT64_C(1) << 3},
                               live = {.view = &none, .is_live = true, .below = ANSWER_SHARE_ALL};
    const struct scene *s = *state;
    const struct answer_shadow *const list[] = {&one, &s->shadow, &other, &live};
    const struct answer_shadow *const expected[] = {NULL, NULL, &one, &other, NULL};
    struct sockaddr_storage from, own;
    struct dns_query query;
    uint8_t bytes[300], scope;
    from_address("192.0.2.1", &from);
    from_address("198.51.100.9", &own);
    size_t len = fixture_query(bytes, "www.example.com.", DNS_TYPE_A, 0, 0);
    assert_int_equal(dns_query_parse(&query, bytes, len), DNS_QUERY_OK);
    struct answer_request request = {.bytes = bytes, .len = len};
    for (size_t count = 3; count <= 4; count++) {
        struct answer_shadows *shadows = answer_shadows_new(list, count);
        for (uint16_t listener = 0; listener <= 4; listener++) {
            const struct answer_shadow *found = expected[listener];
            request.client = (const struct sockaddr *)&from;
            request.listener = listener;
            assert_int_equal(shadow_passes(shadows, &request, &query), found != NULL || count == 4);
            assert_ptr_equal(shadow_find(shadows, &request, &query, &scope),
                             found == NULL && count == 4 ? &live : found);
            assert_int_equal(scope, 0);
            request.client = (const struct sockaddr *)&own;
            assert_ptr_equal(shadow_find(shadows, &request, &query, &scope), &s->shadow);
        }
        request.client = (const struct sockaddr *)&from;
        request.listener = 63;
        assert_ptr_equal(shadow_find(shadows, &request, &query, &scope), &one);
        request.listener = 64 + 2; /* beyond what is told apart: nobody's */
        assert_ptr_equal(shadow_find(shadows, &request, &query, &scope), count == 4 ? &live : NULL);
        free(shadows);
    }
    assert_true(answer_clients_overlap(&one.clients, &one.clients));
    assert_false(answer_clients_overlap(&one.clients, &other.clients));
}

static void none_is_no_set(void **state)
{
    (void)state;
    assert_null(answer_shadows_new(NULL, 0));
    assert_null(answer_read_shadows(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_clients_see_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others_are_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(subnets_tell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everybody_sees_a_live_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_sees_one_that_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_share_is_the_same_every_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(listeners_tell, set_up, tear_down),
        cmocka_unit_test(prefixes_are_found),
        cmocka_unit_test(none_is_no_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
