/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a receiver of events is sent, when, and what is left of it: batches, retries, what is given up, what
 * outlives the process; and signatures, and orders to steerd-post. No sockets, and time is an argument. */
#include "config.h"

#include "base/buffer.h"
#include "base/error.h"
#include "herald/box.h"
#include "herald/sign.h"
#include "herald/webhook.h"
#include "post/frame.h"
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUN = 7 };

static const struct filter everything;

static struct webhook *make(uint32_t batch)
{
    const struct conf_webhook conf = {.name = "ops",
                                      .url = "https://x/",
                                      .filter = &everything,
                                      .timeout_ms = 1000,
                                      .give_up_ms = 60000,
                                      .batch = batch};
    return webhook_new(&conf);
}

static void give(struct webhook *webhook, uint64_t seq, int64_t wall_ms)
{
    char name[32];
    (void)snprintf(name, sizeof name, "endpoint:%u", (unsigned)seq);
    struct letter *letter =
        letter_new(RUN, &(struct change){.seq = seq, .wall_ms = wall_ms, .kind = CHANGE_LOAD, .name = name});
    webhook_take(webhook, letter);
    letter_release(letter);
}

/* The events of the body, as "1 2 3"; its `missed` ("null" is -1) besides. */
static const char *read_body(const struct webhook *webhook, char text[256], json_int_t *missed)
{
    json_t *body = json_loadb(webhook->body.bytes, webhook->body.len, JSON_REJECT_DUPLICATES, NULL);
    size_t i, len = 0;
    const json_t *event;
    assert_non_null(body);
    assert_string_equal(json_string_value(json_object_get(body, "id")), webhook->id);
    const json_t *number = json_object_get(body, "missed");
    *missed = json_is_null(number) ? -1 : json_integer_value(number);
    text[0] = '\0';
    json_array_foreach(json_object_get(body, "events"), i, event)
    {
        len += (size_t)snprintf(text + len, 256 - len, "%s%d", i == 0 ? "" : " ",
                                (int)json_integer_value(json_object_get(event, "seq")));
    }
    json_decref(body);
    return text;
}

static enum webhook_turn end(struct webhook *webhook, int status, int64_t now_ms, size_t *given_up)
{
    struct random random;
    random_init(&random, 1);
    return webhook_end(webhook,
                       &(struct webhook_outcome){
                           .status = status, .why = "why", .now_ms = now_ms, .wall_ms = 1000000 + now_ms},
                       &random, given_up);
}

static void expect_batch(struct webhook *webhook, const char *events, json_int_t missed)
{
    char text[256];
    json_int_t found;
    assert_true(webhook_prepare(webhook));
    assert_string_equal(read_body(webhook, text, &found), events);
    assert_int_equal(found, missed);
}

static void batches_go_in_order(void **state)
{
    (void)state;
    struct webhook *webhook = make(2);
    size_t given_up;
    assert_false(webhook_prepare(webhook));
    for (uint64_t seq = 1; seq <= 3; seq++) {
        give(webhook, seq, 1000000);
    }
    expect_batch(webhook, "1 2", 0);
    assert_string_equal(webhook->id, "0000000000000007-1-2");
    give(webhook, 4, 1000000);
    expect_batch(webhook, "1 2", 0); /* it stays what it is */
    assert_int_equal(end(webhook, 204, 0, &given_up), WEBHOOK_AS_BEFORE);
    expect_batch(webhook, "3 4", 0);
    assert_int_equal(end(webhook, 200, 0, &given_up), WEBHOOK_AS_BEFORE);
    assert_false(webhook_prepare(webhook));
    assert_int_equal(webhook->delivered, 4);
    assert_int_equal(webhook->acked_seq, 4);
    webhook_free(webhook);
}

static void failures_wait_longer_and_longer(void **state)
{
    (void)state;
    struct webhook *webhook = make(10);
    size_t given_up;
    int64_t now_ms = 0, most_ms = 1000;
    give(webhook, 1, 1000000);
    for (int i = 1; i <= 5; i++, most_ms *= 2) {
        expect_batch(webhook, "1", 0);
        assert_int_equal(end(webhook, 500, now_ms, &given_up),
                         i == WEBHOOK_FAILING_AT ? WEBHOOK_FAILS : WEBHOOK_AS_BEFORE);
        assert_in_range(webhook->due_ms, now_ms + most_ms / 2, now_ms + most_ms);
        now_ms = webhook->due_ms;
    }
    assert_string_equal(webhook->why, "why");
    expect_batch(webhook, "1", 0);
    assert_int_equal(end(webhook, 200, now_ms, &given_up), WEBHOOK_DELIVERS);
    assert_int_equal(webhook->failures, 0);
    webhook_free(webhook);
}

static void receivers_may_ask_for_time(void **state)
{
    (void)state;
    struct webhook *webhook = make(10);
    struct random random;
    size_t given_up;
    random_init(&random, 1);
    give(webhook, 1, 1000000);
    assert_true(webhook_prepare(webhook));
    struct webhook_outcome outcome = {.status = 429, .why = "", .retry_after_s = 90, .wall_ms = 1000000};
    webhook_end(webhook, &outcome, &random, &given_up);
    assert_int_equal(webhook->due_ms, 90000);
    assert_true(webhook_prepare(webhook));
    outcome.retry_after_s = UINT32_MAX; /* but not for ever */
    webhook_end(webhook, &outcome, &random, &given_up);
    assert_int_equal(webhook->due_ms, 3600000);
    webhook_free(webhook);
}

static void what_is_too_old_is_given_up(void **state)
{
    (void)state;
    struct webhook *webhook = make(3);
    size_t given_up;
    give(webhook, 1, 1000000);
    give(webhook, 2, 1030000);
    give(webhook, 3, 1040000);
    give(webhook, 4, 1050000);
    expect_batch(webhook, "1 2 3", 0);
    end(webhook, 500, 59999, &given_up);
    assert_int_equal(given_up, 0);
    assert_true(webhook_prepare(webhook));
    assert_int_equal(end(webhook, 500, 60000, &given_up), WEBHOOK_FAILS);
    assert_int_equal(given_up, 1);
    expect_batch(webhook, "2 3 4", 0);
    end(webhook, 500, 99000, &given_up);
    assert_int_equal(given_up, 1);
    assert_int_equal(webhook->dead.count, 2);
    expect_batch(webhook, "3 4", 0); /* is under way */
    assert_int_equal(webhook_retry(webhook, 99500), 2);
    assert_int_equal(webhook->due_ms, 99500);
    end(webhook, 200, 99500, &given_up);
    expect_batch(webhook, "1 2", 0);
    end(webhook, 200, 99500, &given_up);
    assert_int_equal(webhook_retry(webhook, 99500), 0);
    assert_int_equal(webhook->given_up, 2);
    webhook_free(webhook);
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    struct webhook *webhook = make(2);
    size_t given_up;
    give(webhook, 1, 1000000);
    give(webhook, 2, 1000000);
    expect_batch(webhook, "1 2", 0);
    for (uint64_t seq = 3; seq <= WEBHOOK_QUEUE_MAX + 5; seq++) {
        give(webhook, seq, 1000000);
    }
    assert_int_equal(webhook->queue.count, WEBHOOK_QUEUE_MAX);
    assert_int_equal(webhook->lost, 5);
    expect_batch(webhook, "1 2", 0); /* what is under way is not taken away */
    end(webhook, 200, 0, &given_up);
    expect_batch(webhook, "8 9", 5);
    webhook_miss(webhook, 2);
    end(webhook, 200, 0, &given_up);
    expect_batch(webhook, "10 11", 2);
    end(webhook, 200, 0, &given_up);
    expect_batch(webhook, "12 13", 0);
    webhook_free(webhook);
}

static void runs_are_not_mixed(void **state)
{
    (void)state;
    struct webhook *webhook = make(10);
    size_t given_up;
    letters_add(&webhook->queue, letter_make(6, 99, 1, "{\"seq\":99}", 10));
    webhook->is_unsure = true;
    give(webhook, 1, 1000000);
    expect_batch(webhook, "99", -1);
    assert_string_equal(webhook->id, "0000000000000006-99-99");
    end(webhook, 200, 0, &given_up);
    expect_batch(webhook, "1", 0);
    webhook_free(webhook);
}

static void bodies_have_a_bound(void **state)
{
    (void)state;
    static char text[20000];
    struct webhook *webhook = make(100);
    (void)snprintf(text, sizeof text, "{\"seq\":1,\"x\":\"%019000d\"}", 0);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        letters_add(&webhook->queue, letter_make(RUN, seq, 1, text, strlen(text)));
    }
    assert_true(webhook_prepare(webhook));
    assert_int_equal(webhook->sending, 3);
    assert_in_range(webhook->body.len, 3 * strlen(text), POST_BODY_MAX);
    webhook_free(webhook);
}

static void nobody_is_told_of_himself(void **state)
{
    (void)state;
    struct webhook *webhook = make(1);
    assert_false(webhook_wants(webhook, &(struct change){.kind = CHANGE_WEBHOOK, .name = "webhook:ops"}));
    assert_true(webhook_wants(webhook, &(struct change){.kind = CHANGE_WEBHOOK, .name = "webhook:ops2"}));
    webhook_free(webhook);
}

/* ---- what outlives the process ---- */

static void boxes_come_back(void **state)
{
    (void)state;
    struct webhook *webhook = make(1);
    struct buffer text, again;
    struct box box, read;
    give(webhook, 1, 1000000);
    give(webhook, 2, 1000001);
    struct box_item items[2] = {{.name = "ops",
                                 .acked_run = 255,
                                 .acked_seq = 3,
                                 .acked_wall_ms = 9,
                                 .missed = 4,
                                 .is_unsure = true,
                                 .queue = webhook->queue},
                                {.name = "other", .dead = webhook->queue}};
    box = (struct box){.is_clean = true, .items = items, .count = 2};
    buffer_init(&text);
    buffer_init(&again);
    box_write(&box, &text);
    assert_int_equal(box_parse(text.bytes, text.len, &read), 0);
    assert_true(read.is_clean && read.count == 2 && read.items[0].is_unsure);
    assert_int_equal(read.items[0].queue.count, 2);
    assert_int_equal(read.items[1].dead.count, 2);
    box_write(&read, &again);
    assert_string_equal(again.bytes, text.bytes);
    box_fini(&read);
    for (size_t len = 0; len < text.len; len++) { /* whatever tears it */
        assert_int_equal(box_parse(text.bytes, len, &read), ERROR_SYNTAX);
    }
    buffer_fini(&text);
    buffer_fini(&again);
    webhook_free(webhook);
}

static void what_is_no_box(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",
        "steerd webhooks 2\nclean\nend\n",
        "steerd webhooks 1\nend\n",
        "steerd webhooks 1\nopen\nend\nend\n",
        "steerd webhooks 1\nopen\nQ 1 1 1 {}\nend\n",
        "steerd webhooks 1\nopen\nW  1 1 1 1 0\nend\n",
        "steerd webhooks 1\nopen\nW a 1 1 1 1 0\nQ 1 1 1 []\nend\n",
        "steerd webhooks 1\nopen\nW a 1 1 1 1 0\nQ 1 1 1 {\nend\n",
        "steerd webhooks 1\nopen\nW a 1 1 1 1 0\nQ g 1 1 {}\nend\n",
        "steerd webhooks 1\nopen\nW a 1 1 1 1 0\nQ 1 1234567890123456789 1 {}\nend\n",
        "steerd webhooks 1\nopen\nX a\nend\n",
    };
    struct box box;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_int_equal(box_parse(odd[i], strlen(odd[i]), &box), ERROR_SYNTAX);
        assert_int_equal(box.count, 0);
    }
}

/* ---- signatures and orders ---- */

/* By Python's hmac.new(b"Jefe", b"1.what do ya want for nothing?", "sha256").hexdigest(). */
static void signatures_are_hmacs(void **state)
{
    (void)state;
    char hex[SIGN_HEX_SIZE];
    static const char body[] = "what do ya want for nothing?";
    uint8_t large[131];
    memset(large, 0xaa, sizeof large);
    const struct sign_secret jefe = {(const uint8_t *)"Jefe", 4}, long_one = {large, sizeof large};
    assert_string_equal(sign_write(&jefe, 1, body, sizeof body - 1, hex),
                        "a9049465ce89cfb8e9aac62333abda66f80e3403f51f57f6bae3c3a4485eca38");
    assert_string_equal(sign_write(&long_one, 1763910000, "", 0, hex),
                        "0eecba4c4918657ba6749a8b39234bca6ee33cf512bff8b6696fbde099d60fa1");
}

static void orders_come_back(void **state)
{
    (void)state;
    struct buffer bytes;
    struct post_order order = {.timeout_ms = 5,
                               .url = "https://x/",
                               .ca = "",
                               .headers = {"A: b", ""},
                               .header_count = 2,
                               .body = "{}",
                               .body_len = 2};
    buffer_init(&bytes);
    assert_int_equal(post_write_order(&order, &bytes), 0);
    struct post_order read;
    assert_int_equal(post_parse_order(bytes.bytes, bytes.len, &read), 0);
    assert_string_equal(read.url, "https://x/");
    assert_string_equal(read.ca, "");
    assert_string_equal(read.headers[0], "A: b");
    assert_true(read.header_count == 2 && read.body_len == 2 && read.timeout_ms == 5);
    assert_memory_equal(read.body, "{}", 2);
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(post_parse_order(bytes.bytes, len, &read), -EBADMSG);
    }
    bytes.bytes[0]++;
    assert_int_equal(post_parse_order(bytes.bytes, bytes.len, &read), -EPROTONOSUPPORT);
    order.body_len = POST_BODY_MAX + 1;
    assert_int_equal(post_write_order(&order, &bytes), -EMSGSIZE);
    buffer_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_go_in_order),
        cmocka_unit_test(failures_wait_longer_and_longer),
        cmocka_unit_test(receivers_may_ask_for_time),
        cmocka_unit_test(what_is_too_old_is_given_up),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(runs_are_not_mixed),
        cmocka_unit_test(bodies_have_a_bound),
        cmocka_unit_test(nobody_is_told_of_himself),
        cmocka_unit_test(boxes_come_back),
        cmocka_unit_test(what_is_no_box),
        cmocka_unit_test(signatures_are_hmacs),
        cmocka_unit_test(orders_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
