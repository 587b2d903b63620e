/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any octets as what a client of the admin socket sends, evhttp included: the first octet says in pieces of
 * which size, the rest is sent. Client and server share one event loop and one thread. Whatever comes back is
 * HTTP, and a client that said that it has no more to say is not kept waiting. */
#include "config.h"

#include "admin/admin.h"
#include "tests/unit/admin_fake.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEARD = 4096, TURNS = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* One server for all inputs: at file scope for atexit. */
static struct {
    char folder[32];
    struct sockaddr_un at;
    struct event_base *base;
    struct report *report;
    struct fake fake;
    struct admin *admin;
} world;

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_admin_http: %s\n", what);
        abort();
    }
}

static void close_world(void)
{
    admin_close(world.admin);
    event_base_loop(world.base, EVLOOP_NONBLOCK);
    event_base_free(world.base);
    report_free(world.report);
    rmdir(world.folder);
}

static void open_world(void)
{
    signal(SIGPIPE, SIG_IGN);
    snprintf(world.folder, sizeof world.folder, "/tmp/steerd-fuzz-XXXXXX");
    expect(mkdtemp(world.folder) != NULL, "no folder");
    world.at.sun_family = AF_UNIX;
    snprintf(world.at.sun_path, sizeof world.at.sun_path, "%s/s", world.folder);
    world.base = event_base_new();
    world.report = report_new();
    fake_init(&world.fake);
    struct admin_verbs verbs = fake_verbs(&world.fake);
    expect(admin_open(world.base, world.at.sun_path, 0600, &verbs, world.report, &world.admin) == 0,
           "no socket");
    atexit(close_world);
}

static void turn(void)
{
    event_base_loop(world.base, EVLOOP_NONBLOCK);
    if (world.fake.taken != NULL) {
        fake_takeover_ends(&world.fake, &(struct admin_takeover_result){
                                            .error = -1, .why = "it ended", .report = world.report});
    }
    if (world.fake.done != NULL) {
        fake_reload_ends(&world.fake, &(struct admin_reload_result){.generation = 8, .report = world.report});
    }
}

/* What is there of the answers; the first octets of all are kept. Returns false at the end of the stream. */
static bool hear(int fd, char heard[HEARD], size_t *heard_len)
{
    char waste[HEARD];
    ssize_t n = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
    if (n > 0) {
        size_t room = HEARD - *heard_len, taken = (size_t)n < room ? (size_t)n : room;
        memcpy(heard + *heard_len, waste, taken);
        *heard_len += taken;
    }
    return n > 0 || (n == -1 && errno == EAGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char heard[HEARD];
    size_t heard_len = 0, piece = len == 0 ? 1 : bytes[0] < 128 ? bytes[0] + 1u : bytes[0] * 61u;
    if (world.base == NULL) {
        open_world();
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    expect(connect(fd, (const struct sockaddr *)&world.at, sizeof world.at) == 0, "cannot connect");
    bool open = true;
    for (size_t at = 1; at < len && open;) {
        size_t size = len - at < piece ? len - at : piece;
        ssize_t sent = send(fd, bytes + at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        open = sent > 0 || errno == EAGAIN;
        at += sent > 0 ? (size_t)sent : 0;
        turn();
        open = open && hear(fd, heard, &heard_len);
    }
    (void)shutdown(fd, SHUT_WR);
    for (unsigned turns = 0; open && turns < TURNS; turns++) {
        turn();
        open = hear(fd, heard, &heard_len);
    }
    expect(!open, "a client that sends no more is kept waiting");
    expect(heard_len < 5 || memcmp(heard, "HTTP/", 5) == 0, "an answer that is not HTTP");
    close(fd);
    turn();
    return 0;
}
