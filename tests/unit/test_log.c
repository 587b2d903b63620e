/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The queue between those who log and the thread that writes: nobody waits, nothing is lost without being
 * counted, whatever the reader at the other end does. */
#include "config.h"

#include "base/log.h"
#include "base/log_record.h"
#include "base/memory.h"
#include "base/ring.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the ring ---- */

static void test_ring_order_and_bounds(void **state)
{
    (void)state;
    struct ring *ring = ring_new(256);
    assert_null(ring_peek(ring));
    assert_null(ring_claim(ring, 256)); /* larger than the ring with its head */
    for (unsigned round = 0, next = 0, expected = 0; round < 1000; round++) {
        size_t len = round % 61;
        unsigned char *room;
        while ((room = ring_claim(ring, len + sizeof next)) != NULL) {
            memcpy(room, &next, sizeof next);
            memset(room + sizeof next, 0xee, len);
            ring_commit(ring, room, len + sizeof next);
            next++;
        }
        assert_true(next > expected); /* as soon as it is empty there is room */
        const void *got;
        for (; (got = ring_peek(ring)) != NULL; expected++) {
            assert_memory_equal(got, &expected, sizeof expected);
            ring_remove(ring);
        }
        assert_int_equal(expected, next);
    }
    ring_free(ring);
}

static void test_ring_waits_for_what_is_not_committed(void **state)
{
    (void)state;
    struct ring *ring = ring_new(256);
    char *first = ring_claim(ring, 1), *second = ring_claim(ring, 1);
    *first = 'a';
    *second = 'b';
    ring_commit(ring, second, 1);
    assert_null(ring_peek(ring));
    ring_commit(ring, first, 1);
    assert_int_equal(*(const char *)ring_peek(ring), 'a');
    ring_remove(ring);
    assert_int_equal(*(const char *)ring_peek(ring), 'b');
    ring_free(ring);
}

enum { WRITERS = 4, ITEMS = 20000 };

struct crowd {
    struct ring *ring;
    _Atomic unsigned begun, ended;
    _Atomic uint64_t refused;
};

struct item {
    uint32_t writer, number, len;
};

static void *fill(void *argument)
{
    struct crowd *crowd = argument;
    uint32_t writer = atomic_fetch_add(&crowd->begun, 1);
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item item = {writer, i, sizeof item + i % 50};
        unsigned char *room = ring_claim(crowd->ring, item.len);
        if (room == NULL) {
            atomic_fetch_add(&crowd->refused, 1);
            continue;
        }
        memset(room, (int)writer, item.len);
        memcpy(room, &item, sizeof item);
        ring_commit(crowd->ring, room, item.len);
    }
    atomic_fetch_add(&crowd->ended, 1);
    return NULL;
}

static void test_ring_in_a_crowd(void **state)
{
    (void)state;
    struct crowd crowd = {.ring = ring_new(4096)};
    pthread_t threads[WRITERS];
    int64_t last[WRITERS] = {-1, -1, -1, -1};
    uint64_t got = 0;
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fill, &crowd), 0);
    }
    for (bool ended = false;;) {
        const unsigned char *room = ring_peek(crowd.ring);
        if (room == NULL && ended) {
            break;
        }
        ended = atomic_load(&crowd.ended) == WRITERS;
        if (room != NULL) {
            struct item item;
            memcpy(&item, room, sizeof item);
            assert_true(item.writer < WRITERS && (int64_t)item.number > last[item.writer]);
            assert_int_equal(item.len, sizeof item + item.number % 50);
            for (size_t i = sizeof item; i < item.len; i++) {
                assert_int_equal(room[i], item.writer);
            }
            last[item.writer] = item.number;
            got++;
            ring_remove(crowd.ring);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(got + atomic_load(&crowd.refused), WRITERS * ITEMS);
    ring_free(crowd.ring);
}

/* ---- stderr as a pipe ---- */

struct pipe {
    int read_fd, saved;
};

static struct pipe pipe_open(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct pipe made = {.read_fd = fds[0], .saved = dup(STDERR_FILENO)};
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    return made;
}

static void pipe_restore(struct pipe *made)
{
    dup2(made->saved, STDERR_FILENO);
    close(made->saved);
}

/* All that is left; the other end has to be closed. Owned. */
static char *pipe_read(struct pipe *made)
{
    size_t len = 0, size = 1 << 24;
    char *text = memory_alloc(size);
    for (ssize_t got; (got = read(made->read_fd, text + len, size - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    close(made->read_fd);
    return text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what)) {
        count++;
    }
    return count;
}

static void test_lines_are_written_in_order(void **state)
{
    (void)state;
    struct pipe made = pipe_open();
    log_info("before");
    assert_int_equal(log_start(NULL), 0);
    for (int i = 0; i < 100; i++) {
        log_info("during n=%d", i);
    }
    log_close(10000);
    log_info("after");
    pipe_restore(&made);
    char *text = pipe_read(&made);
    const char *at = strstr(text, "info before\n");
    assert_non_null(at);
    for (int i = 0; i < 100; i++) {
        char line[32];
        snprintf(line, sizeof line, "info during n=%d\n", i);
        at = strstr(at, line);
        assert_non_null(at);
    }
    assert_non_null(strstr(at, "info after\n"));
    free(text);
}

static void *read_all(void *made)
{
    return pipe_read(made);
}

/* Nobody reads: all that is logged returns, and the count of what was dropped is said when somebody does. */
static void test_a_full_pipe_holds_nobody_up(void **state)
{
    (void)state;
    enum { LINES = 50000 };
    static char padding[200];
    struct pipe made = pipe_open();
    struct log_stats before, after;
    memset(padding, 'x', sizeof padding - 1);
    log_get_stats(&before);
    assert_int_equal(log_start(NULL), 0);
    for (int i = 0; i < LINES; i++) {
        log_warning("flood n=%d padding=%s", i, padding);
    }
    log_get_stats(&after);
    uint64_t dropped = after.dropped[LOG_LEVEL_WARNING] - before.dropped[LOG_LEVEL_WARNING];
    assert_true(dropped > 0 && dropped < LINES);
    pthread_t reader; /* now somebody does */
    void *text;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &made), 0);
    log_close(10000);
    pipe_restore(&made);
    pthread_join(reader, &text);
    uint64_t told = 0;
    for (const char *at = text; (at = strstr(at, "warning log dropped lines=")) != NULL; at++) {
        told += strtoul(strchr(at, '=') + 1, NULL, 10);
    }
    assert_int_equal(told, dropped);
    assert_int_equal(count_of(text, " flood n="), LINES - dropped);
    free(text);
}

/* ---- the source ---- */

struct numbers {
    int next, end;
};

static bool next_number(void *context, struct log_record *record)
{
    struct numbers *numbers = context;
    if (numbers->next == numbers->end) {
        return false;
    }
    char text[16];
    snprintf(text, sizeof text, "%d", numbers->next);
    log_record_begin(record, numbers->next, numbers->next % 2 == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
                     "sourced");
    log_record_add(record, "n", text, true);
    numbers->next++;
    return true;
}

static void test_a_source_is_drained(void **state)
{
    (void)state;
    struct pipe made = pipe_open();
    struct numbers numbers = {0, 10};
    assert_int_equal(log_start(&(struct log_source){&numbers, next_number}), 0);
    log_close(10000);
    pipe_restore(&made);
    char *text = pipe_read(&made);
    assert_int_equal(count_of(text, "info sourced n="), 5); /* debug is not wanted */
    assert_int_equal(count_of(text, "debug"), 0);
    free(text);
}

/* ---- sockets ---- */

struct listener {
    char path[108];
    int fd;
};

static struct listener listener_open(void)
{
    struct listener made;
    snprintf(made.path, sizeof made.path, "test_log.%d.socket", (int)getpid());
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, made.path);
    unlink(made.path);
    made.fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(made.fd, (const struct sockaddr *)&at, sizeof at), 0);
    return made;
}

static void listener_close(struct listener *listener)
{
    close(listener->fd);
    unlink(listener->path);
}

static void listener_expect(const struct listener *listener, const char *part)
{
    char message[8192];
    ssize_t len = recv(listener->fd, message, sizeof message - 1, 0);
    assert_true(len > 0);
    message[len] = '\0';
    if (strstr(message, part) == NULL) {
        fail_msg("found %s, expected %s", message, part);
    }
}

static void use(enum log_target target, enum log_format format, const char *path)
{
    log_configure(
        &(struct log_options){.level = LOG_LEVEL_INFO, .format = format, .target = target, .socket = path});
}

static void test_journal_and_syslog(void **state)
{
    (void)state;
    struct listener listener = listener_open();
    use(LOG_TARGET_JOURNAL, LOG_FORMAT_TEXT, listener.path);
    assert_int_equal(log_start(NULL), 0);
    log_warning("zone changed zone=%s", "example.com.");
    listener_expect(
        &listener,
        "PRIORITY=4\nSYSLOG_IDENTIFIER=steerd\nSTEERD_EVENT=zone changed\nSTEERD_ZONE=example.com.\n");
    use(LOG_TARGET_SYSLOG, LOG_FORMAT_JSON, listener.path); /* a reload */
    log_info("stopped exit=%d", 0);
    listener_expect(&listener, "\"event\":\"stopped\",\"exit\":0}");
    listener_close(&listener); /* it is restarted */
    listener = listener_open();
    log_info("again");
    listener_expect(&listener, "\"event\":\"again\"");
    log_close(10000);
    listener_close(&listener);
}

/* A receiver that does not read: its queue of datagrams fills, and nothing else happens. */
static void test_a_full_socket_holds_nobody_up(void **state)
{
    (void)state;
    struct listener listener = listener_open();
    struct log_stats before, after;
    use(LOG_TARGET_JOURNAL, LOG_FORMAT_TEXT, listener.path);
    log_get_stats(&before);
    assert_int_equal(log_start(NULL), 0);
    do {
        log_info("flood");
        log_get_stats(&after);
    } while (after.dropped[LOG_LEVEL_INFO] == before.dropped[LOG_LEVEL_INFO]);
    listener_expect(&listener, "STEERD_EVENT=flood");
    log_close(10000);
    log_get_stats(&after);
    assert_true(after.failed > before.failed); /* what still waited then */
    listener_close(&listener);
    use(LOG_TARGET_STDERR, LOG_FORMAT_TEXT, NULL);
}

static void test_no_journal_is_stderr(void **state)
{
    (void)state;
    struct pipe made = pipe_open();
    use(LOG_TARGET_JOURNAL, LOG_FORMAT_TEXT, "/nonexistent/socket");
    assert_int_equal(log_start(NULL), 0);
    log_info("first");
    log_info("second");
    log_close(10000);
    use(LOG_TARGET_STDERR, LOG_FORMAT_TEXT, NULL);
    pipe_restore(&made);
    char *text = pipe_read(&made);
    assert_int_equal(count_of(text, "error log target failed socket=/nonexistent/socket"), 1);
    assert_non_null(strstr(text, "info first\n"));
    assert_non_null(strstr(text, "info second\n"));
    free(text);
}

/* The last one: the thread is stuck for ever, and the end does not wait for it. */
static void test_the_end_does_not_wait(void **state)
{
    (void)state;
    struct pipe made = pipe_open();
    char filler[4096] = {0};
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write(STDERR_FILENO, filler, sizeof filler) > 0) {
    }
    while (write(STDERR_FILENO, filler, 1) > 0) {
    }
    fcntl(STDERR_FILENO, F_SETFL, flags);
    assert_int_equal(log_start(NULL), 0);
    log_info("nobody will read this");
    log_close(10);
    log_info("nor this");
    pipe_restore(&made); /* the thread still writes to the pipe: its end stays open with it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_order_and_bounds),
        cmocka_unit_test(test_ring_waits_for_what_is_not_committed),
        cmocka_unit_test(test_ring_in_a_crowd),
        cmocka_unit_test(test_lines_are_written_in_order),
        cmocka_unit_test(test_a_full_pipe_holds_nobody_up),
        cmocka_unit_test(test_a_source_is_drained),
        cmocka_unit_test(test_journal_and_syslog),
        cmocka_unit_test(test_a_full_socket_holds_nobody_up),
        cmocka_unit_test(test_no_journal_is_stderr),
        cmocka_unit_test(test_the_end_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
