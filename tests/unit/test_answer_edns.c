/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the options of OPT, with the cookies of RFC 9018 appendix A, and of class CH. */
#include "config.h"

#include "answer_fixture.h"

#include "unit.h"

#include "answer/cookie.h"
#include "dns/query.h"

#include <string.h>

#define SECRET     "\xe5\xe9\x73\xe5\xa6\xb2\xa4\x3f\x48\xe7\xdc\x84\x9e\x37\xbf\xcf"
#define SECRET_OLD "\xdd\x3b\xdf\x93\x44\xb6\x78\xb1\x85\xa6\xf5\xcb\x60\xfc\xa7\x15"
#define SECRET_NEW "\x44\x55\x36\xbc\xd2\x51\x32\x98\x07\x5a\x5d\x37\x96\x63\xc9\x62"
#define COOKIE_A1  "\x24\x64\xc4\xab\xcf\x10\xc9\x57\1\0\0\0\x5c\xf7\x9f\x11\x1f\x81\x30\xc3\xee\xe2\x94\x80"
#define COOKIE_A2  "\x24\x64\xc4\xab\xcf\x10\xc9\x57\1\0\0\0\x5c\xf7\xa8\x71\xd4\xa5\x64\xa1\x44\x2a\xca\x77"
#define COOKIE_A3_IN                                                                                         \
    "\xfc\x93\xfc\x62\x80\x7d\xdb\x86\1\xab\xcd\xef\x5c\xf7\x8f\x71\xa3\x14\x22\x7b\x66\x79\xeb\xf5"
#define COOKIE_A3_OUT                                                                                        \
    "\xfc\x93\xfc\x62\x80\x7d\xdb\x86\1\0\0\0\x5c\xf7\xa9\xac\xf7\x3a\x78\x10\xac\xa2\x38\x1e"
#define COOKIE_A4_IN                                                                                         \
    "\x22\x68\x1a\xb9\x7d\x52\xc2\x98\1\0\0\0\x5c\xf7\xc5\x79\x26\x55\x6b\xd0\x93\x4c\x72\xf8"
#define COOKIE_A4_OUT                                                                                        \
    "\x22\x68\x1a\xb9\x7d\x52\xc2\x98\1\0\0\0\x5c\xf7\xc6\x09\xa6\xbb\x79\xd1\x66\x25\x50\x7a"
#define BYTES(literal) ((const uint8_t *)(literal))

enum { A1_S = 1559731985, A2_S = 1559734385, A3_MADE_S = 0x5cf78f71, A3_S = 1559734700, A4_S = 1559741961 };

static void cookies_of_the_rfc(void **state)
{
    (void)state;
    uint8_t keys[2][16], made[COOKIE_SIZE];
    struct cookie_secrets secrets = {.items = (const void *)keys, .count = 1};
    struct addr client;
    memcpy(keys[0], SECRET, 16);
    addr_parse("198.51.100.100", &client);
    assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A1), 8, A1_S), COOKIE_NEW);
    cookie_make(&secrets, &client, BYTES(COOKIE_A1), A1_S, made);
    assert_memory_equal(made, COOKIE_A1, COOKIE_SIZE);
    assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A1), 24, A2_S), COOKIE_RENEW);
    cookie_make(&secrets, &client, BYTES(COOKIE_A1), A2_S, made);
    assert_memory_equal(made, COOKIE_A2, COOKIE_SIZE);
    addr_parse("203.0.113.203", &client); /* reserved bits are hashed as they came */
    assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A3_IN), 24, A3_MADE_S), COOKIE_VALID);
    cookie_make(&secrets, &client, BYTES(COOKIE_A3_IN), A3_S, made);
    assert_memory_equal(made, COOKIE_A3_OUT, COOKIE_SIZE);
    memcpy(keys[0], SECRET_NEW, 16); /* a secret that rolls, and IPv6 */
    memcpy(keys[1], SECRET_OLD, 16);
    addr_parse("2001:db8:220:1:59de:d0f4:8769:82b8", &client);
    assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A4_IN), 24, A4_S), COOKIE_INVALID);
    secrets.count = 2;
    assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A4_IN), 24, A4_S), COOKIE_RENEW);
    cookie_make(&secrets, &client, BYTES(COOKIE_A4_IN), A4_S, made);
    assert_memory_equal(made, COOKIE_A4_OUT, COOKIE_SIZE);
}

static void cookies_age(void **state)
{
    (void)state;
    static const struct {
        int32_t after_s;
        enum cookie_verdict verdict;
    } cases[] = {{0, COOKIE_VALID},      {1800, COOKIE_VALID}, {1801, COOKIE_RENEW},  {3600, COOKIE_RENEW},
                 {3601, COOKIE_INVALID}, {-300, COOKIE_VALID}, {-301, COOKIE_INVALID}};
    struct addr client, other;
    struct cookie_secrets secrets = {.items = (const void *)SECRET, .count = 1};
    uint8_t cookie[COOKIE_SIZE];
    addr_parse("198.51.100.100", &client);
    addr_parse("198.51.100.101", &other);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t now_s = (uint32_t)(A1_S + cases[i].after_s);
        assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A1), 24, now_s), cases[i].verdict);
    }
    assert_int_equal(cookie_judge(&secrets, &other, BYTES(COOKIE_A1), 24, A1_S), COOKIE_INVALID);
    for (size_t i = 0; i < COOKIE_SIZE; i++) {
        memcpy(cookie, COOKIE_A1, COOKIE_SIZE);
        cookie[i] ^= 1;
        assert_int_equal(cookie_judge(&secrets, &client, cookie, 24, A1_S), COOKIE_INVALID);
    }
    assert_int_equal(cookie_judge(&secrets, &client, BYTES(COOKIE_A1), 23, A1_S), COOKIE_INVALID);
    /* the clock wraps in 2106 */
    cookie_make(&secrets, &client, BYTES(COOKIE_A1), UINT32_MAX, cookie);
    assert_int_equal(cookie_judge(&secrets, &client, cookie, 24, 9), COOKIE_VALID);
}

/* Ask for host.example.com. A with these options; returns the options of the reply in out. */
static const uint8_t *ask(struct fixture *f, const char *options, size_t len, enum answer_transport transport,
                          size_t *got)
{
    static uint8_t query[512], out[4096];
    struct sockaddr_storage client;
    struct addr_port at = {.port = 53};
    addr_parse("198.51.100.100", &at.addr);
    addr_to_sockaddr(&at, &client);
    size_t plain = fixture_query(query, "host.example.com.", 1, 0, 4096);
    query[plain - 1] = (uint8_t)len;
    memcpy(query + plain, options, len);
    size_t all = answer_query(&f->context,
                              &(struct answer_request){.bytes = query,
                                                       .len = plain + len,
                                                       .client = (const struct sockaddr *)&client,
                                                       .transport = transport,
                                                       .idle_ds = 100},
                              out, sizeof out);
    fixture_check(out, all);
    *got = all - plain - 16; /* the one A record is 16 octets */
    assert_true(all >= plain + 16);
    assert_int_equal(out[all - *got - 1], *got);
    return out + all - *got;
}

static uint64_t counted(struct fixture *f, enum answer_counter counter)
{
    return answer_read_counter(&f->counters, counter);
}

static void options_are_answered(void **state)
{
    struct fixture *f = *state;
    size_t got;
    const uint8_t *options = ask(f, "\0\3\0\0", 4, ANSWER_UDP, &got);
    assert_int_equal(got, 8);
    assert_memory_equal(options, "\0\3\0\4lhr1", 8);
    ask(f, "\0\13\0\0", 4, ANSWER_UDP, &got);
    assert_int_equal(got, 0);
    options = ask(f, "\0\13\0\0", 4, ANSWER_TCP, &got);
    assert_int_equal(got, 6);
    assert_memory_equal(options, "\0\13\0\2\0\144", 6);
    f->server.identity = NULL;
    ask(f, "\0\3\0\0\0\14\0\2\0\0", 10, ANSWER_TCP, &got); /* no identity; padding */
    assert_int_equal(got, 0);
    f->server.identity = "lhr1";
}

static void cookies_are_answered(void **state)
{
    struct fixture *f = *state;
    size_t got;
    char option[28] = "\0\12\0\30" COOKIE_A1;
    memcpy(f->view.random_secret, SECRET, 16);
    uint64_t valid = counted(f, ANSWER_COUNT_COOKIE_VALID), invalid = counted(f, ANSWER_COUNT_COOKIE_INVALID),
             fresh = counted(f, ANSWER_COUNT_COOKIE_NEW);
    assert_memory_equal(ask(f, option, 28, ANSWER_UDP, &got), option, 28);
    assert_int_equal(got, 28);
    assert_int_equal(counted(f, ANSWER_COUNT_COOKIE_VALID), valid + 1);
    option[27] ^= 1; /* answered, with a good one */
    assert_memory_equal(ask(f, option, 28, ANSWER_UDP, &got), "\0\12\0\30" COOKIE_A1, 28);
    assert_int_equal(counted(f, ANSWER_COUNT_COOKIE_INVALID), invalid + 1);
    option[3] = 8;
    assert_memory_equal(ask(f, option, 12, ANSWER_TCP, &got), "\0\12\0\30" COOKIE_A1, 28);
    assert_int_equal(counted(f, ANSWER_COUNT_COOKIE_NEW), fresh + 1);
    f->view.secret_count = 0;
    ask(f, option, 12, ANSWER_UDP, &got);
    assert_int_equal(got, 0);
    f->view.secret_count = 1;
}

/* ---- extended errors ---- */

/* Ask with EDNS; returns the options of the reply, and how many octets they are. */
static const uint8_t *ask_error(struct fixture *f, const char *name, const uint8_t type_and_class[4],
                                uint8_t *out, size_t *len)
{
    uint8_t query[512];
    size_t query_len = fixture_query(query, name, 0, 0, 1232);
    memcpy(query + query_len - 15, type_and_class, 4);
    size_t got = fixture_ask_bytes(f, query, query_len, ANSWER_UDP, out, 1232);
    size_t opt = got;
    for (size_t back = 11; back < 64 && opt == got; back++) { /* OPT is the last record */
        const uint8_t *at = out + got - back;
        opt = memcmp(at, "\0\0\51\4\320", 5) == 0 && at[10] + 11u == back ? got - back : opt;
    }
    assert_true(opt != got);
    *len = got - opt - 11;
    return out + opt + 11;
}

static void expect_error(struct fixture *f, const char *name, const char *type_and_class,
                         const char *expected, size_t expected_len)
{
    uint8_t out[1232];
    size_t len;
    const uint8_t *options = ask_error(f, name, BYTES(type_and_class), out, &len);
    assert_int_equal(len, expected_len);
    assert_memory_equal(options, expected, len);
}

static void extended_errors(void **state)
{
    struct fixture *f = *state;
    expect_error(f, "host.example.com.", "\0\1\0\1", "", 0);
    expect_error(f, "no.example.com.", "\0\1\0\1", "", 0);
    expect_error(f, "host.elsewhere.test.", "\0\1\0\1", "\0\17\0\2\0\24", 6);
    expect_error(f, "host.example.com.", "\0\1\0\4", "\0\17\0\2\0\25", 6);
    expect_error(f, "example.com.", "\0\373\0\1", "\0\17\0\2\0\22", 6); /* IXFR */
    expect_error(f, "elsewhere.test.", "\0\373\0\1", "\0\17\0\2\0\24", 6);
    expect_error(f, "example.com.", "\0\374\0\1", "\0\17\0\2\0\25", 6); /* AXFR over UDP */
    expect_error(f, "x.broken.test.", "\0\1\0\1", "\0\17\0\21\0\30zone not loaded", 21);
    for (uint32_t i = 0; i < 3; i++) {
        health_observe(f->view.health, i, HEALTH_OUTCOME_REFUSED, 1, 1, 0);
    }
    expect_error(f, "www.example.com.", "\0\1\0\1", "\0\17\0\25\0\0no healthy endpoint", 25);
    f->server.extended_errors = false;
    expect_error(f, "host.elsewhere.test.", "\0\1\0\1", "", 0);
    f->server.extended_errors = true;
    for (uint32_t i = 0; i < 3; i++) {
        health_observe(f->view.health, i, HEALTH_OUTCOME_OK, 1, 1, 0);
    }
}

/* Never without EDNS, and never beyond the room that there is. */
static void extended_errors_need_room(void **state)
{
    struct fixture *f = *state;
    uint8_t query[512], out[1232];
    size_t len = fixture_query(query, "host.elsewhere.test.", DNS_TYPE_A, 0, 0);
    assert_int_equal(fixture_ask_bytes(f, query, len, ANSWER_UDP, out, sizeof out), len);
    len = fixture_query(query, "host.elsewhere.test.", DNS_TYPE_A, 0, 1232);
    assert_int_equal(fixture_ask_bytes(f, query, len, ANSWER_TCP, out, len + 6), len + 6);
    assert_int_equal(fixture_ask_bytes(f, query, len, ANSWER_TCP, out, len + 5), len);
    query[2] = 0x10; /* an opcode that nobody knows: OPT alone behind the header */
    size_t got = fixture_ask_bytes(f, query, len, ANSWER_UDP, out, sizeof out);
    assert_int_equal(out[3] & 15, DNS_RCODE_NOTIMP);
    assert_memory_equal(out + got - 6, "\0\17\0\2\0\25", 6);
}

static size_t ask_chaos(struct fixture *f, const char *name, uint8_t type, uint8_t *out)
{
    uint8_t query[512];
    size_t len = fixture_query(query, name, type, 0, 0);
    query[len - 1] = 3;
    return fixture_ask_bytes(f, query, len, ANSWER_UDP, out, 512) - len;
}

static void class_ch(void **state)
{
    struct fixture *f = *state;
    uint8_t out[512];
    static const char *const names[] = {"Version.BIND.", "version.server.", "id.server.", "hostname.bind."};
    static const char *const texts[] = {"\6steerd", "\6steerd", "\4lhr1", "\4lhr1"};
    for (size_t i = 0; i < 4; i++) {
        size_t name = strlen(names[i]) + 1, text = strlen(texts[i]);
        assert_int_equal(ask_chaos(f, names[i], 16, out), 12 + text);
        assert_memory_equal(out + 2, "\x84\0\0\1\0\1", 6);
        assert_memory_equal(out + 16 + name, "\xc0\14\0\20\0\3\0\0\0\0\0", 11);
        assert_memory_equal(out + 16 + name + 12, texts[i], text);
        assert_int_equal(ask_chaos(f, names[i], 1, out), 0);
        assert_int_equal(out[3], 5);
    }
    assert_int_equal(ask_chaos(f, "host.example.com.", 16, out), 0);
    assert_int_equal(out[3], 5);
    f->server.version = "";
    f->server.identity = NULL;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask_chaos(f, names[i], 16, out), 0);
        assert_int_equal(out[3], 5);
    }
}

static int set_up(void **state)
{
    static struct fixture f;
    static const char *const origins[] = {"example.com."};
    static const char *const texts[] = {"$ORIGIN example.com.\n@ 3600 IN SOA ns hostmaster 1 2 3 4 300\n@ "
                                        "3600 IN NS ns\nns 300 IN A 192.0.2.53\n"
                                        "host 300 IN A 192.0.2.10\n"};
    fixture_init(&f, origins, texts, 1);
    assert_int_equal(zone_table_add(f.view.zones, zone_new_failed(BYTES("\6broken\4test"))), 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_fini(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_of_the_rfc),
        cmocka_unit_test(cookies_age),
        cmocka_unit_test(options_are_answered),
        cmocka_unit_test(cookies_are_answered),
        cmocka_unit_test(class_ch),
        cmocka_unit_test(extended_errors),
        cmocka_unit_test(extended_errors_need_room),
    };
    return cmocka_run_group_tests_name("answer edns", tests, set_up, tear_down);
}
