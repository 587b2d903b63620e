/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP layer over a real unix socket, octet by octet: client and server share one event loop and one
 * thread, so nothing depends on timing. */
#include "config.h"

#include "admin_client.h"

#include "admin/call.h"
#include "base/buffer.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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
    assert_answer(w, GET("/v1/geo?limit=1&cursor=country.mmdb"), OK, "\"state\": \"stale\"");
    assert_answer(w, GET("/v1/overrides"), OK, "\"items\": []");
    assert_answer(w, GET("/v1/explain?name=www.example.com&client=192.0.2.1"), OK, "found a zone");
    assert_answer(w, GET("/metrics"), OK, "text/plain; version=0.0.4");
    assert_answer(w, GET("/v1/nothing"), "HTTP/1.1 404 ", PROBLEM("not-found"));
    assert_answer(w, GET("/v1/azs/nowhere"), "HTTP/1.1 404 ", PROBLEM("not-found"));
}

/* ---- methods, paths, parameters, bodies ---- */

#define SEND(method, path, type, length, body)                                                               \
    method " " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " type                       \
           "\r\nContent-Length: " length "\r\n\r\n" body

static void requests_are_checked(void **state)
{
    struct world *w = *state;
    assert_answer(w, "DELETE /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 ",
                  "Allow: GET, HEAD");
    assert_answer(w, "PATCH /v1/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 ",
                  "Allow: POST");
    assert_answer(w, GET("/v1/names?limit=0&colour=red&limit=2"), "HTTP/1.1 422 ", "\"field\": \"colour\"");
    assert_answer(w, GET("/v1/names?limit=1001"), "HTTP/1.1 422 ", "\"field\": \"limit\"");
    assert_answer(w, GET("/v1/names?cursor=nothing"), "HTTP/1.1 422 ", "\"field\": \"cursor\"");
    assert_answer(w, GET("/v1/endpoints?region=nowhere"), "HTTP/1.1 422 ", "\"field\": \"region\"");
    assert_answer(w, GET("/v1/endpoints?effective=well"), "HTTP/1.1 422 ", "\"field\": \"effective\"");
    assert_answer(w, GET("/v1/explain"), "HTTP/1.1 422 ", "\"field\": \"name\"");
    assert_answer(w, GET("/v1/explain?name=x&type=BOGUS&client=nobody"), "HTTP/1.1 422 ",
                  "\"field\": \"client\"");
    assert_answer(w, GET("/v1/endpoints/a%0"), "HTTP/1.1 400 ", PROBLEM("bad-request"));
    assert_answer(w, GET("/v1/endpoints/a%00b"), "HTTP/1.1 400 ", PROBLEM("bad-request"));
    assert_answer(w, SEND("POST", "/v1/reload", "text/plain", "2", "{}"), "HTTP/1.1 415 ",
                  PROBLEM("unsupported-media-type"));
    assert_answer(w, SEND("PUT", "/v1/azs/us-east-1a/override", "application/json", "12", "{\n  \"state\":"),
                  "HTTP/1.1 400 ", "line 2, column");
    assert_answer(w,
                  SEND("PUT", "/v1/azs/us-east-1a/override", "application/json", "29",
                       "{\"state\":\"off\",\"hue\":1,\"a\":2}"),
                  "HTTP/1.1 422 ", "\"field\": \"hue\"");
    assert_answer(w,
                  SEND("PUT", "/v1/azs/nowhere/override", "application/json", "16", "{\"state\":\"auto\"}"),
                  "HTTP/1.1 404 ", PROBLEM("not-found"));
    assert_answer(w, SEND("GET", "/v1/status", "application/json", "2", "{}"), "HTTP/1.1 400 ",
                  "expected none");
    assert_answer(w,
                  SEND("POST", "/v1/drills", "application/json; charset=utf-8", "38",
                       "{\"mode\":\"simulate\",\"lose\":[\"az:none\"]}"),
                  "HTTP/1.1 422 ", "found \\\"az:none\\\"");
    assert_int_equal(w->fake.puts, 0);
    assert_int_equal(w->fake.reloads, 0);
}

static void head_has_no_body(void **state)
{
    struct world *w = *state;
    struct buffer heard;
    static const char head[] = "HEAD /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    ask_bytes(w, head, sizeof head - 1, &heard);
    assert_memory_equal(heard.bytes, OK, strlen(OK));
    assert_non_null(strstr(heard.bytes, "Content-Length: "));
    assert_null(strstr(heard.bytes, "Content-Length: 0\r"));
    assert_string_equal(strstr(heard.bytes, "\r\n\r\n"), "\r\n\r\n");
    buffer_fini(&heard);
}

static void overrides_change_and_say_who(void **state)
{
    struct world *w = *state;
    char actor[64];
    assert_answer(w,
                  SEND("PUT", "/v1/endpoints/web-1/override?dry_run=true", "application/json", "33",
                       "{\"state\":\"drain\",\"reason\":\"test\"}"),
                  OK, "\"dry_run\": true");
    assert_int_equal(w->fake.puts, 0);
    assert_answer(w,
                  SEND("PUT", "/v1/endpoints/web-1/override", "application/json", "33",
                       "{\"state\":\"drain\",\"reason\":\"test\"}"),
                  OK, "\"desired\": \"drain\"");
    assert_int_equal(w->fake.puts, 1);
    snprintf(actor, sizeof actor, "uid:%u", (unsigned)getuid());
    assert_memory_equal(w->fake.overrides[HEALTH_ENDPOINT][0].actor, actor, strlen(actor));
    assert_answer(w, GET("/v1/overrides"), OK, "\"kind\": \"endpoint\"");
    assert_answer(
        w, "DELETE /v1/endpoints/web-1/override?actor=bob HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        OK, "\"override\": null");
    assert_string_equal(w->fake.overrides[HEALTH_ENDPOINT][0].actor, "bob");
    size_t puts = w->fake.puts;
    assert_answer(w,
                  SEND("PUT", "/v1/regions/eu-west/override", "application/json", "33",
                       "{\"state\":\"drain\",\"reason\":\"test\"}"),
                  "HTTP/1.1 409", "urn:steerd:problem:unserved");
    assert_answer(w, "DELETE /v1/regions/eu-west/override HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  "HTTP/1.1 409", "\"total\": 2");
    assert_int_equal(w->fake.puts, puts);
    assert_answer(w,
                  SEND("PUT", "/v1/regions/eu-west/override", "application/json", "55",
                       "{\"state\":\"drain\",\"reason\":\"test\",\"allow_unserved\":true}"),
                  OK, "\"desired\": \"drain\"");
    assert_answer(w,
                  "DELETE /v1/regions/eu-west/override?allow_unserved=true HTTP/1.1\r\nHost: x\r\n"
                  "Connection: close\r\n\r\n",
                  OK, "\"override\": null");
    assert_int_equal(w->fake.puts, puts + 2);
    assert_memory_equal(w->fake.overrides[HEALTH_ENDPOINT][0].peer, actor, strlen(actor)); /* he may say so */
    static const char *const odd[] = {"%FF", "a%C2%9Bb", "a%C0%80", "%ED%A0%80", "%E2%80%A8"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char request[160];
        snprintf(
            request, sizeof request,
            "DELETE /v1/endpoints/web-1/override?actor=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            odd[i]);
        assert_answer(w, request, "HTTP/1.1 422", "\"actor\"");
    }
    assert_answer(w, GET("/v1/overrides"), OK, "\"items\": []");
}

/* Wherever a page ends the next one goes on, also behind a target whose override has ended meanwhile. */
static void overrides_come_in_pages(void **state)
{
    struct world *w = *state;
    struct fake *fake = &w->fake;
    fake->targets[HEALTH_REGION][1].override = &fake->overrides[HEALTH_REGION][1];
    fake->targets[HEALTH_ENDPOINT][0].override = &fake->overrides[HEALTH_ENDPOINT][0];
    fake->targets[HEALTH_ENDPOINT][2].override = &fake->overrides[HEALTH_ENDPOINT][2];
    fake->dormant = (struct health_dormant){.kind = HEALTH_AZ, .name = "gone"};
    assert_answer(w, GET("/v1/overrides?limit=1"), OK, "\"next_cursor\": \"region:eu-west\"");
    assert_answer(w, GET("/v1/overrides?limit=1&cursor=region:eu-west"), OK,
                  "\"next_cursor\": \"endpoint:web-1\"");
    assert_answer(w, GET("/v1/overrides?limit=1&cursor=endpoint:web-1"), OK,
                  "\"next_cursor\": \"endpoint:web-3\"");
    assert_answer(w, GET("/v1/overrides?limit=1&cursor=endpoint:web-2"), OK,
                  "\"next_cursor\": \"endpoint:web-3\"");
    assert_answer(w, GET("/v1/overrides?limit=1&cursor=endpoint:web-3"), OK, "\"name\": \"gone\"");
    assert_answer(w, GET("/v1/overrides?limit=1&cursor=endpoint:web-3"), OK, "\"next_cursor\": null");
    assert_answer(w, GET("/v1/overrides?limit=1&cursor=az:gone"), OK, "\"items\": []");
    static const char *const unknown[] = {"az:never", "gone", "zone:gone",
                                          ":",        "az:",  "averylongwordindeed:x"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        char request[160];
        snprintf(request, sizeof request,
                 "GET /v1/overrides?cursor=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", unknown[i]);
        assert_answer(w, request, "HTTP/1.1 422", "expected the next_cursor");
    }
}

/* ---- what is not HTTP, or not quite ---- */

static void odd_headers_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const odd[] = {
        "GET /v1/status HTTP/1.1\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: x\r\nX : space\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: x\r\nX: a\001b\r\n\r\n",
        "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_answer(w, odd[i], "HTTP/1.1 400 ", PROBLEM("bad-request"));
    }
    /* evhttp refuses this one by itself, in its own words */
    assert_answer(
        w,
        "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 400 ", "");
    static const char nul[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n";
    struct buffer heard;
    ask_bytes(w, nul, sizeof nul - 1, &heard);
    assert_memory_equal(heard.bytes, "HTTP/1.1 400 ", 13);
    buffer_fini(&heard);
    assert_int_equal(w->fake.reloads, 0);
}

/* Whatever comes: an error or a closed connection, and the server lives on. */
static void garbage_is_survived(void **state)
{
    struct world *w = *state;
    static const char *const garbage[] = {
        "\r\n\r\n\r\n",
        "\n",
        "GET\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct buffer heard;
        buffer_init(&heard);
        int fd = dial(w);
        say(w, fd, garbage[i], strlen(garbage[i]));
        shutdown(fd, SHUT_WR);
        assert_true(hear(w, fd, &heard, NULL));
        close(fd);
        if (heard.len != 0 && strncmp(heard.bytes, "HTTP/1.", 7) == 0) {
            assert_true(heard.bytes[9] == '4' || heard.bytes[9] == '5');
        }
        buffer_fini(&heard);
    }
    assert_int_equal(w->fake.reloads, 0);
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

static void oversize_is_refused(void **state)
{
    struct world *w = *state;
    struct buffer request, heard;
    buffer_init(&request);
    buffer_add_text(&request, "GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ");
    for (int i = 0; i < 200000; i++) {
        buffer_add_text(&request, "x");
    }
    buffer_add_text(&request, "\r\n\r\n");
    ask_bytes(w, request.bytes, request.len, &heard);
    assert_null(strstr(heard.bytes, "HTTP/1.1 200"));
    buffer_fini(&heard);
    buffer_fini(&request);
    buffer_add_text(&request, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              "Content-Length: 1048577\r\n\r\n");
    for (int i = 0; i < 1048577; i++) {
        buffer_add_text(&request, " ");
    }
    ask_bytes(w, request.bytes, request.len, &heard);
    assert_memory_equal(heard.bytes, "HTTP/1.1 413 ", 13);
    assert_non_null(strstr(heard.bytes, "\r\nContent-Type: application/problem+json\r\n"));
    assert_non_null(strstr(heard.bytes, PROBLEM("too-large")));
    assert_non_null(strstr(heard.bytes, "\"status\": 413"));
    assert_int_equal(w->fake.reloads, 0);
    buffer_fini(&heard);
    buffer_fini(&request);
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

/* In pieces; as chunks, of more than a manifest may have; more than anybody reads. */
static void overlong_bodies_get_their_answer(void **state)
{
    struct world *w = *state;
    static const char head[] = "PUT /v1/regions/us-east/override HTTP/1.1\r\nHost: x\r\n"
                               "Content-Type: application/json\r\n";
    static const char *const ways[] = {"Content-Length: 8388608\r\n\r\n",
                                       "Content-Length: 1099511627776\r\n\r\n",
                                       "Expect: 100-continue\r\nContent-Length: 8388608\r\n\r\n",
                                       "Transfer-Encoding: chunked\r\n\r\n3800000\r\n"};
    static const int pieces[] = {128, 1030, 128,
                                 896}; /* of 64 KiB: within the 10 seconds, on slow machines too */
    char *body = malloc(65536);
    memset(body, ' ', 65536);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct buffer heard;
        int fd = dial(w);
        bool open = say(w, fd, head, sizeof head - 1) && say(w, fd, ways[way], strlen(ways[way]));
        for (int i = 0; open && i < pieces[way]; i++) {
            open = say(w, fd, body, 65536);
        }
        buffer_init(&heard);
        assert_true(hear(w, fd, &heard, NULL));
        buffer_add_text(&heard, "");
        assert_true(open);
        assert_non_null(strstr(heard.bytes, "HTTP/1.1 413 "));
        assert_non_null(strstr(heard.bytes, PROBLEM("too-large")));
        buffer_fini(&heard);
        close(fd);
    }
    free(body);
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

/* ---- many, slow, pipelined ---- */

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct world *w = *state;
    static const char two[] =
        "GET /v1/regions/us-east HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/regions/nowhere HTTP/1.1\r\nHost: "
        "x\r\n\r\nGET /v1/regions/eu-west HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct buffer heard;
    ask_bytes(w, two, sizeof two - 1, &heard);
    const char *first = strstr(heard.bytes, "\"name\": \"us-east\""),
               *second = strstr(heard.bytes, "HTTP/1.1 404");
    const char *third = strstr(heard.bytes, "\"name\": \"eu-west\"");
    assert_non_null(first);
    assert_true(first < second);
    assert_true(second < third);
    buffer_fini(&heard);
}

/* ---- reload ---- */

#define RELOAD "POST /v1/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static int start_reload(struct world *w)
{
    int fd = dial(w);
    assert_true(say(w, fd, RELOAD, strlen(RELOAD)));
    for (int i = 0; i < 1000 && w->fake.done == NULL; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    assert_non_null(w->fake.done);
    return fd;
}

static void reload_is_answered_later(void **state)
{
    struct world *w = *state;
    struct buffer heard;
    int fd = start_reload(w);
    assert_answer(w, RELOAD, "HTTP/1.1 409 ", PROBLEM("reload-running"));
    struct report *report = report_new();
    report_add(report, REPORT_ERROR,
               &(struct report_place){.file = "z.json", .line = 3, .column = 9, .path = "$.a"}, "found 1");
    report_add(report, REPORT_WARNING, NULL, "odd");
    fake_reload_ends(&w->fake, &(struct admin_reload_result){.error = 0, .generation = 8, .report = report});
    buffer_init(&heard);
    assert_true(hear(w, fd, &heard, NULL));
    close(fd);
    assert_memory_equal(heard.bytes, OK, strlen(OK));
    assert_non_null(strstr(heard.bytes, "\"generation\": 8"));
    assert_non_null(strstr(heard.bytes, "\"path\": \"$.a\""));
    assert_non_null(strstr(heard.bytes, "\"message\": \"odd\""));
    buffer_fini(&heard);
    fd = start_reload(w);
    fake_reload_ends(
        &w->fake, &(struct admin_reload_result){.error = ERROR_INVALID, .generation = 8, .report = report});
    assert_true(hear(w, fd, &heard, NULL));
    close(fd);
    assert_memory_equal(heard.bytes, "HTTP/1.1 422 ", 13);
    assert_non_null(strstr(heard.bytes, PROBLEM("reload-failed")));
    assert_non_null(strstr(heard.bytes, "\"column\": 9"));
    buffer_fini(&heard);
    report_free(report);
}

#define TAKEOVER "POST /v1/takeover HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static int start_takeover(struct world *w)
{
    int fd = dial(w);
    assert_true(say(w, fd, TAKEOVER, strlen(TAKEOVER)));
    for (int i = 0; i < 1000 && w->fake.taken == NULL; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    assert_non_null(w->fake.taken);
    return fd;
}

static void takeover_says_what_became_of_it(void **state)
{
    struct world *w = *state;
    struct buffer heard;
    struct report *report = report_new();
    report_add(report, REPORT_ERROR, &(struct report_place){.file = "s.json", .line = 3}, "found 1");
    int fd = start_takeover(w);
    assert_answer(w, TAKEOVER, "HTTP/1.1 409 ", PROBLEM("takeover-running"));
    buffer_init(&heard);
    fake_takeover_ends(&w->fake, &(struct admin_takeover_result){
                                     .error = ERROR_INVALID, .why = "it is ill", .report = report});
    assert_true(hear(w, fd, &heard, NULL));
    close(fd);
    assert_memory_equal(heard.bytes, "HTTP/1.1 422 ", 13);
    assert_non_null(strstr(heard.bytes, PROBLEM("takeover-failed")));
    assert_non_null(strstr(heard.bytes, "it is ill"));
    assert_non_null(strstr(heard.bytes, "\"line\": 3"));
    buffer_fini(&heard);
    fd = start_takeover(w);
    fake_takeover_ends(&w->fake, &(struct admin_takeover_result){
                                     .pid = 4711, .version = "2", .duration_ms = 12, .overrides = 3});
    assert_true(hear(w, fd, &heard, NULL));
    close(fd);
    assert_memory_equal(heard.bytes, OK, strlen(OK));
    assert_non_null(strstr(heard.bytes, "\"pid\": 4711"));
    assert_non_null(strstr(heard.bytes, "\"overrides\": 3"));
    buffer_fini(&heard);
    report_free(report);
}

/* Whether anything is heard within some turns. */
static bool is_heard(struct world *w, int fd)
{
    char octet;
    for (int i = 0; i < 100; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) != -1;
}

/* One server gives the socket to another one: who asks in between is answered by that. */
static void requests_wait_for_the_next_server(void **state)
{
    struct world *w = *state;
    const char *ask = GET("/v1/status");
    struct admin *next;
    struct buffer heard;
    struct admin_verbs verbs = fake_verbs(&w->fake);
    int before = dial(w); /* is there, and has not asked */
    assert_false(is_heard(w, before));
    admin_pause(w->admin);
    int within = dial(w);
    assert_int_equal(send(before, ask, strlen(ask), 0), strlen(ask));
    assert_int_equal(send(within, ask, strlen(ask), 0), strlen(ask));
    assert_false(is_heard(w, before));
    assert_false(is_heard(w, within));
    admin_resume(w->admin); /* it was not to be */
    buffer_init(&heard);
    assert_true(hear(w, within, &heard, NULL));
    assert_true(hear(w, before, &heard, NULL));
    buffer_fini(&heard);
    close(before);
    close(within);

    admin_pause(w->admin);
    within = dial(w);
    assert_int_equal(send(within, ask, strlen(ask), 0), strlen(ask));
    int fd = dup(admin_get_socket(w->admin));
    assert_int_equal(admin_adopt(w->base, fd, "/nonexistent/s", 0600, &verbs, &next), ERROR_NOT_FOUND);
    assert_int_equal(admin_adopt(w->base, fd, w->path, 0600, &verbs, &next), 0);
    admin_disown(next); /* it ends, and was not to be */
    admin_close(next);
    assert_int_equal(access(w->path, F_OK), 0);
    fd = dup(admin_get_socket(w->admin));
    assert_int_equal(admin_adopt(w->base, fd, w->path, 0600, &verbs, &next), 0);
    admin_leave(w->admin, true);
    assert_false(is_heard(w, within));
    admin_resume(next);
    assert_true(hear(w, within, &heard, NULL));
    assert_memory_equal(heard.bytes, OK, strlen(OK));
    buffer_fini(&heard);
    close(within);
    assert_true(admin_is_idle(w->admin));
    admin_close(w->admin);
    w->admin = next;
    assert_answer(w, ask, OK, "generation");
}

static void reload_outlives_its_client(void **state)
{
    struct world *w = *state;
    int fd = start_reload(w);
    close(fd);
    for (int i = 0; i < 100; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    fake_reload_ends(&w->fake, &(struct admin_reload_result){.error = 0, .generation = 8});
    for (int i = 0; i < 100; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

static void reload_outlives_the_server(void **state)
{
    struct world *w = *state;
    int fd = start_reload(w);
    admin_close(w->admin);
    w->admin = NULL;
    fake_reload_ends(&w->fake, &(struct admin_reload_result){.error = 0, .generation = 8});
    close(fd);
}

/* ---- the socket ---- */

static void socket_has_its_mode(void **state)
{
    struct world *w = *state;
    struct stat file;
    struct admin *other;
    struct admin_verbs verbs = fake_verbs(&w->fake);
    assert_int_equal(stat(w->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    admin_close(w->admin);
    assert_int_equal(stat(w->path, &file), -1);
    mode_t mask = umask(077);
    assert_int_equal(admin_open(w->base, w->path, 0660, &verbs, w->report, &w->admin), 0);
    umask(mask);
    assert_int_equal(stat(w->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0660);
    assert_int_equal(admin_open(w->base, w->path, 0660, &verbs, w->report, &other), ERROR_CONFLICT);
    assert_int_equal(report_errors(w->report), 1);
    assert_answer(w, GET("/v1/status"), OK, "generation"); /* the refusal did no harm */
}

/* Nobody can connect to a socket without a file: it is made anew, with its mode. */
static void deleted_sockets_are_made_anew(void **state)
{
    struct world *w = *state;
    struct stat file;
    int before = dial(w);
    assert_int_equal(unlink(w->path), 0);
    for (int i = 0; i < 500 && lstat(w->path, &file) == -1; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        usleep(10000);
    }
    assert_int_equal(lstat(w->path, &file), 0);
    assert_int_equal(file.st_mode, S_IFSOCK | 0600);
    assert_answer(w, GET("/v1/status"), OK, "generation");
    struct buffer heard;
    buffer_init(&heard);
    say(w, before, GET("/v1/status"), strlen(GET("/v1/status")));
    assert_true(hear(w, before, &heard, NULL));
    assert_memory_equal(heard.bytes, OK, strlen(OK));
    buffer_fini(&heard);
    close(before);
}

static void abandoned_sockets_are_replaced(void **state)
{
    struct world *w = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct admin_verbs verbs = fake_verbs(&w->fake);
    admin_close(w->admin);
    w->admin = NULL;
    snprintf(at.sun_path, sizeof at.sun_path, "%s", w->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    assert_int_equal(admin_open(w->base, w->path, 0600, &verbs, w->report, &w->admin), 0);
    assert_answer(w, GET("/v1/status"), OK, "generation");
    admin_close(w->admin);
    w->admin = NULL;
    fd = open(w->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* not a socket: not ours to remove */
    close(fd);
    assert_int_equal(admin_open(w->base, w->path, 0600, &verbs, w->report, &w->admin), ERROR_CONFLICT);
    assert_int_equal(unlink(w->path), 0);
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(admin_open(w->base, path, 0600, &verbs, w->report, &w->admin), ERROR_INVALID);
    assert_int_equal(admin_open(w->base, "/nonexistent/folder/x.sock", 0600, &verbs, w->report, &w->admin),
                     -ENOENT);
    assert_int_equal(report_errors(w->report), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
    const struct CMUnitTest tests[] = {
        TEST(every_resource_answers),
        TEST(requests_are_checked),
        TEST(head_has_no_body),
        TEST(overrides_change_and_say_who),
        TEST(overrides_come_in_pages),
        TEST(odd_headers_are_refused),
        TEST(garbage_is_survived),
        TEST(oversize_is_refused),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(overlong_bodies_get_their_answer),
        TEST(reload_is_answered_later),
        TEST(takeover_says_what_became_of_it),
        TEST(requests_wait_for_the_next_server),
        TEST(reload_outlives_its_client),
        TEST(reload_outlives_the_server),
        TEST(socket_has_its_mode),
        TEST(deleted_sockets_are_made_anew),
        TEST(abandoned_sockets_are_replaced),
    };
    return cmocka_run_group_tests_name("admin_http", tests, NULL, NULL);
}
