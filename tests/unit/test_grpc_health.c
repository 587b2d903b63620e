/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the messages of gRPC's health service: what is asked, and every way to cut an answer. */
#include "config.h"

#include "unit.h"

#include "probe/grpc_health.h"

#include <stdlib.h>
#include <string.h>

static void requests_are_written(void **state)
{
    (void)state;
    uint8_t request[GRPC_HEALTH_REQUEST_MAX];
    char name[GRPC_HEALTH_SERVICE_MAX + 1];
    assert_int_equal(grpc_health_write("", request), 5);
    assert_memory_equal(request, "\0\0\0\0\0", 5);
    assert_int_equal(grpc_health_write("shop", request), 11);
    assert_memory_equal(request, "\0\0\0\0\6\x0a\4shop", 11);
    memset(name, 'x', sizeof name);
    name[127] = '\0';
    assert_int_equal(grpc_health_write(name, request), 5 + 2 + 127);
    assert_memory_equal(request, "\0\0\0\0\x81\x0a\x7fx", 8);
    name[127] = 'x';
    name[GRPC_HEALTH_SERVICE_MAX] = '\0';
    assert_int_equal(grpc_health_write(name, request), GRPC_HEALTH_REQUEST_MAX);
    assert_memory_equal(request, "\0\0\0\1\2\x0a\xff\x01x", 9);
}

/* As one number: the status, -1: it is broken, -2: there is less than a message. */
static int read_at_once(const uint8_t *bytes, size_t len)
{
    struct grpc_health reply;
    grpc_health_init(&reply);
    if (!grpc_health_feed(&reply, bytes, len)) {
        return -1;
    }
    return grpc_health_is_whole(&reply) ? (int)reply.status : -2;
}

/* The same, cut anywhere in two, and octet by octet. */
static int read_all_ways(const void *text, size_t len)
{
    const uint8_t *bytes = text;
    struct grpc_health reply;
    int whole = read_at_once(bytes, len);
    for (size_t cut = 0; cut <= len; cut++) {
        grpc_health_init(&reply);
        bool first = grpc_health_feed(&reply, bytes, cut);
        bool second = grpc_health_feed(&reply, bytes + cut, len - cut);
        assert_true(first || !second);
        assert_int_equal(second, whole != -1);
        assert_int_equal(grpc_health_is_whole(&reply), whole >= 0);
    }
    grpc_health_init(&reply);
    for (size_t i = 0; i < len; i++) {
        (void)grpc_health_feed(&reply, bytes + i, 1);
    }
    assert_int_equal(grpc_health_is_whole(&reply), whole >= 0);
    assert_true(whole < 0 || (int)reply.status == whole);
    return whole;
}

#define READ(text) read_all_ways(text, sizeof(text) - 1)

static void answers_are_read(void **state)
{
    (void)state;
    assert_int_equal(READ("\0\0\0\0\0"), GRPC_HEALTH_UNKNOWN);
    assert_int_equal(READ("\0\0\0\0\2\x08\0"), GRPC_HEALTH_UNKNOWN);
    assert_int_equal(READ("\0\0\0\0\2\x08\1"), GRPC_HEALTH_SERVING);
    assert_int_equal(READ("\0\0\0\0\2\x08\2"), GRPC_HEALTH_NOT_SERVING);
    assert_int_equal(READ("\0\0\0\0\2\x08\3"), GRPC_HEALTH_SERVICE_UNKNOWN);
    assert_int_equal(READ("\0\0\0\0\3\x08\x81\0"), GRPC_HEALTH_SERVING);   /* longer than it has to be */
    assert_int_equal(READ("\0\0\0\0\4\x08\2\x08\1"), GRPC_HEALTH_SERVING); /* the last one counts */
    assert_int_equal(READ("\0\0\0\0\6\x08\x81\x80\x80\x80\x10"), 1);       /* the lower 32 bits do */
}

/* Fields of every type that may come one day. */
static void what_is_not_known_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(READ("\0\0\0\0\7\x12\3abc\x08\1"), 1);
    assert_int_equal(READ("\0\0\0\0\4\x12\0\x08\1"), 1);
    assert_int_equal(READ("\0\0\0\0\x0b\x08\1\x11\0\0\0\0\0\0\0\0"), 1);
    assert_int_equal(READ("\0\0\0\0\7\x15\0\0\0\0\x08\1"), 1);
    assert_int_equal(READ("\0\0\0\0\5\x10\x80\1\x08\1"), 1);
    assert_int_equal(READ("\0\0\0\0\5\x0a\1\2\x08\1"), 1);                /* number 1, but of another type */
    assert_int_equal(READ("\0\0\0\0\x8\xfa\xff\xff\xff\x0f\0\x08\1"), 1); /* the largest number */
}

static void what_is_broken_is_seen(void **state)
{
    (void)state;
    assert_int_equal(READ(""), -2);
    assert_int_equal(READ("\0\0\0\0"), -2);
    assert_int_equal(READ("\0\0\0\0\2\x08"), -2);
    assert_int_equal(READ("\0\0\0\0\2\x08\1\0"), -1);   /* a second message */
    assert_int_equal(READ("\0\0\0\0\0\0\0\0\0\0"), -1); /* likewise */
    assert_int_equal(READ("\1\0\0\0\2\x08\1"), -1);     /* compressed */
    assert_int_equal(READ("\0\0\0\4\1"), -1);           /* too long */
    assert_int_equal(READ("\0\xff\xff\xff\xff"), -1);
    assert_int_equal(READ("\0\0\0\0\1\x08\1"), -1); /* the message ends within a field */
    assert_int_equal(READ("\0\0\0\0\2\x08\x80\1"), -1);
    assert_int_equal(READ("\0\0\0\0\1\x80\1"), -1);
    assert_int_equal(READ("\0\0\0\0\2\x00\1"), -1);   /* field 0 */
    assert_int_equal(READ("\0\0\0\0\2\x0b\x0c"), -1); /* a group */
    assert_int_equal(READ("\0\0\0\0\2\x0e\1"), -1);   /* types that there are not */
    assert_int_equal(READ("\0\0\0\0\2\x0f\1"), -1);
    assert_int_equal(READ("\0\0\0\0\3\x12\2a"), -1); /* more than there is */
    assert_int_equal(READ("\0\0\0\0\5\x11\0\0\0\0"), -1);
    assert_int_equal(READ("\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), -1);
    assert_int_equal(READ("\0\0\0\0\x0b\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), -1);
    assert_int_equal(READ("\0\0\0\0\x7\x80\x80\x80\x80\x10\0\0"), -1); /* no field has that number */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(what_is_not_known_is_passed_over),
        cmocka_unit_test(what_is_broken_is_seen),
    };
    return cmocka_run_group_tests_name("grpc_health", tests, NULL, NULL);
}
