/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the serials that zones are served with: arithmetic (RFC 1982), policies, and a life of changes,
 * reloads and restarts in virtual time during which no serial ever goes back. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/serial.h"
#include "transfer/keeper.h"

#include <string.h>

static const uint8_t apex[] = "\7example\3com", other[] = "\7example\3net";

static void numbers_go_round(void **state)
{
    (void)state;
    assert_true(serial_is_newer(1, 0));
    assert_true(serial_is_newer(0, UINT32_MAX));
    assert_true(serial_is_newer(0x7fffffff, 0));
    assert_false(serial_is_newer(0, 0));
    assert_false(serial_is_newer(0x80000000, 0)); /* half the circle: neither */
    assert_false(serial_is_newer(0, 0x80000000));
    assert_false(serial_is_newer(0x80000001, 0));
    assert_int_equal(serial_next(5, 5, 5), 6);
    assert_int_equal(serial_next(5, 9, 7), 9);
    assert_int_equal(serial_next(5, 7, 9), 9);
    assert_int_equal(serial_next(5, 3, 0), 6);
    assert_int_equal(serial_next(UINT32_MAX, 0, UINT32_MAX), 0);
    assert_int_equal(serial_next(UINT32_MAX, 7, 3), 7);
    /* a wanted number more than half the circle ahead is behind */
    assert_int_equal(serial_next(10, 0x90000000, 11), 11);
    /* the third may be newer than the second and yet not newer than the last */
    assert_int_equal(serial_next(0, 0x7ffffff0, 0xa0000000), 0x7ffffff0);
}

/* ---- a disk that works ---- */

static void write_whole(struct keeper *keeper, uint32_t now_s, struct buffer *text)
{
    size_t at = 0;
    buffer_init(text);
    while (keeper_write(keeper, &at, 1, now_s, text)) {
    }
}

static void keep(struct keeper *keeper)
{
    size_t at = 0;
    while (keeper_kept(keeper, &at, 1)) {
    }
}

static void save(struct keeper *keeper, uint32_t now_s)
{
    struct buffer text;
    write_whole(keeper, now_s, &text);
    keep(keeper);
    buffer_fini(&text);
}

static struct keeper_decision decide_of(struct keeper *keeper, const uint8_t *zone,
                                        struct keeper_content content)
{
    if (keeper_reserve(keeper, zone, &content, false)) {
        save(keeper, content.now_s);
    }
    struct keeper_decision decision = keeper_decide(keeper, zone, &content);
    assert_false(decision.is_waiting);
    return decision;
}

static struct keeper_decision decide(struct keeper *keeper, enum conf_serial policy, uint32_t file,
                                     uint64_t content, uint32_t now_s)
{
    return decide_of(keeper, apex, (struct keeper_content){policy, file, content, now_s});
}

static void file_serials_are_kept_as_they_are(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    struct keeper_decision d = decide(keeper, CONF_SERIAL_FILE, 7, 100, 1000);
    assert_int_equal(d.serial, 7);
    assert_true(d.is_news && !d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 7, 100, 1001);
    assert_true(d.serial == 7 && !d.is_news && !d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 7, 101, 1002);
    assert_true(d.serial == 7 && !d.is_news && d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 8, 102, 1003);
    assert_true(d.serial == 8 && d.is_news && !d.is_silent && !d.is_older);
    d = decide(keeper, CONF_SERIAL_FILE, 6, 103, 1004);
    assert_true(d.serial == 6 && d.is_news && !d.is_silent && d.is_older);
    struct buffer text;
    write_whole(keeper, 1005, &text);
    assert_null(strstr(text.bytes, "example")); /* nothing to be remembered */
    buffer_fini(&text);
    keeper_free(keeper);
}

static void automatic_serials_rise_with_changes_only(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 100, 1000).serial, 1000);
    struct keeper_decision d = decide(keeper, CONF_SERIAL_AUTO, 7, 100, 2000);
    assert_true(d.serial == 1000 && !d.is_news);
    d = decide(keeper, CONF_SERIAL_AUTO, 7, 101, 2000);
    assert_true(d.serial == 2000 && d.is_news && !d.is_older);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 102, 2000).serial, 2001); /* twice in a second */
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 103, 1990).serial, 2002); /* the clock went back */
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 2026112101, 104, 3000).serial, 2026112101);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 2026112101, 105, 3001).serial, 2026112102);
    keeper_free(keeper);
}

static void unixtime_serials_ignore_the_file(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 2026112101, 100, 1000).serial, 1000);
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 2026112102, 101, 1005).serial, 1005);
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 2026112103, 102, 1005).serial, 1006);
    keeper_free(keeper);
}

static struct keeper *restart(struct keeper *keeper)
{
    struct buffer text;
    keeper_seal(keeper);
    write_whole(keeper, 0, &text);
    keeper_free(keeper);
    keeper = keeper_new(true);
    assert_int_equal(keeper_parse(keeper, text.bytes, text.len, 0), 0);
    buffer_fini(&text);
    return keeper;
}

/* Another process was to go on with the text, and did not: blocks are kept again, and what it says now holds.
 */
static void sealing_can_be_taken_back(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    const struct keeper_content content = {CONF_SERIAL_AUTO, 7, 100, 1000};
    struct buffer text;
    (void)keeper_reserve(keeper, apex, &content, true);
    save(keeper, 1000);
    assert_int_equal(keeper_decide(keeper, apex, &content).serial, 1000);
    keeper_seal(keeper);
    write_whole(keeper, 1000, &text);
    assert_non_null(strstr(text.bytes, "example.com. 1000 0000000000000064"));
    buffer_fini(&text);
    keep(keeper);
    keeper_unseal(keeper);
    const struct keeper_content next = {CONF_SERIAL_AUTO, 7, 101, 1001};
    assert_true(keeper_decide(keeper, apex, &next).is_waiting); /* the text has no more numbers */
    write_whole(keeper, 1001, &text);
    assert_non_null(strstr(text.bytes, " -\n"));
    buffer_fini(&text);
    keep(keeper);
    struct keeper_decision decision;
    assert_true(keeper_go_on(keeper, apex, 1001, &decision));
    assert_int_equal(decision.serial, 1001);
    keeper_free(keeper);
}

static void restarts_are_remembered(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    (void)decide(keeper, CONF_SERIAL_AUTO, 7, 100, 1000);
    (void)decide(keeper, CONF_SERIAL_AUTO, 7, 0xfedcba9876543210, 1000);
    (void)decide_of(keeper, other, (struct keeper_content){CONF_SERIAL_UNIXTIME, 1, 2, 3});
    keeper = restart(keeper);
    struct keeper_decision d = decide(keeper, CONF_SERIAL_AUTO, 7, 0xfedcba9876543210, 5000);
    assert_int_equal(d.serial, 1001);
    assert_true(d.is_news); /* who copied it may have missed the last word */
    keeper = restart(restart(keeper));
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 101, 900).serial, 1002);
    assert_int_equal(decide_of(keeper, other, (struct keeper_content){CONF_SERIAL_UNIXTIME, 1, 2, 9}).serial,
                     3);
    keeper_free(keeper);
}

/* Of an hour ago; what was served since, a number each second, was not in it. The same content as then does
 * not get its number back: another one may have been served in between. */
static void a_restored_text_is_gone_above(void **state)
{
    (void)state;
    static const char *const fingerprints[] = {"00000000000000aa", "-"};
    for (size_t i = 0; i < 2; i++) {
        char text[128];
        int len =
            snprintf(text, sizeof text, "example.com. 2026112101 %s\n# restored 1000\n", fingerprints[i]);
        struct keeper *keeper = keeper_new(true);
        const struct keeper_content content = {CONF_SERIAL_AUTO, 7, 0xaa, 4600};
        assert_int_equal(keeper_parse(keeper, text, (size_t)len, 4600), 0);
        assert_true(keeper_reserve(keeper, apex, &content, true));
        save(keeper, 4600);
        assert_int_equal(keeper_decide(keeper, apex, &content).serial, 2026112101 + 3600 + KEEPER_BLOCK + 1);
        keeper_free(keeper);
    }
    static const char future[] = "example.com. 12 00000000000000aa\n# restored 5000\n# restored x\n";
    struct keeper *keeper = keeper_new(true);
    assert_int_equal(keeper_parse(keeper, future, sizeof future - 1, 100), 0);
    assert_int_equal(decide(keeper, CONF_SERIAL_UNIXTIME, 7, 0xaa, 100).serial, 12 + KEEPER_BLOCK + 1);
    keeper_free(keeper);
}

static void broken_lines_are_left_out(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n"
                               "example.com. 12 00000000000000aa\n"
                               "example.com.\n"
                               "example.net. x 1\n"
                               "example.net. 4294967296 1\n"
                               "example.net. 5 1 2\n"
                               "example.net. -5 1\n"
                               "example.net. 5 --\n"
                               "example..net. 5 1\n"
                               "\n"
                               "example.net. 55 1"; /* cut: it may have been 5512 */
    struct keeper *keeper = keeper_new(true);
    assert_int_equal(keeper_parse(keeper, text, sizeof text - 1, 0), 9);
    assert_int_equal(decide(keeper, CONF_SERIAL_AUTO, 7, 0xaa, 1).serial, 12);
    assert_int_equal(decide_of(keeper, other, (struct keeper_content){CONF_SERIAL_AUTO, 7, 1, 1}).serial, 7);
    keeper_free(keeper);
}

static void a_name_may_look_like_a_comment(void **state)
{
    (void)state;
    static const uint8_t hash[] = "\2#x\7example";
    const struct keeper_content content = {CONF_SERIAL_UNIXTIME, 1, 2, 3},
                                later = {CONF_SERIAL_UNIXTIME, 1, 2, 9};
    struct keeper *keeper = keeper_new(true);
    assert_int_equal(decide_of(keeper, hash, content).serial, 3);
    keeper = restart(keeper);
    assert_int_equal(decide_of(keeper, hash, later).serial, 3);
    keeper_free(keeper);
}

/* Ten years of random changes, quick and slow, of reloads with a new serial in the file, of restarts, and of
 * a clock that is now and then set back: each serial that was served is newer than the one before it. */
static void serials_never_go_back(void **state)
{
    (void)state;
    struct clock clock;
    struct random random;
    uint32_t file = 2026112100, last = 0;
    uint64_t content = 1;
    random_init(&random, 42);
    clock_init_virtual(&clock, 0, INT64_C(1795000000000));
    struct keeper *keeper = keeper_new(true);
    for (int i = 0; i < 100000; i++) {
        clock_advance(&clock, (int64_t)random_below(&random, 6000000));
        int64_t back_ms = random_below(&random, 50) == 0 ? 86400000 : 0;
        bool changed = random_below(&random, 3) != 0;
        if (random_below(&random, 100) == 0) {
            file += (uint32_t)random_below(&random, 200);
            changed = true;
        }
        if (random_below(&random, 1000) == 0) {
            keeper = restart(keeper);
        }
        content += changed;
        uint32_t now_s = (uint32_t)((clock_wall_ms(&clock) - back_ms) / 1000);
        uint32_t serial = decide(keeper, CONF_SERIAL_AUTO, file, content, now_s).serial;
        assert_true(i == 0 || (changed ? serial_is_newer(serial, last) : serial == last));
        last = serial;
    }
    keeper_free(keeper);
}

/* ---- blocks, and a disk that does not work ---- */

static struct keeper_decision flip(struct keeper *keeper, uint64_t content, uint32_t now_s)
{
    return keeper_decide(keeper, apex, &(struct keeper_content){CONF_SERIAL_AUTO, 7, content, now_s});
}

static struct keeper *open_in_blocks(uint32_t now_s)
{
    struct keeper *keeper = keeper_new(true);
    const struct keeper_content content = {CONF_SERIAL_AUTO, 7, 1, now_s};
    assert_true(keeper_reserve(keeper, apex, &content, true));
    save(keeper, now_s);
    assert_false(keeper_reserve(keeper, apex, &content, true));
    return keeper;
}

/* As after kill -9: what the disk has is all that is known. */
static struct keeper *crash(struct keeper *keeper, const struct buffer *disk)
{
    keeper_free(keeper);
    keeper = keeper_new(true);
    assert_int_equal(keeper_parse(keeper, disk->bytes, disk->len, 0), 0);
    return keeper;
}

static void flips_need_no_disk_until_the_block_is_used_up(void **state)
{
    (void)state;
    struct keeper *keeper = open_in_blocks(1000);
    assert_int_equal(flip(keeper, 1, 1000).serial, 1000);
    assert_false(flip(keeper, 2, 1001).is_low);
    struct keeper_decision d = flip(keeper, 3, 1000 + KEEPER_BLOCK / 2);
    assert_true(d.is_low && !d.is_waiting && d.serial == 1000 + KEEPER_BLOCK / 2);
    /* the time has run away from the block: what is left is used number by number */
    d = flip(keeper, 4, 1000000);
    assert_true(d.serial == 1001 + KEEPER_BLOCK / 2 && d.is_news && d.is_low);
    uint32_t last = d.serial;
    for (uint64_t content = 5; !(d = flip(keeper, content, 1000000)).is_waiting; content++) {
        assert_int_equal(d.serial, ++last);
        assert_in_range(d.serial, 1000, 1000 + KEEPER_BLOCK);
    }
    assert_true(d.serial == 1000 + KEEPER_BLOCK && !d.is_news && !d.is_silent && d.is_low);
    assert_int_equal(keeper_count_waiting(keeper), 1);
    assert_false(keeper_go_on(keeper, apex, 1000001, &d));
    save(keeper, 1000002); /* the disk is back */
    assert_true(keeper_go_on(keeper, apex, 1000003, &d));
    assert_true(d.serial == 1000003 && d.is_news);
    assert_int_equal(keeper_count_waiting(keeper), 0);
    assert_false(keeper_go_on(keeper, apex, 1000004, &d));
    keeper_free(keeper);
}

/* Copies were made under the serial that waits, of any of the contents since: none of them is the same again.
 */
static void what_waited_gets_a_serial_even_if_it_is_what_was_before(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    (void)decide(keeper, CONF_SERIAL_AUTO, 7, 1, 1000);
    assert_true(flip(keeper, 2, 1001).is_waiting); /* not reserved */
    assert_true(flip(keeper, 1, 1002).is_waiting);
    struct keeper_decision d;
    save(keeper, 1003);
    assert_true(keeper_go_on(keeper, apex, 1004, &d));
    assert_true(serial_is_newer(d.serial, 1000));
    keeper_free(keeper);
}

static void a_crash_begins_above_the_block(void **state)
{
    (void)state;
    struct keeper *keeper = open_in_blocks(1000);
    struct buffer disk;
    write_whole(keeper, 1000, &disk);
    keep(keeper);
    (void)flip(keeper, 1, 1000);
    assert_int_equal(flip(keeper, 2, 1100).serial, 1100);
    keeper = crash(keeper, &disk);
    struct keeper_decision d = flip(keeper, 2, 1101); /* the same content: nobody can know */
    assert_true(d.is_waiting &&
                d.serial == 1000 + KEEPER_BLOCK); /* nothing was reserved yet, as with a full disk */
    save(keeper, 1102);
    assert_true(keeper_go_on(keeper, apex, 1102, &d));
    assert_int_equal(d.serial, 1001 + KEEPER_BLOCK);
    buffer_fini(&disk);
    keeper_free(keeper);
}

static void the_first_serial_does_not_wait(void **state)
{
    (void)state;
    struct keeper *keeper = keeper_new(true);
    struct keeper_decision d = flip(keeper, 1, 1000);
    assert_true(d.serial == 1000 && !d.is_waiting);
    d = flip(keeper, 2, 1010);
    assert_true(d.serial == 1000 && d.is_waiting);
    keeper_free(keeper);
    keeper = keeper_new(false); /* nothing is ever kept */
    assert_int_equal(flip(keeper, 1, 1000).serial, 1000);
    assert_int_equal(flip(keeper, 2, 1000).serial, 1001);
    keeper_free(keeper);
}

/* A zone in blocks and one without, a disk that fails for hours, crashes at any moment, also between the text
 * and the word that it is kept: no serial that was served comes back with another content. */
enum { WAITED = 99 };

static void no_crash_takes_a_serial_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct random random;
        random_init(&random, seed);
        uint32_t now = 4294967296 - 40000, last[2] = {0}; /* the time goes round */
        const uint8_t *const zones[] = {apex, other};
        uint64_t content[2] = {1, 1}, served[2] = {0};
        struct buffer disk;
        bool fails = false;
        struct keeper *keeper = keeper_new(true);
        buffer_init(&disk);
        for (int i = 0; i < 400; i++) {
            size_t zone = (size_t)random_below(&random, 2);
            now += (uint32_t)random_below(&random, 300);
            fails = random_below(&random, 20) == 0 ? !fails : fails;
            content[zone] = random_below(&random, 2) == 0 ? 1 + random_below(&random, 3) : content[zone];
            struct keeper_content is = {CONF_SERIAL_AUTO, 7, content[zone], now};
            bool wants =
                keeper_reserve(keeper, zones[zone], &is, zone == 0) || random_below(&random, 10) == 0;
            bool knows = random_below(&random, 10) != 0;
            if (wants && !fails) {
                buffer_fini(&disk);
                write_whole(keeper, now, &disk);
            }
            if (wants && !fails && knows) {
                keep(keeper);
            }
            if (knows && random_below(&random, 10) != 0) {
                struct keeper_decision d = keeper_decide(keeper, zones[zone], &is);
                assert_true(last[zone] == 0 || d.serial == last[zone] ||
                            serial_is_newer(d.serial, last[zone]));
                assert_true(d.serial != last[zone] || served[zone] == 0 || served[zone] == content[zone] ||
                            d.is_waiting);
                last[zone] = d.serial;
                served[zone] = d.is_waiting ? WAITED : content[zone];
            }
            if (!knows || random_below(&random, 15) == 0) {
                keeper = crash(keeper, &disk);
                for (size_t z = 0; z < 2; z++) {
                    static const char *const names[] = {"example.com.", "example.net."};
                    bool is_kept = disk.len != 0 && strstr(disk.bytes, names[z]) != NULL;
                    served[z] = is_kept && served[z] != WAITED ? served[z] : 0; /* no disk could say so */
                }
            }
        }
        buffer_fini(&disk);
        keeper_free(keeper);
    }
}

/* ---- several servers, and who copies from any of them ---- */

enum { SERVERS = 3 };

struct server {
    struct keeper *keeper;
    struct buffer disk;
    uint64_t content;
    uint32_t serial;
};

static void serve(struct server *server, const struct keeper_decision *decision)
{
    assert_true(decision->serial == server->serial || serial_is_newer(decision->serial, server->serial));
    server->serial = decision->serial;
}

static void store(struct server *server, uint32_t now_s)
{
    struct keeper_decision decision;
    buffer_fini(&server->disk);
    write_whole(server->keeper, now_s, &server->disk);
    keep(server->keeper);
    if (keeper_go_on(server->keeper, apex, now_s, &decision)) {
        serve(server, &decision);
    }
}

static void begin_server(struct server *server, uint32_t now_s)
{
    const struct keeper_content content = {CONF_SERIAL_AUTO, 7, server->content, now_s};
    (void)keeper_reserve(server->keeper, apex, &content, true);
    store(server, now_s);
    const struct keeper_decision decision = keeper_decide(server->keeper, apex, &content);
    serve(server, &decision);
}

static void hear(struct server *server, const struct server *its, bool is_last, uint32_t now_s)
{
    struct keeper_decision decision;
    const struct keeper_heard heard = {its->content, its->serial, is_last};
    if (keeper_hear(server->keeper, apex, &heard, now_s, &decision)) {
        serve(server, &decision);
    }
}

static void change(struct server *server, uint64_t content, uint32_t now_s)
{
    server->content = content;
    const struct keeper_decision decision = flip(server->keeper, content, now_s);
    serve(server, &decision);
}

/* As a secondary does. */
static void copy(struct server *to, const struct server *from)
{
    if (serial_is_newer(from->serial, to->serial)) {
        to->serial = from->serial;
        to->content = from->content;
    }
}

/* All hear of each other, and disks take what they are given. */
static void settle(struct server *servers, uint32_t now_s)
{
    for (int turn = 0; turn < 4; turn++) {
        for (int i = 0; i < SERVERS * SERVERS; i++) {
            hear(&servers[i / SERVERS], &servers[i % SERVERS], false, now_s);
        }
        for (int i = 0; i < SERVERS; i++) {
            store(&servers[i], now_s);
        }
    }
}

static void whoever_copies_from_any_has_what_all_have(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct random random;
        random_init(&random, seed);
        struct server servers[SERVERS] = {{.content = 1}, {.content = 1}, {.content = 1}}, secondary;
        uint32_t now_s = 1000;
        for (int i = 0; i < SERVERS; i++) {
            servers[i].keeper = keeper_new(true);
            buffer_init(&servers[i].disk);
            begin_server(&servers[i], now_s + (uint32_t)random_below(&random, 5));
        }
        secondary = servers[0];
        for (int i = 0; i < 200; i++) {
            struct server *one = &servers[random_below(&random, SERVERS)];
            const struct server *its = &servers[random_below(&random, SERVERS)];
            now_s += (uint32_t)random_below(&random, 3);
            switch (random_below(&random, 6)) {
            case 0: change(one, 1 + random_below(&random, 3), now_s); break;
            case 1: hear(one, its, false, now_s); break;
            case 2: copy(&secondary, one); break;
            case 3: store(one, now_s); break;
            case 4:
                if (random_below(&random, 10) == 0) {
                    one->keeper = crash(one->keeper, &one->disk);
                    begin_server(one, now_s);
                }
                break;
            default: break;
            }
        }
        for (int i = 0; i < SERVERS; i++) { /* they see the same in the end */
            change(&servers[i], 9, now_s + 1);
        }
        settle(servers, now_s + 1);
        assert_true(servers[0].serial == servers[1].serial && servers[1].serial == servers[2].serial);
        copy(&secondary, &servers[random_below(&random, SERVERS)]);
        assert_true(secondary.content == 9 && secondary.serial == servers[0].serial);
        for (int i = 0; i < SERVERS; i++) {
            buffer_fini(&servers[i].disk);
            keeper_free(servers[i].keeper);
        }
    }
}

static void who_copied_from_one_that_is_gone_waits_for_nobody(void **state)
{
    (void)state;
    struct server servers[2] = {{.content = 1}, {.content = 1}};
    for (int i = 0; i < 2; i++) {
        servers[i].keeper = keeper_new(true);
        buffer_init(&servers[i].disk);
        begin_server(&servers[i], 1000);
    }
    change(&servers[0], 2, 1005);
    hear(&servers[1], &servers[0], false, 1005);
    assert_int_equal(servers[1].serial, 1000); /* it may be about to see the same */
    hear(&servers[1], &servers[0], true, 1015);
    assert_int_equal(servers[1].serial, 1006);
    hear(&servers[1], &servers[0], true, 1016);
    assert_int_equal(servers[1].serial, 1006); /* once */
    for (int i = 0; i < 2; i++) {
        buffer_fini(&servers[i].disk);
        keeper_free(servers[i].keeper);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_copies_from_any_has_what_all_have),
        cmocka_unit_test(who_copied_from_one_that_is_gone_waits_for_nobody),
        cmocka_unit_test(numbers_go_round),
        cmocka_unit_test(file_serials_are_kept_as_they_are),
        cmocka_unit_test(automatic_serials_rise_with_changes_only),
        cmocka_unit_test(unixtime_serials_ignore_the_file),
        cmocka_unit_test(restarts_are_remembered),
        cmocka_unit_test(sealing_can_be_taken_back),
        cmocka_unit_test(a_restored_text_is_gone_above),
        cmocka_unit_test(broken_lines_are_left_out),
        cmocka_unit_test(a_name_may_look_like_a_comment),
        cmocka_unit_test(serials_never_go_back),
        cmocka_unit_test(flips_need_no_disk_until_the_block_is_used_up),
        cmocka_unit_test(what_waited_gets_a_serial_even_if_it_is_what_was_before),
        cmocka_unit_test(a_crash_begins_above_the_block),
        cmocka_unit_test(the_first_serial_does_not_wait),
        cmocka_unit_test(no_crash_takes_a_serial_back),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
