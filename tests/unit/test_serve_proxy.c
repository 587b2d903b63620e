/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the head of the PROXY protocol, version 2: what is told of clients, however few octets have come
 * so far, and what is refused. */
#include "config.h"

#include "unit.h"

#include "serve/proxy.h"

#include <string.h>

static const uint8_t start[12] = "\r\n\r\n\0\r\nQUIT\n";
static const uint8_t v4[12] = {192, 0, 2, 1, 192, 0, 2, 53, 0x30, 0x39, 0, 53};
static const uint8_t v6[36] = {
    0x20, 0x01, 0x0d, 0xb8, [15] = 1, [16] = 0x20, [31] = 2, [32] = 0xff, 0xfe, 0, 53};

struct head {
    uint8_t bytes[PROXY_HEAD_MAX + 64];
    size_t len;
};

static struct head make(uint8_t command, uint8_t family, const uint8_t *body, size_t len)
{
    struct head head = {.len = 16 + len};
    memcpy(head.bytes, start, sizeof start);
    head.bytes[12] = command;
    head.bytes[13] = family;
    head.bytes[14] = (uint8_t)(len >> 8);
    head.bytes[15] = (uint8_t)len;
    if (body != NULL) {
        memcpy(head.bytes + 16, body, len);
    }
    return head;
}

/* Says "more" to every beginning of it, and the same with anything behind it. */
static enum proxy_state read_head(struct head *head, struct proxy_head *to)
{
    enum proxy_state state = proxy_read_head(head->bytes, head->len, to);
    for (size_t len = 0; state == PROXY_OK && len < head->len; len++) {
        struct proxy_head unused;
        assert_int_equal(proxy_read_head(head->bytes, len, &unused), PROXY_HUNGRY);
    }
    if (state == PROXY_OK) {
        assert_int_equal(proxy_read_head(head->bytes, head->len + 20, to), PROXY_OK);
        assert_int_equal(to->len, head->len);
    }
    return state;
}

static void expect_client(uint8_t family, const uint8_t *body, size_t len, const char *expected)
{
    char text[ADDR_TEXT_SIZE];
    struct proxy_head to;
    struct head head = make(0x21, family, body, len);
    assert_int_equal(read_head(&head, &to), PROXY_OK);
    assert_true(to.has_client);
    assert_string_equal(addr_write_port(&to.client, text), expected);
}

static void clients_are_told(void **state)
{
    uint8_t more[64] = {0};
    (void)state;
    expect_client(0x11, v4, sizeof v4, "192.0.2.1:12345");
    expect_client(0x12, v4, sizeof v4, "192.0.2.1:12345");
    expect_client(0x21, v6, sizeof v6, "[2001:db8::1]:65534");
    expect_client(0x22, v6, sizeof v6, "[2001:db8::1]:65534");
    uint8_t mapped[36] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 7, [33] = 9}; /* of one that listens on [::] */
    expect_client(0x22, mapped, sizeof mapped, "192.0.2.7:9");
    memcpy(more, v4, sizeof v4);
    more[12] = 0xea; /* TLVs are passed over, good ones and others */
    expect_client(0x11, more, sizeof more, "192.0.2.1:12345");
}

static void a_proxy_may_ask_for_itself(void **state)
{
    static const uint8_t heads[][2] = {{0x20, 0x11}, {0x20, 0x00}, {0x21, 0x00}, {0x21, 0x31}};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct proxy_head to;
        struct head head = make(heads[i][0], heads[i][1], v4, i == 1 ? 0 : sizeof v4);
        assert_int_equal(read_head(&head, &to), PROXY_OK);
        assert_false(to.has_client);
    }
}

static void what_is_none_is_refused(void **state)
{
    struct proxy_head to;
    struct head head;
    (void)state;
    static const uint8_t bad[][2] = {{0x22, 0x11}, {0x11, 0x11}, {0x31, 0x11}, {0x21, 0x41}, {0x21, 0xff}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        head = make(bad[i][0], bad[i][1], v4, sizeof v4);
        assert_int_equal(read_head(&head, &to), PROXY_BAD);
    }
    for (size_t len = 0; len < sizeof v4; len++) { /* less than the addresses take */
        head = make(0x21, 0x11, v4, len);
        assert_int_equal(read_head(&head, &to), PROXY_BAD);
    }
    head = make(0x21, 0x21, v6, sizeof v4);
    assert_int_equal(read_head(&head, &to), PROXY_BAD);
    for (size_t i = 0; i < sizeof start; i++) {
        head = make(0x21, 0x11, v4, sizeof v4);
        head.bytes[i] ^= 1;
        assert_int_equal(read_head(&head, &to), PROXY_BAD);
        assert_int_equal(proxy_read_head(head.bytes, i, &to), PROXY_HUNGRY);
        assert_int_equal(proxy_read_head(head.bytes, i + 1, &to), PROXY_BAD);
    }
    head = make(0x21, 0x11, NULL, PROXY_HEAD_MAX - 15);
    assert_int_equal(proxy_read_head(head.bytes, 16, &to), PROXY_BAD); /* at once, not when all has come */
    head = make(0x21, 0x11, NULL, PROXY_HEAD_MAX - 16);
    assert_int_equal(proxy_read_head(head.bytes, head.len, &to), PROXY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_are_told),
        cmocka_unit_test(a_proxy_may_ask_for_itself),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
