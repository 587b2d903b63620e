/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of NOTIFY in virtual time: who is told what and when, which answers count, and what is known of
 * secondaries over listings. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "dns/name.h"
#include "dns/tsig.h"
#include "notify/notify.h"

#include <string.h>

static const uint8_t zone_a[] = "\1a\7example", zone_b[] = "\1b\7example",
                     soa[] = "\300\14\0\6\0\1\0\0\0\3\0\0";

enum { SOA_LEN = 12, QUESTION_END = 12 + 11 + 4 };

struct world {
    struct clock clock;
    struct notify *notify;
    struct notify_message message;
    unsigned ended;
    struct notify_status last; /* that ended */
};

static void on_ended(void *context, const uint8_t *apex, const struct notify_status *status)
{
    struct world *w = context;
    assert_true(apex[1] == 'a' || apex[1] == 'b');
    w->ended++;
    w->last = *status;
}

static void init(struct world *w)
{
    memset(w, 0, sizeof *w);
    clock_init_virtual(&w->clock, 1000, INT64_C(1700000000000));
    w->notify = notify_new(&(struct notify_hooks){w, on_ended}, 1);
}

static struct notify_now now(const struct world *w)
{
    return (struct notify_now){clock_now_ms(&w->clock), clock_wall_ms(&w->clock)};
}

static struct addr_port at(const char *text)
{
    struct addr_port at;
    assert_int_equal(addr_parse_port(text, &at), 0);
    return at;
}

/* Zone a has the secondaries 192.0.2.1 (and more), zone b the last of them. */
static void list(struct world *w, size_t count, struct tsig_keys *keys)
{
    struct notify_secondary secondaries[] = {{at("192.0.2.1:53"), keys == NULL ? TSIG_NO_KEY : 0},
                                             {at("192.0.2.2:53"), TSIG_NO_KEY},
                                             {at("[2001:db8::1]:5353"), TSIG_NO_KEY}};
    notify_begin(w->notify, keys);
    notify_list(w->notify, zone_a, secondaries, count);
    notify_list(w->notify, zone_b, secondaries + 2, 1);
    notify_end(w->notify);
}

static bool next(struct world *w)
{
    struct notify_now time = now(w);
    return notify_next(w->notify, &time, &w->message);
}

static void expect_next(struct world *w, const char *to)
{
    char text[ADDR_TEXT_SIZE];
    assert_true(next(w));
    assert_string_equal(addr_write_port(&w->message.to, text), to);
}

/* A reply to the message in hand. */
static size_t reply_to(const struct world *w, unsigned rcode, uint8_t reply[NOTIFY_MESSAGE_MAX])
{
    memcpy(reply, w->message.bytes, QUESTION_END);
    reply[2] |= 0x80;
    reply[3] = (uint8_t)rcode;
    memset(reply + 6, 0, 6);
    return QUESTION_END;
}

static bool take_from(struct world *w, const char *from, const uint8_t *bytes, size_t len)
{
    struct notify_now time = now(w);
    struct addr_port sender = at(from);
    return notify_take(w->notify, &sender, bytes, len, &time);
}

static const struct notify_status *status(const struct world *w, size_t index)
{
    return notify_get(w->notify, zone_a, index);
}

static void a_message_says_what_changed(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    list(&w, 1, NULL);
    assert_false(next(&w));
    assert_true(notify_due_ms(w.notify) == INT64_MAX);
    assert_int_equal(status(&w, 0)->state, NOTIFY_IDLE);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    static const uint8_t expected[] =
        "\0\0\44\0\0\1\0\1\0\0\0\0\1a\7example\0\0\6\0\1\300\14\0\6\0\1\0\0\0\3\0\0";
    assert_int_equal(w.message.len, sizeof expected - 1);
    assert_memory_equal(w.message.bytes + 2, expected + 2, sizeof expected - 3);
    assert_false(next(&w));
    assert_int_equal(status(&w, 0)->state, NOTIFY_WAITING);
    assert_int_equal(status(&w, 0)->serial, 7);
    notify_free(w.notify);
}

static void silence_is_met_with_patience(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {2000, 4000, 8000, 16000, 32000};
    struct world w;
    init(&w);
    list(&w, 1, NULL);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        assert_int_equal(notify_due_ms(w.notify), clock_now_ms(&w.clock) + waits_ms[i]);
        clock_advance(&w.clock, waits_ms[i] - 1);
        assert_false(next(&w));
        clock_advance(&w.clock, 1);
        expect_next(&w, "192.0.2.1:53");
        assert_int_equal(status(&w, 0)->attempts, i + 2);
    }
    clock_advance(&w.clock, 31999);
    assert_false(next(&w));
    assert_int_equal(w.ended, 0);
    clock_advance(&w.clock, 1);
    assert_false(next(&w));
    assert_int_equal(w.ended, 1);
    assert_int_equal(w.last.state, NOTIFY_SILENT);
    assert_int_equal(w.last.attempts, NOTIFY_ATTEMPTS);
    assert_true(notify_due_ms(w.notify) == INT64_MAX);
    notify_tell(w.notify, zone_a, 8, soa, SOA_LEN); /* the next change begins anew */
    expect_next(&w, "192.0.2.1:53");
    assert_int_equal(status(&w, 0)->attempts, 1);
    struct notify_stats stats;
    notify_get_stats(w.notify, &stats);
    assert_int_equal(stats.sent, 7);
    assert_int_equal(stats.silent, 1);
    notify_free(w.notify);
}

static void an_answer_ends_it(void **state)
{
    (void)state;
    struct world w;
    uint8_t reply[NOTIFY_MESSAGE_MAX];
    for (unsigned rcode = 0; rcode < 16; rcode++) {
        init(&w);
        list(&w, 1, NULL);
        notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
        expect_next(&w, "192.0.2.1:53");
        clock_advance(&w.clock, 5);
        size_t len = reply_to(&w, rcode, reply);
        assert_true(take_from(&w, "192.0.2.1:53", reply, len));
        assert_int_equal(w.ended, 1);
        assert_int_equal(w.last.state, rcode == 0 ? NOTIFY_ACKNOWLEDGED : NOTIFY_REFUSED);
        assert_int_equal(w.last.rcode, rcode);
        assert_int_equal(w.last.since_ms, clock_wall_ms(&w.clock));
        assert_false(take_from(&w, "192.0.2.1:53", reply, len)); /* once */
        clock_advance(&w.clock, 100000);
        assert_false(next(&w));
        notify_free(w.notify);
    }
}

static void only_its_answer_counts(void **state)
{
    (void)state;
    struct world w;
    uint8_t reply[NOTIFY_MESSAGE_MAX], changed[NOTIFY_MESSAGE_MAX];
    init(&w);
    list(&w, 1, NULL);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    size_t len = reply_to(&w, 0, reply);
    assert_false(take_from(&w, "192.0.2.2:53", reply, len));
    assert_false(take_from(&w, "192.0.2.1:54", reply, len));
    assert_false(take_from(&w, "192.0.2.1:53", w.message.bytes, w.message.len)); /* the request itself */
    for (size_t i = 0; i < len;
         i++) { /* identifier, QR, opcode, name, type, class; not the case of letters */
        if (i == 2 || i == 3 || (i >= 6 && i < 12)) {
            continue;
        }
        memcpy(changed, reply, len);
        changed[i] ^= i == 4 || i == 5 ? 2 : 1;
        assert_false(take_from(&w, "192.0.2.1:53", changed, len));
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_false(take_from(&w, "192.0.2.1:53", reply, cut));
    }
    assert_int_equal(w.ended, 0);
    memcpy(changed, reply, len);
    changed[13] = 'A';
    assert_true(take_from(&w, "192.0.2.1:53", changed, len));
    notify_tell(w.notify, zone_a, 8, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    (void)reply_to(&w, 0, reply);
    reply[5] = 0; /* some answer without the question */
    assert_true(take_from(&w, "192.0.2.1:53", reply, 12));
    notify_free(w.notify);
}

static void every_attempt_has_its_own_answer(void **state)
{
    (void)state;
    struct world w;
    uint8_t first[NOTIFY_MESSAGE_MAX], second[NOTIFY_MESSAGE_MAX];
    init(&w);
    list(&w, 1, NULL);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    size_t len = reply_to(&w, 0, first);
    clock_advance(&w.clock, 2000);
    expect_next(&w, "192.0.2.1:53");
    (void)reply_to(&w, 0, second);
    assert_false(take_from(&w, "192.0.2.1:53", first, len));
    notify_tell(w.notify, zone_a, 8, soa, SOA_LEN); /* the second answer would not be about this */
    assert_false(take_from(&w, "192.0.2.1:53", second, len));
    expect_next(&w, "192.0.2.1:53");
    (void)reply_to(&w, 0, first);
    assert_true(take_from(&w, "192.0.2.1:53", first, len));
    assert_int_equal(w.last.serial, 8);
    notify_free(w.notify);
}

static void all_are_told(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    list(&w, 3, NULL);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    expect_next(&w, "192.0.2.2:53");
    expect_next(&w, "[2001:db8::1]:5353");
    assert_false(next(&w));
    clock_advance(&w.clock, 500);
    notify_tell(w.notify, zone_b, 1, soa, SOA_LEN);
    expect_next(&w, "[2001:db8::1]:5353");
    clock_advance(&w.clock, 1500);
    for (int i = 0; i < 3; i++) {
        assert_true(next(&w));
        assert_int_equal(w.message.bytes[13], 'a');
    }
    assert_false(next(&w));
    notify_tell(w.notify, (const uint8_t *)"\1c\7example", 1, soa, SOA_LEN); /* nobody's */
    assert_false(next(&w));
    assert_int_equal(notify_count(w.notify, zone_a), 3);
    assert_int_equal(notify_count(w.notify, (const uint8_t *)"\1c\7example"), 0);
    notify_free(w.notify);
}

/* ---- keys ---- */

static struct tsig_keys *make_keys(uint8_t secret)
{
    return tsig_keys_new(&(struct tsig_key_plan){(const uint8_t *)"\3key", DNS_TSIG_HMAC_SHA256, &secret, 1},
                         1);
}

static size_t sign_as_server(const struct world *w, const struct tsig_keys *keys, uint8_t *reply, size_t len)
{
    struct tsig_exchange exchange;
    size_t tsig_at;
    uint64_t now_s = (uint64_t)clock_wall_ms(&w->clock) / 1000;
    assert_true(dns_tsig_find(w->message.bytes, w->message.len, &tsig_at));
    assert_int_not_equal(tsig_at, 0);
    struct tsig_message request = {w->message.bytes, w->message.len, tsig_at};
    (void)tsig_judge_request(&exchange, keys, &request, now_s);
    return tsig_sign_reply(&exchange, reply, len, NOTIFY_MESSAGE_MAX, now_s);
}

static void signed_requests_want_signed_answers(void **state)
{
    (void)state;
    struct world w;
    struct tsig_keys *keys = make_keys(1), *wrong = make_keys(2);
    uint8_t reply[NOTIFY_MESSAGE_MAX];
    init(&w);
    list(&w, 1, keys);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    size_t len = reply_to(&w, 0, reply);
    assert_true(take_from(&w, "192.0.2.1:53", reply, len)); /* anybody may have sent that */
    assert_int_equal(w.ended, 0);
    assert_int_equal(status(&w, 0)->rcode, NOTIFY_NO_RCODE);
    len = sign_as_server(&w, wrong, reply, len); /* BADSIG */
    reply[3] = DNS_RCODE_NOTAUTH;
    assert_true(take_from(&w, "192.0.2.1:53", reply, len));
    assert_int_equal(w.ended, 0);
    assert_int_equal(status(&w, 0)->rcode, DNS_RCODE_NOTAUTH);
    len = sign_as_server(&w, keys, reply, reply_to(&w, 0, reply));
    assert_true(take_from(&w, "192.0.2.1:53", reply, len));
    assert_int_equal(w.ended, 1);
    assert_int_equal(w.last.state, NOTIFY_ACKNOWLEDGED);
    tsig_keys_release(keys);
    tsig_keys_release(wrong);
    notify_free(w.notify);
}

static void unproven_errors_are_told_in_the_end(void **state)
{
    (void)state;
    struct world w;
    struct tsig_keys *keys = make_keys(1);
    uint8_t reply[NOTIFY_MESSAGE_MAX];
    init(&w);
    list(&w, 1, keys);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    for (int i = 0; i < NOTIFY_ATTEMPTS; i++) {
        expect_next(&w, "192.0.2.1:53");
        size_t len = reply_to(&w, DNS_RCODE_NOTAUTH, reply);
        assert_true(take_from(&w, "192.0.2.1:53", reply, len));
        clock_advance(&w.clock, 32000);
    }
    assert_false(next(&w));
    assert_int_equal(w.last.state, NOTIFY_REFUSED);
    assert_int_equal(w.last.rcode, DNS_RCODE_NOTAUTH);
    tsig_keys_release(keys);
    notify_free(w.notify);
}

/* ---- listings ---- */

static void what_is_known_survives_a_listing(void **state)
{
    (void)state;
    struct world w;
    uint8_t reply[NOTIFY_MESSAGE_MAX];
    init(&w);
    list(&w, 1, NULL);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    expect_next(&w, "192.0.2.1:53");
    size_t len = reply_to(&w, 0, reply);
    list(&w, 2, NULL);
    expect_next(&w, "192.0.2.2:53"); /* new: told at once of what is known */
    assert_false(next(&w));
    assert_int_equal(status(&w, 1)->serial, 7);
    assert_true(take_from(&w, "192.0.2.1:53", reply, len));
    assert_int_equal(status(&w, 0)->state, NOTIFY_ACKNOWLEDGED);
    list(&w, 1, NULL);
    assert_int_equal(status(&w, 0)->state, NOTIFY_ACKNOWLEDGED);
    clock_advance(&w.clock, 100000);
    assert_false(next(&w)); /* the other one was forgotten */
    assert_int_equal(w.ended, 1);
    notify_begin(w.notify, NULL);
    notify_end(w.notify);
    assert_int_equal(notify_count(w.notify, zone_a), 0);
    notify_free(w.notify);
}

static void attempts_go_on_over_a_listing(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    list(&w, 3, NULL);
    notify_tell(w.notify, zone_a, 7, soa, SOA_LEN);
    for (int i = 0; i < 3; i++) {
        assert_true(next(&w));
    }
    clock_advance(&w.clock, 1000);
    list(&w, 2, NULL);
    clock_advance(&w.clock, 999);
    assert_false(next(&w));
    clock_advance(&w.clock, 1);
    expect_next(&w, "192.0.2.1:53");
    expect_next(&w, "192.0.2.2:53");
    assert_false(next(&w));
    assert_int_equal(status(&w, 0)->attempts, 2);
    notify_free(w.notify);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_says_what_changed),
        cmocka_unit_test(silence_is_met_with_patience),
        cmocka_unit_test(an_answer_ends_it),
        cmocka_unit_test(only_its_answer_counts),
        cmocka_unit_test(every_attempt_has_its_own_answer),
        cmocka_unit_test(all_are_told),
        cmocka_unit_test(signed_requests_want_signed_answers),
        cmocka_unit_test(unproven_errors_are_told_in_the_end),
        cmocka_unit_test(what_is_known_survives_a_listing),
        cmocka_unit_test(attempts_go_on_over_a_listing),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
