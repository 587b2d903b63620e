/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages of dnstap octet by octet, samples, rings that are full, files that cannot grow; what receivers
 * make of it all is tested with real ones (tests/functional/test_dnstap.py). */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "conf/server.h"
#include "conf/topology.h"
#include "tap/dnstap.h"
#include "tap/outlet.h"
#include "tap/protobuf.h"
#include "tap/tap.h"
#include "view/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- an encoder ---- */

static void test_numbers(void **state)
{
    static const struct {
        uint64_t value;
        size_t len;
        uint8_t bytes[10];
    } cases[] = {
        {0, 1, {0}},
        {127, 1, {0x7f}},
        {128, 2, {0x80, 1}},
        {300, 2, {0xac, 2}},
        {UINT32_MAX, 5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
        {UINT64_MAX, 10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[16];
        struct protobuf to = protobuf_init(bytes, sizeof bytes);
        protobuf_put_varint(&to, cases[i].value);
        assert_false(to.failed);
        assert_int_equal(to.len, cases[i].len);
        assert_memory_equal(bytes, cases[i].bytes, to.len);
    }
}

static void test_fields(void **state)
{
    static const uint8_t expected[] = {0x08, 0x96, 0x01, 0x4d, 0x78, 0x56, 0x34, 0x12, 0x72, 2, 'a', 'b'};
    uint8_t bytes[32];
    struct protobuf to = protobuf_init(bytes, sizeof bytes), small = protobuf_init(bytes, 2);
    (void)state;
    protobuf_add_number(&to, 1, 150);
    protobuf_add_fixed32(&to, 9, 0x12345678);
    protobuf_add_bytes(&to, 14, "ab", 2);
    assert_int_equal(to.len, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    protobuf_add_bytes(&small, 1, "abc", 3);
    assert_true(small.failed);
}

/* ---- records ---- */

static const uint8_t query_bytes[] = {0,   7,   1,   0,   0,   1,   0,   0,   0,   0,   0,
                                      0,   3,   'w', 'w', 'w', 7,   'e', 'x', 'a', 'm', 'p',
                                      'l', 'e', 3,   'c', 'o', 'm', 0,   0,   1,   0,   1};

struct scene {
    struct view view;
    struct answer_context context;
    struct answer_request request;
    struct dns_query query;
    struct sockaddr_in6 client;
    struct answer_seen seen;
};

static void fill_scene(struct scene *scene, const uint8_t *reply, size_t reply_len)
{
    memset(scene, 0, sizeof *scene);
    scene->client = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(4711)};
    scene->client.sin6_addr.s6_addr[0] = 0x20;
    scene->client.sin6_addr.s6_addr[15] = 9;
    scene->context = (struct answer_context){.view = &scene->view, .received_ns = 1700000000123456789};
    scene->request = (struct answer_request){.bytes = query_bytes,
                                             .len = sizeof query_bytes,
                                             .client = (const struct sockaddr *)(const void *)&scene->client,
                                             .transport = ANSWER_TCP};
    scene->query.question_end = sizeof query_bytes;
    scene->query.qtype = 1;
    scene->seen = (struct answer_seen){.context = &scene->context,
                                       .request = &scene->request,
                                       .query = &scene->query,
                                       .reply = reply,
                                       .reply_len = reply_len,
                                       .apex_len = 13};
}

/* A field of a message, by a reader that knows nothing of the writer: its value, or its length and octets. */
static uint64_t find_field(const uint8_t *bytes, size_t len, unsigned number, const uint8_t **octets)
{
    const uint8_t *end = bytes + len;
    while (bytes < end) {
        uint64_t parts[2] = {0, 0};
        const uint8_t *content = NULL;
        for (int i = 0; i < 2; i++) {
            unsigned shift = 0;
            if (i == 1 && (parts[0] & 7) == 5) {
                memcpy(&parts[1], bytes, 4);
                bytes += 4;
                break;
            }
            do {
                parts[i] |= (uint64_t)(*bytes & 0x7f) << shift;
                shift += 7;
            } while ((*bytes++ & 0x80) != 0);
        }
        if ((parts[0] & 7) == 2) {
            content = bytes;
            bytes += parts[1];
        }
        assert_true(bytes <= end);
        if (parts[0] >> 3 == number) {
            *octets = content;
            return parts[1];
        }
    }
    *octets = NULL;
    return UINT64_MAX;
}

static void test_message(void **state)
{
    static const struct tap_options options = {.identity = (char *)(uintptr_t) "lhr1"};
    static uint8_t reply[65535], bytes[DNSTAP_MESSAGE_MAX], scratch[DNSTAP_MESSAGE_MAX];
    struct addr_port local = {.addr = {.family = ADDR_V6, .bytes = {0xfe, 0x80}}, .port = 53};
    struct ring *ring = ring_new(1 << 18);
    struct scene scene;
    const uint8_t *message, *octets;
    (void)state;
    memset(reply, 0xab, sizeof reply);
    fill_scene(&scene, reply, sizeof reply);
    assert_true(tap_record_write(ring, &scene.seen, &local, (struct tap_wants){.reply = true}));
    const struct tap_record *record = ring_peek(ring);
    size_t len = dnstap_encode(record, DNSTAP_AUTH_RESPONSE, &options, bytes, scratch);
    assert_true(len > sizeof reply);
    assert_int_equal(find_field(bytes, len, 1, &octets), 4);
    assert_memory_equal(octets, "lhr1", 4);
    assert_int_equal(find_field(bytes, len, 2, &octets), UINT64_MAX); /* no version */
    assert_int_equal(find_field(bytes, len, 15, &octets), 1);
    size_t message_len = find_field(bytes, len, 14, &message);
    static const struct {
        unsigned field;
        uint64_t value;
    } numbers[] = {{1, 2},          {2, 2},         {3, 2},  {6, 4711}, {7, 53},
                   {8, 1700000000}, {9, 123456789}, {5, 16}, {4, 16},   {11, 13}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_int_equal(find_field(message, message_len, numbers[i].field, &octets), numbers[i].value);
    }
    assert_memory_equal(octets, "\7example\3com", 13);
    assert_int_equal(find_field(message, message_len, 14, &octets), sizeof reply);
    assert_memory_equal(octets, reply, sizeof reply);
    assert_int_equal(find_field(message, message_len, 10, &octets), UINT64_MAX);
    len = dnstap_encode(record, DNSTAP_AUTH_QUERY, &options, bytes, scratch);
    message_len = find_field(bytes, len, 14, &message);
    assert_int_equal(find_field(message, message_len, 1, &octets), 1);
    assert_int_equal(find_field(message, message_len, 10, &octets), sizeof query_bytes);
    assert_memory_equal(octets, query_bytes, sizeof query_bytes);
    assert_int_equal(find_field(message, message_len, 12, &octets), UINT64_MAX);
    ring_free(ring);
}

static void test_full_ring(void **state)
{
    uint8_t reply[100] = {0};
    struct ring *ring = ring_new(1 << 12);
    struct scene scene;
    unsigned count = 0;
    (void)state;
    fill_scene(&scene, reply, sizeof reply);
    while (tap_record_write(ring, &scene.seen, NULL, (struct tap_wants){.reply = true})) {
        count++;
    }
    assert_in_range(count, 5, 30);
    for (unsigned i = 0; i < count; i++) {
        const struct tap_record *record = ring_peek(ring);
        assert_int_equal(record->reply_kept, sizeof reply);
        assert_int_equal(record->local.addr.family, ADDR_NONE);
        ring_remove(ring);
    }
    assert_null(ring_peek(ring));
    ring_free(ring);
}

/* ---- samples ---- */

static void test_draws(void **state)
{
    enum { QUERIES = 1000000 };
    static const uint32_t rates[] = {2, 10, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct tap_lane lane = {.one_of = rates[i]}, same = {.one_of = rates[i]};
        unsigned drawn = 0, odd = 0;
        random_init(&lane.random, 1);
        random_init(&same.random, 1);
        for (unsigned n = 0; n < QUERIES; n++) {
            bool is_drawn = tap_lane_draws(&lane);
            assert_int_equal(is_drawn, tap_lane_draws(&same)); /* the same queries, the same sample */
            drawn += is_drawn;
            odd += is_drawn && n % 2 == 1;
        }
        assert_in_range(drawn, QUERIES / rates[i] * 85 / 100, QUERIES / rates[i] * 115 / 100);
        assert_in_range(odd, drawn * 40 / 100, drawn * 60 / 100); /* the rhythm of A and AAAA is not met */
        atomic_store(&lane.one_of, 1);
        assert_true(tap_lane_draws(&lane));
        atomic_store(&lane.one_of, 0);
        assert_false(tap_lane_draws(&lane));
    }
}

/* ---- files ---- */

static bool nobody_hurries(const void *context)
{
    (void)context;
    return false;
}

static void test_full_disk(void **state)
{
    char path[] = "/tmp/steerd.test_tap.XXXXXX";
    int fd = mkstemp(path);
    struct tap_options options = {.target = TAP_TARGET_FILE, .path = path};
    struct tap_outlet outlet;
    struct rlimit before;
    struct stat found;
    char piece[100] = {0};
    (void)state;
    assert_int_not_equal(fd, -1);
    (void)close(fd);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tap_outlet_init(&outlet, &options, (struct tap_hurry){nobody_hurries, NULL}, true);
    assert_int_equal(tap_outlet_open(&outlet), 0);
    assert_int_equal(tap_outlet_write(&outlet, piece, sizeof piece), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){150, before.rlim_max}), 0);
    int error = tap_outlet_write(&outlet, piece, sizeof piece);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(error, -EFBIG);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, sizeof piece); /* nothing of what did not fit */
    assert_int_equal(tap_outlet_write(&outlet, piece, sizeof piece), 0);
    assert_false(tap_outlet_has_moved(&outlet));
    assert_int_equal(unlink(path), 0);
    assert_true(tap_outlet_has_moved(&outlet));
    tap_outlet_close(&outlet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_fields),
                                       cmocka_unit_test(test_message), cmocka_unit_test(test_full_ring),
                                       cmocka_unit_test(test_draws),   cmocka_unit_test(test_full_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
