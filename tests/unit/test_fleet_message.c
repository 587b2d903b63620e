/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the messages between servers and vantages: what is written is read again as it was, whatever it
 * is, and what nobody wrote is refused with its reason. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"
#include "fleet/message.h"

#include <stdio.h>
#include <string.h>

/* ---- written and read ---- */

static const struct addr addresses[2] = {{ADDR_V4, {192, 0, 2, 1}},
                                         {ADDR_V6, {0x20, 1, 0x0d, 0xb8, [15] = 9}}};

static void hold(const struct fleet_message *message, const char *expected)
{
    char why[FLEET_WHY_SIZE];
    struct buffer line, again;
    struct fleet_message read;
    struct arena *arena = arena_new(0);
    buffer_init(&line);
    buffer_init(&again);
    fleet_write(message, &line);
    if (expected != NULL) {
        assert_string_equal(line.bytes, expected);
    }
    assert_int_equal(strcspn(line.bytes, "\n"), line.len - 1);
    if (fleet_read(line.bytes, line.len - 1, arena, &read, why) != 0) {
        fail_msg("%s: %s", line.bytes, why);
    }
    assert_int_equal(read.kind, message->kind);
    fleet_write(&read, &again);
    assert_string_equal(again.bytes, line.bytes);
    buffer_fini(&line);
    buffer_fini(&again);
    arena_free(arena);
}

static void every_kind_is_read_as_it_was_written(void **state)
{
    (void)state;
    hold(&(struct fleet_message){.kind = FLEET_HELLO,
                                 .hello = {.version = 1, .name = "fra-1", .software = "0.1.0", .run = 0xab}},
         "{\"hello\":{\"version\":1,\"name\":\"fra-1\",\"software\":\"0.1.0\",\"run\":\"00000000000000ab\"}}"
         "\n");
    hold(
        &(struct fleet_message){
            .kind = FLEET_HELLO,
            .hello =
                {.version = 1, .name = "fra-1", .software = "", .run = 1, .has_list = true, .list = 0xabc}},
        "{\"hello\":{\"version\":1,\"name\":\"fra-1\",\"software\":\"\",\"run\":\"0000000000000001\","
        "\"list\":\"0000000000000abc\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_WELCOME, .welcome = {1, "ns1", 2000, 10000}},
         "{\"welcome\":{\"version\":1,\"server\":\"ns1\",\"heartbeat_ms\":2000,\"expires_ms\":10000}}\n");
    hold(&(struct fleet_message){.kind = FLEET_REFUSED, .refused = "it \"is\" \xc3\xa4 \\"},
         "{\"refused\":{\"why\":\"it \\\"is\\\" \xc3\xa4 \\\\\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_ENROL, .enrol = {1, "fra-1", "v1.fra-1.00"}},
         "{\"enrol\":{\"version\":1,\"name\":\"fra-1\",\"token\":\"v1.fra-1.00\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_ENROLLED, .enrolled = "fra-1"},
         "{\"enrolled\":{\"name\":\"fra-1\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_LIST, .list = {7, 1200}},
         "{\"list\":{\"generation\":7,\"count\":1200}}\n");
    hold(&(struct fleet_message){.kind = FLEET_LISTED, .generation = 7}, "{\"listed\":{\"generation\":7}}\n");
    hold(&(struct fleet_message){.kind = FLEET_SAME, .generation = 8}, "{\"same\":{\"generation\":8}}\n");
    hold(&(struct fleet_message){.kind = FLEET_ALIVE, .alive = {7, 13}},
         "{\"alive\":{\"generation\":7,\"seq\":13}}\n");
    hold(&(struct fleet_message){.kind = FLEET_RUN, .run = {1, UINT64_MAX}},
         "{\"run\":{\"id\":1,\"identity\":\"ffffffffffffffff\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_TRACE,
                                 .trace = {1, 250, "connect",
                                           "\n\x01"
                                           "192.0.2.1:80"}},
         "{\"trace\":{\"id\":1,\"step\":\"connect\",\"at_us\":250,\"text\":\"\\n\\u0001192.0.2.1:80\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_RAN, .ran = {1, HEALTH_OUTCOME_BAD_STATUS, 503, 2500}},
         "{\"ran\":{\"id\":1,\"outcome\":\"bad_status\",\"detail\":503,\"duration_us\":2500}}\n");
    hold(&(struct fleet_message){.kind = FLEET_CLOCK, .wall_ms = 1764016047123},
         "{\"clock\":{\"wall_ms\":1764016047123}}\n");
    hold(&(struct fleet_message){.kind = FLEET_LIMITS, .limits = {2000, 4, 0}},
         "{\"limits\":{\"in_flight\":2000,\"per_address\":4,\"per_second\":0}}\n");
    hold(&(struct fleet_message){.kind = FLEET_MARK, .mark = {7, 0xabc}},
         "{\"mark\":{\"generation\":7,\"mark\":\"0000000000000abc\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_CAN, .can_change = true}, "{\"can\":{\"change\":true}}\n");
    hold(&(struct fleet_message){.kind = FLEET_ORDER, .order = {0xabc, "{\"at\":null}"}},
         "{\"order\":{\"mark\":\"0000000000000abc\",\"text\":\"{\\\"at\\\":null}\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_HOLDS, .holds = {0xabc, ""}},
         "{\"holds\":{\"mark\":\"0000000000000abc\",\"why\":\"\"}}\n");
}

static void lists_are_read_as_they_were_written(void **state)
{
    (void)state;
    const struct fleet_file file = {"/etc/ca.pem", "-----BEGIN\n"};
    hold(&(struct fleet_message){.kind = FLEET_CHECK, .check = {3, "{\"type\":\"tcp\"}", &file, 1}},
         "{\"check\":{\"index\":3,\"definition\":{\"type\":\"tcp\"},\"files\":{\"/etc/"
         "ca.pem\":\"-----BEGIN\\n\"}}}\n");
    const struct fleet_target targets[] = {
        {.identity = 0x1f, .check = 0, .name = "web-1 ipv4", .addresses = addresses, .address_count = 1},
        {.check = 1,
         .name = "x",
         .host = "h:81",
         .in_turn = true,
         .addresses = addresses,
         .address_count = 2},
        {.check = 1, .name = "none", .in_turn = true, .idle = true}};
    hold(&(struct fleet_message){.kind = FLEET_TARGETS, .targets = {targets, 3}},
         "{\"targets\":[{\"identity\":\"000000000000001f\",\"check\":0,\"name\":\"web-1 ipv4\",\"addresses\":"
         "[\"192.0.2.1\"],\"in_turn\":false,\"idle\":false},{\"identity\":\"0000000000000000\",\"check\":1,"
         "\"name\":\"x\",\"addresses\":[\"192.0.2.1\",\"2001:db8::9\"],\"host\":\"h:81\",\"in_turn\":true,"
         "\"idle\":false},{\"identity\":\"0000000000000000\",\"check\":1,\"name\":\"none\",\"addresses\":[],"
         "\"in_turn\":true,\"idle\":true}]}\n");
    const struct fleet_aim aims[] = {{3, false, addresses, 2}, {4, true, NULL, 0}};
    hold(&(struct fleet_message){.kind = FLEET_AIM, .aim = {7, aims, 2}},
         "{\"aim\":{\"generation\":7,\"items\":[{\"index\":3,\"addresses\":[\"192.0.2.1\",\"2001:db8::9\"],"
         "\"idle\":false},{\"index\":4,\"addresses\":[],\"idle\":true}]}}\n");
    hold(&(struct fleet_message){.kind = FLEET_CHANGE, .change = {8, 7, 1201}},
         "{\"change\":{\"generation\":8,\"from\":7,\"count\":1201}}\n");
    const struct fleet_range ranges[] = {{0, 600, 0}, {601, 600, -1}};
    hold(&(struct fleet_message){.kind = FLEET_SERIALS, .serials = "example.com. feedbeef01234567 1\n"},
         "{\"serials\":{\"text\":\"example.com. feedbeef01234567 1\\n\"}}\n");
    hold(&(struct fleet_message){.kind = FLEET_KEEP, .keep = {ranges, 2}},
         "{\"keep\":{\"ranges\":[[0,600,0],[601,600,-1]]}}\n");
    const struct fleet_untaken untaken = {2, "no such kind"};
    hold(&(struct fleet_message){.kind = FLEET_TAKEN, .taken = {7, &untaken, 1, 0}},
         "{\"taken\":{\"generation\":7,\"refused\":[{\"check\":2,\"why\":\"no such kind\"}]}}\n");
    hold(&(struct fleet_message){.kind = FLEET_TAKEN, .taken = {7, &untaken, 1, 23}},
         "{\"taken\":{\"generation\":7,\"refused\":[{\"check\":2,\"why\":\"no such kind\"}],\"more\":23}}\n");
    hold(&(struct fleet_message){.kind = FLEET_UNTAKEN, .untaken = {7, "too long"}},
         "{\"untaken\":{\"generation\":7,\"why\":\"too long\"}}\n");
    const struct fleet_opinion opinions[] = {
        {3, HEALTH_OBSERVED_UNHEALTHY, 4, HEALTH_OUTCOME_CONNECT_TIMEOUT, 0, 1000000, 12000},
        {4, HEALTH_OBSERVED_HEALTHY, UINT16_MAX, HEALTH_OUTCOME_OK, 200, 900, 0},
        {5, HEALTH_OBSERVED_UNKNOWN, 0, HEALTH_OUTCOME_NONE, 0, 0, 0}};
    hold(&(struct fleet_message){.kind = FLEET_OPINIONS, .opinions = {7, 12, true, opinions, 3}},
         "{\"opinions\":{\"generation\":7,\"seq\":12,\"all\":true,\"items\":[[3,\"down\",4,\"connect_"
         "timeout\",0,"
         "1000000,12000],[4,\"up\",65535,\"ok\",200,900,0],[5,\"none\",0,\"none\",0,0,0]]}}\n");
}

static void the_longest_lines_fit(void **state)
{
    (void)state;
    static struct fleet_opinion opinions[FLEET_OPINIONS_MAX];
    for (uint32_t i = 0; i < FLEET_OPINIONS_MAX; i++) {
        opinions[i] = (struct fleet_opinion){FLEET_LIST_MAX - i, HEALTH_OBSERVED_UNHEALTHY,
                                             FLEET_STREAK_MAX,   HEALTH_OUTCOME_CERTIFICATE_EARLY,
                                             UINT16_MAX,         UINT32_MAX,
                                             INT64_MAX / 2};
    }
    struct fleet_message message = {.kind = FLEET_OPINIONS,
                                    .opinions = {INT64_MAX, INT64_MAX, true, opinions, FLEET_OPINIONS_MAX}};
    struct buffer line;
    buffer_init(&line);
    fleet_write(&message, &line);
    assert_true(line.len <= FLEET_LINE_MAX);
    char why[FLEET_TEXT_MAX + 1];
    static struct fleet_untaken refused[FLEET_REASONS_MAX];
    memset(why, '"', FLEET_TEXT_MAX);
    why[FLEET_TEXT_MAX] = '\0';
    for (uint32_t i = 0; i < FLEET_REASONS_MAX; i++) {
        refused[i] = (struct fleet_untaken){FLEET_LIST_MAX, why};
    }
    line.len = 0;
    fleet_write(&(struct fleet_message){.kind = FLEET_TAKEN,
                                        .taken = {INT64_MAX, refused, FLEET_REASONS_MAX, FLEET_LIST_MAX}},
                &line);
    assert_true(line.len <= FLEET_LINE_MAX);
    buffer_fini(&line);
    hold(&message, NULL);
}

static void text_that_is_none_is_replaced(void **state)
{
    (void)state;
    struct buffer line;
    buffer_init(&line);
    fleet_write(&(struct fleet_message){.kind = FLEET_REFUSED,
                                        .refused = "a\xff"
                                                   "b\xc3"},
                &line);
    assert_string_equal(line.bytes, "{\"refused\":{\"why\":\"a\xef\xbf\xbd"
                                    "b\xef\xbf\xbd\"}}\n");
    buffer_fini(&line);
}

/* ---- refused ---- */

static void refuse(const char *line, int error, const char *expected)
{
    char why[FLEET_WHY_SIZE];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    int result = fleet_read(line, strlen(line), arena, &message, why);
    if (result != error || strcmp(why, expected) != 0) {
        fail_msg("%s: %d \"%s\"", line, result, why);
    }
    arena_free(arena);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    refuse("{\"listed\":{}}", ERROR_INVALID, "listed: \"generation\" is missing");
    refuse("{\"listed\":{\"generation\":-1}}", ERROR_INVALID,
           "listed: \"generation\" is no number from 0 to 9223372036854775807");
    refuse("{\"listed\":{\"generation\":1,\"x\":1}}", ERROR_INVALID,
           "listed: has a member that is not known");
    refuse("{\"listed\":[]}", ERROR_INVALID, "listed: expected an object");
    refuse("{\"party\":{}}", ERROR_UNSUPPORTED, "found a message of a kind that is not known");
    refuse("{}", ERROR_SYNTAX, "found no object with one member");
    refuse("{\"alive\":{},\"same\":{}}", ERROR_SYNTAX, "found no object with one member");
    refuse("{\"alive\":{\"generation\":1,\"generation\":1}}", ERROR_SYNTAX,
           "found no JSON: duplicate object key near '\"generation\"'");
    refuse("\x16\x03\x01", ERROR_SYNTAX, "found no JSON: '[' or '{' expected near '\x16'");
    refuse(
        "{\"hello\":{\"version\":1,\"name\":\"../x\",\"software\":\"\",\"run\":\"00000000000000ab\"}}",
        ERROR_INVALID,
        "hello: \"name\" is no name of a vantage, expected 1 to 63 letters, digits, \"-\", \"_\" and \".\"");
    refuse("{\"hello\":{\"version\":1,\"name\":\"x\",\"software\":\"\",\"run\":\"AB\"}}", ERROR_INVALID,
           "hello: \"run\" has no 16 hexadecimal digits");
    refuse("{\"opinions\":{\"generation\":1,\"seq\":1,\"all\":false,\"items\":[[1]]}}", ERROR_INVALID,
           "opinions: an item is no array of 7 values");
    refuse("{\"opinions\":{\"generation\":1,\"seq\":1,\"all\":1,\"items\":[]}}", ERROR_INVALID,
           "opinions: \"all\" is neither true nor false");
    refuse("{\"opinions\":{\"generation\":1,\"seq\":1,\"all\":false,\"items\":[[0,\"sideways\",0,\"ok\",0,0,"
           "0]]}}",
           ERROR_INVALID, "opinions: a verdict is neither \"up\" nor \"down\" nor \"none\"");
    refuse("{\"targets\":[{\"identity\":\"0000000000000000\",\"check\":0,\"name\":\"\",\"addresses\":[]}]}",
           ERROR_INVALID, "targets: a target has 0 addresses, expected 1");
    refuse("{\"aim\":{\"generation\":1,\"items\":[{\"index\":0,\"addresses\":[\"1.2.3\"]}]}}", ERROR_INVALID,
           "aim: \"addresses\" has an item that is no address");
    refuse("{\"check\":{\"index\":0,\"definition\":7,\"files\":{}}}", ERROR_INVALID,
           "check: \"definition\" is no object");
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    struct buffer line;
    buffer_init(&line);
    buffer_add_text(&line, "{\"opinions\":{\"generation\":1,\"seq\":1,\"all\":false,\"items\":[0");
    for (int i = 0; i < FLEET_OPINIONS_MAX; i++) {
        buffer_add_text(&line, ",0");
    }
    buffer_add_text(&line, "]}}");
    refuse(line.bytes, ERROR_INVALID, "opinions: \"items\" has 1001 items, expected at most 1000");
    line.len = 0;
    buffer_add_text(&line, "{\"refused\":{\"why\":\"");
    for (int i = 0; i < FLEET_LINE_MAX; i++) {
        buffer_add_text(&line, "x");
    }
    refuse(line.bytes, ERROR_SYNTAX, "the line is too long");
    line.len = FLEET_LINE_MAX / 2;
    buffer_add_text(&line, "\"}}");
    refuse(line.bytes, ERROR_INVALID, "refused: \"why\" has 131053 octets, expected at most 1024");
    buffer_fini(&line);
}

static void an_outcome_of_a_newer_version_is_none(void **state)
{
    (void)state;
    static const char line[] = "{\"opinions\":{\"generation\":1,\"seq\":1,\"all\":false,\"items\":[[0,"
                               "\"down\",1,\"bad_weather\",0,0,0]]}}";
    char why[FLEET_WHY_SIZE];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    assert_int_equal(fleet_read(line, sizeof line - 1, arena, &message, why), 0);
    assert_int_equal(message.opinions.items[0].verdict, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(message.opinions.items[0].outcome, HEALTH_OUTCOME_NONE);
    arena_free(arena);
}

/* A line with one octet changed, or cut short, is refused or another one; it never ends anything. */
static void broken_lines_are_survived(void **state)
{
    (void)state;
    enum { ROUNDS = 20000 };
    const struct fleet_opinion opinion = {3, HEALTH_OBSERVED_UNHEALTHY, 4, HEALTH_OUTCOME_TIMEOUT, 0, 1000,
                                          12};
    const struct fleet_target target = {
        .name = "web", .host = "h", .addresses = addresses, .address_count = 1};
    const struct fleet_message messages[] = {
        {.kind = FLEET_OPINIONS, .opinions = {7, 12, true, &opinion, 1}},
        {.kind = FLEET_TARGETS, .targets = {&target, 1}},
        {.kind = FLEET_HELLO, .hello = {1, "fra-1", "0.1.0", 7}},
    };
    struct random random;
    random_init(&random, 1);
    for (int i = 0; i < ROUNDS; i++) {
        char why[FLEET_WHY_SIZE];
        struct fleet_message message;
        struct buffer line;
        struct arena *arena = arena_new(0);
        buffer_init(&line);
        fleet_write(&messages[random_below(&random, 3)], &line);
        line.bytes[random_below(&random, line.len)] = (char)random_next(&random);
        size_t len = random_below(&random, 4) == 0 ? random_below(&random, line.len) : line.len - 1;
        why[0] = '\0';
        int error = fleet_read(line.bytes, len, arena, &message, why);
        assert_true((error == 0) == (why[0] == '\0'));
        buffer_fini(&line);
        arena_free(arena);
    }
}

static void names_are_plain(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "fra-1", "EU_1.x", "9"};
    static const char *const bad[] = {"", "-a", "a-", ".", "..", "a/b", "a b", "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fleet_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(fleet_is_name(bad[i]));
    }
    char longest[FLEET_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[FLEET_NAME_MAX + 1] = '\0';
    assert_false(fleet_is_name(longest));
    assert_true(fleet_is_name(longest + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_as_it_was_written),
        cmocka_unit_test(lists_are_read_as_they_were_written),
        cmocka_unit_test(the_longest_lines_fit),
        cmocka_unit_test(text_that_is_none_is_replaced),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(an_outcome_of_a_newer_version_is_none),
        cmocka_unit_test(broken_lines_are_survived),
        cmocka_unit_test(names_are_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
