/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Streams of events whose server is there and says nothing any more: each of those who listen notices, by
 * the same limit, and goes on without it. */
#include "config.h"

#include "unit.h"

#include "ctl/drill_follow.h"
#include "ctl/watch_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n";

/* A server that does as it is told. */
struct scene {
    char folder[32], path[64];
    int listener, server;
    struct steerctl ctl;
};

static void open_scene(struct scene *scene)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    *scene = (struct scene){.folder = "/tmp/steerd-tail-XXXXXX", .server = -1};
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof scene->path, "%s/socket", scene->folder);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", scene->path);
    scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(scene->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(scene->listener, 8), 0);
    scene->ctl = (struct steerctl){.socket = scene->path};
    alarm(60); /* who waits for ever fails */
}

static void close_scene(struct scene *scene)
{
    alarm(0);
    close(scene->server);
    close(scene->listener);
    unlink(scene->path);
    rmdir(scene->folder);
}

static void say(const struct scene *scene, const char *text)
{
    assert_int_equal(write(scene->server, text, strlen(text)), strlen(text));
}

/* Whoever has connected is greeted. */
static void greet(struct scene *scene)
{
    scene->server = accept(scene->listener, NULL, NULL);
    assert_int_not_equal(scene->server, -1);
    say(scene, head);
}

static void stop_clock(struct tail *tail)
{
    clock_init_virtual(&tail->clock, tail->heard_ms, 0);
}

static void take(void *context, const struct sse_event *event)
{
    (void)event;
    ++*(int *)context;
}

static void silence_is_an_end(void **state)
{
    (void)state;
    struct scene scene;
    struct tail tail;
    struct buffer why;
    int count = 0;
    open_scene(&scene);
    buffer_init(&why);
    assert_true(tail_open(&scene.ctl, "/v1/events", &tail, &why));
    stop_clock(&tail);
    greet(&scene);
    assert_int_equal(tail_read(&tail, take, &count), HTTP_MORE);
    assert_int_equal(count, 1);
    for (int turn = 0; turn < 3; turn++) { /* a word now and then is enough */
        clock_advance(&tail.clock, TAIL_SILENCE_MS - 1);
        assert_int_equal(tail_read(&tail, take, &count), HTTP_MORE);
        say(&scene, ":\n\n");
        assert_int_equal(tail_read(&tail, take, &count), HTTP_MORE);
    }
    assert_int_equal(count, 4);
    clock_advance(&tail.clock, TAIL_SILENCE_MS);
    assert_int_equal(tail_read(&tail, take, &count), HTTP_DONE);
    tail_close(&tail);
    buffer_fini(&why);
    close_scene(&scene);
}

static void a_drill_is_not_waited_for(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct scene scene;
        struct drill_follow follow;
        json_t *begun = json_pack("{s:s, s:s, s:{s:i, s:i}}", "id", "d1", "started", "2026-11-25T00:00:00Z",
                                  "progress", "at_ms", 0, "duration_ms", 1000);
        open_scene(&scene);
        drill_follow_open(&follow, &scene.ctl, begun);
        stop_clock(&follow.tail);
        greet(&scene);
        drill_follow_glance(&follow);
        assert_int_not_equal(follow.tail.fd, -1);
        clock_advance(&follow.tail.clock, TAIL_SILENCE_MS);
        if (turn == 0) {
            drill_follow_wait(&follow, 0);
        } else {
            follow.looked_ms = 0; /* it looks ten times a second at most */
            drill_follow_glance(&follow);
        }
        assert_int_equal(follow.tail.fd, -1);
        assert_false(follow.has_ended);
        drill_follow_close(&follow);
        json_decref(begun);
        close_scene(&scene);
    }
}

static void a_watch_begins_anew(void **state)
{
    (void)state;
    struct scene scene;
    struct watch_events events;
    open_scene(&scene);
    watch_events_init(&events);
    watch_events_tend(&events, &scene.ctl, 0);
    stop_clock(&events.tail);
    greet(&scene);
    watch_events_tend(&events, &scene.ctl, 0);
    assert_int_not_equal(events.tail.fd, -1);
    clock_advance(&events.tail.clock, TAIL_SILENCE_MS);
    watch_events_tend(&events, &scene.ctl, TAIL_SILENCE_MS);
    assert_int_equal(events.tail.fd, -1);
    watch_events_tend(&events, &scene.ctl, 2 * TAIL_SILENCE_MS);
    assert_int_not_equal(events.tail.fd, -1);
    watch_events_fini(&events);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_an_end),
        cmocka_unit_test(a_drill_is_not_waited_for),
        cmocka_unit_test(a_watch_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
