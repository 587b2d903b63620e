/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of lines over TLS, both sides in one process over a pair of sockets: who is who, lines cut anywhere,
 * what is too long, what nobody takes, and ends. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "fleet/line.h"
#include "fleet/message.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVER, CLIENT, SIDES };

struct world {
    struct tls_context *contexts[SIDES];
    uint8_t fingerprints[SIDES][TLS_FINGERPRINT_SIZE];
    int fds[SIDES];
    struct fleet_line *lines[SIDES];
};

static struct tls_text text_of(const char *pem)
{
    return (struct tls_text){pem, strlen(pem)};
}

static struct tls_context *make_context(enum tls_use use, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct tls_identity identity;
    assert_true(tls_identity_make("a host", &identity));
    struct tls_plan plan = {
        .use = use, .certificate = text_of(identity.certificate), .key = text_of(identity.key)};
    assert_true(tls_fingerprint_read(&plan.certificate, fingerprint));
    struct tls_context *context = tls_context_new(&plan, &part, why);
    assert_non_null(context);
    tls_identity_fini(&identity);
    return context;
}

static void open_world(struct world *w)
{
    *w = (struct world){.fds = {-1, -1}};
    w->contexts[SERVER] = make_context(TLS_USE_PINNED_SERVER, w->fingerprints[SERVER]);
    w->contexts[CLIENT] = make_context(TLS_USE_PINNED_CLIENT, w->fingerprints[CLIENT]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, w->fds), 0);
    for (int i = 0; i < SIDES; i++) {
        w->lines[i] = fleet_line_open(w->contexts[i], w->fds[i]);
        assert_non_null(w->lines[i]);
    }
}

static void close_world(struct world *w)
{
    for (int i = 0; i < SIDES; i++) {
        fleet_line_free(w->lines[i]);
        tls_context_drop(w->contexts[i]);
        if (w->fds[i] != -1) {
            close(w->fds[i]);
        }
    }
}

static void shake(struct world *w)
{
    enum { ROUNDS = 20 };
    enum fleet_state states[SIDES] = {FLEET_AGAIN, FLEET_AGAIN};
    for (int i = 0; i < ROUNDS && (states[SERVER] == FLEET_AGAIN || states[CLIENT] == FLEET_AGAIN); i++) {
        states[CLIENT] = fleet_line_shake(w->lines[CLIENT]);
        states[SERVER] = fleet_line_shake(w->lines[SERVER]);
    }
    assert_int_equal(states[SERVER], FLEET_READY);
    assert_int_equal(states[CLIENT], FLEET_READY);
}

static void say(struct world *w, int side, const char *text)
{
    assert_true(fleet_line_say(w->lines[side], text, strlen(text)));
    (void)fleet_line_flush(w->lines[side]);
}

static void hear(struct world *w, int side, const char *expected)
{
    const char *text;
    size_t len;
    assert_int_equal(fleet_line_next(w->lines[side], &text, &len), FLEET_READY);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
}

static enum fleet_state next(struct world *w, int side)
{
    const char *text;
    size_t len;
    return fleet_line_next(w->lines[side], &text, &len);
}

static void both_know_who_the_other_one_is(void **state)
{
    (void)state;
    struct world w;
    uint8_t seen[TLS_FINGERPRINT_SIZE];
    open_world(&w);
    shake(&w);
    fleet_line_get_fingerprint(w.lines[SERVER], seen);
    assert_memory_equal(seen, w.fingerprints[CLIENT], sizeof seen);
    fleet_line_get_fingerprint(w.lines[CLIENT], seen);
    assert_memory_equal(seen, w.fingerprints[SERVER], sizeof seen);
    assert_memory_not_equal(w.fingerprints[SERVER], w.fingerprints[CLIENT], sizeof seen);
    close_world(&w);
}

static void who_shows_no_certificate_is_refused(void **state)
{
    (void)state;
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct world w;
    open_world(&w);
    struct tls_context *bare = tls_context_new(&(struct tls_plan){.use = TLS_USE_PINNED_CLIENT}, &part, why);
    fleet_line_free(w.lines[CLIENT]);
    w.lines[CLIENT] = fleet_line_open(bare, w.fds[CLIENT]);
    for (int i = 0; i < 5; i++) {
        (void)fleet_line_shake(w.lines[CLIENT]);
        (void)fleet_line_shake(w.lines[SERVER]);
    }
    assert_int_equal(fleet_line_shake(w.lines[SERVER]), FLEET_ENDED);
    assert_int_equal(next(&w, CLIENT), FLEET_ENDED);
    assert_string_equal(fleet_line_why(w.lines[CLIENT]), "the other side has refused by a TLS alert");
    tls_context_drop(bare);
    close_world(&w);
}

static void lines_come_as_they_were_said(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    shake(&w);
    assert_int_equal(next(&w, SERVER), FLEET_AGAIN);
    say(&w, CLIENT, "one\ntwo\n\nthr");
    hear(&w, SERVER, "one");
    hear(&w, SERVER, "two");
    hear(&w, SERVER, "");
    assert_int_equal(next(&w, SERVER), FLEET_AGAIN);
    say(&w, CLIENT, "ee\n");
    hear(&w, SERVER, "three");
    say(&w, SERVER, "back\n");
    hear(&w, CLIENT, "back");
    close_world(&w);
}

static void a_long_line_comes_and_a_longer_one_ends_it(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    shake(&w);
    char *text = memory_alloc(FLEET_LINE_MAX + 2);
    memset(text, 'x', FLEET_LINE_MAX + 1);
    text[FLEET_LINE_MAX - 1] = '\n';
    assert_true(fleet_line_say(w.lines[CLIENT], text, FLEET_LINE_MAX));
    const char *heard;
    size_t len = 0;
    enum fleet_state is = FLEET_AGAIN;
    while (is == FLEET_AGAIN) {
        (void)fleet_line_flush(w.lines[CLIENT]);
        is = fleet_line_next(w.lines[SERVER], &heard, &len);
    }
    assert_int_equal(is, FLEET_READY);
    assert_int_equal(len, FLEET_LINE_MAX - 1);
    text[FLEET_LINE_MAX - 1] = 'x';
    text[FLEET_LINE_MAX] = '\n';
    assert_true(fleet_line_say(w.lines[CLIENT], text, FLEET_LINE_MAX + 1));
    for (is = FLEET_AGAIN; is == FLEET_AGAIN;) {
        (void)fleet_line_flush(w.lines[CLIENT]);
        is = fleet_line_next(w.lines[SERVER], &heard, &len);
    }
    assert_int_equal(is, FLEET_ENDED);
    assert_string_equal(fleet_line_why(w.lines[SERVER]), "a line is too long");
    free(text);
    close_world(&w);
}

/* Who takes nothing costs FLEET_OUT_MAX. */
static void what_waits_is_bounded(void **state)
{
    (void)state;
    enum { MANY = 4 * FLEET_OUT_MAX };
    static char text[10000];
    struct world w;
    open_world(&w);
    shake(&w);
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\n';
    size_t said = 0;
    while (said < MANY && fleet_line_say(w.lines[SERVER], text, sizeof text)) {
        said += sizeof text;
        (void)fleet_line_flush(w.lines[SERVER]);
    }
    assert_true(said < MANY);
    assert_true(fleet_line_waiting(w.lines[SERVER]) <= FLEET_OUT_MAX);
    assert_true((fleet_line_wants(w.lines[SERVER]) & FLEET_WANTS_WRITE) != 0);
    for (size_t heard = 0; heard < said;) { /* and nothing of it is lost */
        enum fleet_state is = next(&w, CLIENT);
        assert_int_not_equal(is, FLEET_ENDED);
        heard += is == FLEET_READY ? sizeof text : 0;
        (void)fleet_line_flush(w.lines[SERVER]);
    }
    assert_int_equal(fleet_line_waiting(w.lines[SERVER]), 0);
    assert_true((fleet_line_wants(w.lines[SERVER]) & FLEET_WANTS_WRITE) == 0);
    close_world(&w);
}

static void ends_are_told(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    shake(&w);
    say(&w, CLIENT, "last\nhal");
    fleet_line_finish(w.lines[CLIENT]);
    close(w.fds[CLIENT]);
    w.fds[CLIENT] = -1;
    hear(&w, SERVER, "last");
    assert_int_equal(next(&w, SERVER), FLEET_ENDED);
    assert_string_equal(fleet_line_why(w.lines[SERVER]), "the other side has closed");
    assert_false(fleet_line_say(w.lines[SERVER], "x\n", 2));
    close_world(&w);
}

static void what_is_no_tls_is_told(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    assert_int_equal(write(w.fds[CLIENT], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    assert_int_equal(fleet_line_shake(w.lines[SERVER]), FLEET_ENDED);
    assert_string_equal(fleet_line_why(w.lines[SERVER]), "what came is no TLS 1.3, or broken");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_know_who_the_other_one_is),
        cmocka_unit_test(who_shows_no_certificate_is_refused),
        cmocka_unit_test(lines_come_as_they_were_said),
        cmocka_unit_test(a_long_line_comes_and_a_longer_one_ends_it),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(ends_are_told),
        cmocka_unit_test(what_is_no_tls_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
