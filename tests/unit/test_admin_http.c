/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP layer over a real unix socket, octet by octet: client and server share one event loop and one
 * thread, so nothing depends on timing. */
#include "config.h"

#include "unit.h"

#include "admin/call.h"
#include "admin_fake.h"
#include "base/buffer.h"
#include "base/error.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct world {
    char folder[32], path[64];
    struct event_base *base;
    struct fake fake;
    struct admin *admin;
    struct report *report;
};

static int world_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    strcpy(w->folder, "/tmp/steerd-admin-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/admin.sock", w->folder);
    signal(SIGPIPE, SIG_IGN);
    w->base = event_base_new();
    w->report = report_new();
    fake_init(&w->fake);
    struct admin_verbs verbs = fake_verbs(&w->fake);
    assert_int_equal(admin_open(w->base, w->path, 0600, &verbs, w->report, &w->admin), 0);
    *state = w;
    return 0;
}

static int world_close(void **state)
{
    struct world *w = *state;
    admin_close(w->admin);
    event_base_loop(w->base, EVLOOP_NONBLOCK);
    event_base_free(w->base);
    report_free(w->report);
    unlink(w->path);
    assert_int_equal(rmdir(w->folder), 0);
    free(w);
    return 0;
}

static int dial(const struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, w->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* Write all of it, turning the server's loop meanwhile. False: the server closed. */
static bool say(struct world *w, int fd, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN) {
            return false;
        }
        at += n > 0 ? (size_t)n : 0;
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    return true;
}

/* Take what comes until the server closes, or (wanted not NULL) until that text came. Gives up after many
 * idle turns of the loop. */
static bool hear(struct world *w, int fd, struct buffer *heard, const char *wanted)
{
    for (unsigned idle = 0; idle < 5000;) {
        char bytes[4096];
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n > 0) {
            buffer_add(heard, bytes, (size_t)n);
            idle = 0;
        } else if (n == 0 || errno != EAGAIN) {
            return true;
        } else {
            usleep(1000);
            idle++;
        }
        if (wanted != NULL && heard->len != 0 && strstr(heard->bytes, wanted) != NULL) {
            return true;
        }
    }
    return false;
}

/* One request on a connection of its own; `heard` gets the whole answer. */
static void ask_bytes(struct world *w, const void *request, size_t len, struct buffer *heard)
{
    int fd = dial(w);
    buffer_init(heard);
    say(w, fd, request, len);
    assert_true(hear(w, fd, heard, NULL));
    close(fd);
    buffer_add_text(heard, "");
}

static void assert_answer(struct world *w, const char *request, const char *status, const char *part)
{
    struct buffer heard;
    ask_bytes(w, request, strlen(request), &heard);
    if (strncmp(heard.bytes, status, strlen(status)) != 0 || strstr(heard.bytes, part) == NULL) {
        fail_msg("asked:\n%s\nheard:\n%s\nexpected: %s ... %s", request, heard.bytes, status, part);
    }
    buffer_fini(&heard);
}

#define GET(path)     "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define OK            "HTTP/1.1 200 "
#define PROBLEM(name) "\"type\": \"urn:steerd:problem:" name "\""

static void every_resource_answers(void **state)
{
    struct world *w = *state;
    assert_answer(w, GET("/v1/status"), OK, "\"generation\": 7");
    assert_answer(w, GET("/v1/regions"), OK, "\"name\": \"eu-west\"");
    assert_answer(w, GET("/v1/azs/us-east-1a"), OK, "\"members\": 2");
    assert_answer(w, GET("/v1/endpoints/web-1"), OK, "\"last_outcome\": null");
    assert_answer(w, GET("/v1/endpoints/web%2D1"), OK, "\"192.0.2.1\"");
    assert_answer(w, GET("/v1/zones"), OK, "bad\\\\255.");
    assert_answer(w, GET("/v1/names?limit=1"), OK, "\"next_cursor\": \"*.example.com.\"");
    assert_answer(w, GET("/v1/names?limit=1&cursor=*.example.com."), OK, "\"next_cursor\": null");
    assert_answer(w, GET("/v1/overrides"), OK, "\"items\": []");
    assert_answer(w, GET("/v1/explain?name=www.example.com&client=192.0.2.1"), OK, "found a zone");
    assert_answer(w, GET("/metrics"), OK, "text/plain; version=0.0.4");
    assert_answer(w, GET("/v1/nothing"), "HTTP/1.1 404 ", PROBLEM("not-found"));
    assert_answer(w, GET("/v1/azs/nowhere"), "HTTP/1.1 404 ", PROBLEM("not-found"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_resource_answers, world_open, world_close),
    };
    return cmocka_run_group_tests_name("admin_http", tests, NULL, NULL);
}
