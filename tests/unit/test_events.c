/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The stream of changes: order, gaps and their sizes, readers that are slow, and a crowd of writers. */
#include "config.h"

#include "events/stream.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 }; /* the fewest that a stream has */

static void publish_number(struct stream *stream, unsigned number)
{
    char name[32];
    snprintf(name, sizeof name, "endpoint:%u", number);
    stream_publish(stream, &(struct change){.kind = CHANGE_HEALTH, .name = name, .wall_ms = number + 1});
}

static void expect_number(struct stream_reader *reader, unsigned number)
{
    char name[32];
    uint64_t missed;
    snprintf(name, sizeof name, "endpoint:%u", number);
    assert_int_equal(stream_read(reader, &missed), STREAM_CHANGE);
    assert_string_equal(reader->change.name, name);
    assert_int_equal(reader->change.seq, number + 1);
    assert_int_equal(reader->change.wall_ms, number + 1);
}

static void expect_nothing(struct stream_reader *reader)
{
    uint64_t missed;
    assert_int_equal(stream_read(reader, &missed), STREAM_NOTHING);
}

static void bodies_are_pairs(void **state)
{
    (void)state;
    static char longest[CHANGE_BODY_MAX + 1];
    struct change_body body;
    struct change_pair pair;
    change_body_init(&body);
    memset(longest, 'x', sizeof longest - 1);
    change_body_add(&body, "state", "drain");
    change_body_add(&body, "none", NULL);
    change_body_add(&body, "long", longest); /* does not fit */
    change_body_add(&body, "why", "a=b\nstate=up");
    change_body_add_number(&body, "n", -5);
    change_body_add_real(&body, "infinite", 1e308 * 10);
    assert_string_equal(body.text, "state=drain\nwhy=a=b?state=up\nn:=-5\n");
    const char *at = body.text;
    assert_true(change_next_pair(&at, &pair));
    assert_string_equal(pair.key, "state");
    assert_string_equal(pair.value, "drain");
    assert_true(change_next_pair(&at, &pair));
    assert_string_equal(pair.value, "a=b?state=up");
    assert_false(pair.is_number);
    assert_true(change_next_pair(&at, &pair));
    assert_string_equal(pair.key, "n");
    assert_string_equal(pair.value, "-5");
    assert_true(pair.is_number);
    assert_false(change_next_pair(&at, &pair));
    at = NULL;
    assert_false(change_next_pair(&at, &pair));
}

static void a_change_arrives_as_it_was(void **state)
{
    (void)state;
    struct stream *stream = stream_new(0);
    struct stream_reader reader;
    uint64_t missed;
    stream_reader_init(&reader, stream);
    expect_nothing(&reader);
    assert_int_equal(stream_publish(stream, &(struct change){.kind = CHANGE_OVERRIDE,
                                                             .name = "region:us-east",
                                                             .actor = "alice",
                                                             .peer = "uid:1000(alice)",
                                                             .reason = "storm",
                                                             .body = "state=drain\n"}),
                     1);
    assert_int_equal(
        stream_publish(stream, &(struct change){.kind = CHANGE_RELOAD, .name = "all", .reason = ""}), 2);
    assert_int_equal(stream_read(&reader, &missed), STREAM_CHANGE);
    assert_int_equal(reader.change.kind, CHANGE_OVERRIDE);
    assert_true(reader.change.wall_ms > 0);
    assert_string_equal(reader.change.name, "region:us-east");
    assert_string_equal(reader.change.actor, "alice");
    assert_string_equal(reader.change.peer, "uid:1000(alice)");
    assert_string_equal(reader.change.reason, "storm");
    assert_string_equal(reader.change.body, "state=drain\n");
    assert_int_equal(stream_read(&reader, &missed), STREAM_CHANGE);
    assert_null(reader.change.actor);
    assert_null(reader.change.body);
    assert_string_equal(reader.change.reason, "");
    expect_nothing(&reader);
    assert_int_equal(stream_get_seq(stream), 2);
    assert_int_equal(stream_count(stream, CHANGE_RELOAD), 1);
    assert_int_equal(stream_count(stream, CHANGE_HEALTH), 0);
    stream_free(stream);
}

static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    static char longest[2000];
    struct stream *stream = stream_new(0);
    struct stream_reader reader;
    uint64_t missed;
    for (size_t i = 0; i + 2 < sizeof longest; i += 2) {
        memcpy(longest + i, "ä", 2);
    }
    stream_reader_init(&reader, stream);
    stream_publish(stream, &(struct change){.kind = CHANGE_DRILL,
                                            .name = longest,
                                            .actor = longest,
                                            .peer = longest,
                                            .reason = longest,
                                            .body = longest});
    assert_int_equal(stream_read(&reader, &missed), STREAM_CHANGE);
    assert_int_equal(strlen(reader.change.name), CHANGE_NAME_MAX - 1); /* whole characters */
    assert_int_equal(strlen(reader.change.actor), CHANGE_WHO_MAX - 1);
    assert_int_equal(strlen(reader.change.reason), CHANGE_REASON_MAX - 1);
    assert_int_equal(strlen(reader.change.body), CHANGE_BODY_MAX - 1);
    stream_free(stream);
}

static void readers_go_their_own_pace(void **state)
{
    (void)state;
    struct stream *stream = stream_new(SLOTS);
    struct stream_reader fast, slow, late;
    uint64_t missed;
    stream_reader_init(&fast, stream);
    stream_reader_init(&slow, stream);
    for (unsigned i = 0; i < 200; i++) {
        publish_number(stream, i);
        expect_number(&fast, i);
        expect_nothing(&fast);
    }
    assert_int_equal(stream_read(&slow, &missed), STREAM_GAP);
    assert_true(missed >= 200 - SLOTS && missed < 200);
    for (unsigned i = (unsigned)missed; i < 200; i++) {
        expect_number(&slow, i);
    }
    expect_nothing(&slow);
    stream_reader_init_at(&late, stream, 200); /* the last one again */
    expect_number(&late, 199);
    stream_reader_init(&late, stream);
    expect_nothing(&late);
    stream_free(stream);
}

/* Long changes take the room of several: the latest ones are whole, and what is gone is counted. */
static void long_changes_take_more_room(void **state)
{
    (void)state;
    static char longest[CHANGE_BODY_MAX + 1];
    struct stream *stream = stream_new(SLOTS);
    struct stream_reader reader;
    uint64_t missed, lost = 0, got = 0;
    memset(longest, 'x', sizeof longest - 1);
    stream_reader_init(&reader, stream);
    for (unsigned i = 0; i < 60; i++) { /* fewer than there are slots */
        longest[0] = (char)('0' + i);
        stream_publish(stream, &(struct change){.kind = CHANGE_DRILL, .name = longest, .body = longest});
    }
    for (enum stream_result result; (result = stream_read(&reader, &missed)) != STREAM_NOTHING;) {
        if (result == STREAM_GAP) {
            assert_int_equal(got, 0);
            lost += missed;
            continue;
        }
        got++;
        assert_int_equal(reader.change.seq, lost + got);
        assert_int_equal(reader.change.name[0], '0' + (int)(lost + got) - 1);
        assert_int_equal(reader.change.body[0], reader.change.name[0]);
        assert_int_equal(strlen(reader.change.body), CHANGE_BODY_MAX);
    }
    assert_int_equal(lost + got, 60);
    assert_true(got >= SLOTS / 5);
    stream_free(stream);
}

static void count_wake(void *context)
{
    atomic_fetch_add((_Atomic unsigned *)context, 1);
}

/* ---- a crowd ---- */

enum { WRITERS = 4, ITEMS = 20000, READERS = 3 };

struct crowd {
    struct stream *stream;
    _Atomic unsigned begun, ended, wakes;
    uint64_t got[READERS], missed[READERS];
};

static void *write_many(void *argument)
{
    struct crowd *crowd = argument;
    unsigned writer = atomic_fetch_add(&crowd->begun, 1);
    char name[64], body[300];
    for (unsigned i = 0; i < ITEMS; i++) {
        unsigned len = i % 250;
        snprintf(name, sizeof name, "%u:%u", writer, i);
        memset(body, 'a' + (int)writer, len);
        body[len] = '\0';
        stream_publish(crowd->stream, &(struct change){.kind = CHANGE_LOAD, .name = name, .body = body});
    }
    atomic_fetch_add(&crowd->ended, 1);
    return NULL;
}

static void check_item(const struct change *change, int64_t last[WRITERS])
{
    char *end;
    unsigned long writer = strtoul(change->name, &end, 10), number = strtoul(end + 1, NULL, 10);
    assert_true(writer < WRITERS && (int64_t)number > last[writer]);
    last[writer] = (int64_t)number;
    assert_int_equal(strlen(change->body), number % 250);
    for (const char *at = change->body; *at != '\0'; at++) {
        assert_int_equal(*at, 'a' + (int)writer);
    }
}

struct reading {
    struct crowd *crowd;
    unsigned index;
};

static void *read_many(void *argument)
{
    const struct reading *reading = argument;
    struct crowd *crowd = reading->crowd;
    struct stream_reader reader;
    int64_t last[WRITERS] = {-1, -1, -1, -1};
    uint64_t missed, expected = 1;
    stream_reader_init_at(&reader, crowd->stream, 1);
    for (bool ended = false;;) {
        enum stream_result result = stream_read(&reader, &missed);
        if (result == STREAM_CHANGE) {
            assert_int_equal(reader.change.seq, expected++);
            check_item(&reader.change, last);
            crowd->got[reading->index]++;
        } else if (result == STREAM_GAP) {
            crowd->missed[reading->index] += missed;
            expected += missed;
        } else if (ended) {
            return NULL;
        } else {
            ended = atomic_load(&crowd->ended) == WRITERS;
        }
    }
}

/* Whoever is fast or slow: what is read is whole and in order, and what is not is counted. */
static void a_crowd(void **state)
{
    (void)state;
    struct crowd crowd = {.stream = stream_new(256)};
    pthread_t writers[WRITERS], readers[READERS];
    struct reading readings[READERS];
    stream_add_waker(crowd.stream, count_wake, &crowd.wakes);
    for (unsigned i = 0; i < READERS; i++) {
        readings[i] = (struct reading){&crowd, i};
        assert_int_equal(pthread_create(&readers[i], NULL, read_many, &readings[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, &crowd), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
    }
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
        uint64_t sum = crowd.got[i] + crowd.missed[i];
        /* one that a writer gave up in the last half round is not known to be lost */
        assert_true(sum <= WRITERS * ITEMS && sum + 128 >= WRITERS * ITEMS);
    }
    assert_int_equal(stream_get_seq(crowd.stream), WRITERS * ITEMS);
    assert_int_equal(stream_count(crowd.stream, CHANGE_LOAD), WRITERS * ITEMS);
    assert_int_equal(atomic_load(&crowd.wakes), WRITERS * ITEMS);
    stream_free(crowd.stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_pairs),
        cmocka_unit_test(a_change_arrives_as_it_was),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(readers_go_their_own_pace),
        cmocka_unit_test(long_changes_take_more_room),
        cmocka_unit_test(a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
