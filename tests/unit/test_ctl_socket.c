/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Exchanges over a socket pair whose other end misbehaves, and what is said of paths where no server is. */
#include "config.h"

#include "unit.h"

#include "ctl/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct socket_limits patient = {.connect_ms = 60000, .answer_ms = 60000};

/* ---- exchanges ---- */

struct talk {
    struct buffer request, why;
    struct http_answer answer;
    int ours, theirs;
};

static void talk_init(struct talk *talk, size_t request_len)
{
    int pair[2];
    *talk = (struct talk){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    talk->ours = pair[0];
    talk->theirs = pair[1];
    assert_int_equal(fcntl(talk->ours, F_SETFL, O_NONBLOCK), 0);
    char *body = malloc(request_len + 1);
    memset(body, 'x', request_len);
    body[request_len] = '\0';
    http_write_request(&talk->request, "Host: localhost\r\n", "PUT", "/", body);
    free(body);
    http_answer_init(&talk->answer, 0);
    buffer_add_text(&talk->why, "");
}

static void talk_fini(struct talk *talk)
{
    close(talk->ours);
    if (talk->theirs != -1) {
        close(talk->theirs);
    }
    buffer_fini(&talk->request);
    buffer_fini(&talk->why);
    http_answer_fini(&talk->answer);
}

static void say(const struct talk *talk, const char *text)
{
    assert_int_equal(write(talk->theirs, text, strlen(text)), strlen(text));
}

static bool exchange(struct talk *talk)
{
    return socket_exchange(talk->ours, &talk->request, &patient, &talk->answer, &talk->why);
}

/* The server refuses before the body is written, which is more than the socket holds: nobody waits, and the
 * answer counts, whether it then closes or not. */
static void early_answers(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct talk talk;
        talk_init(&talk, 8 << 20);
        say(&talk, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}");
        if (closes == 1) {
            close(talk.theirs);
            talk.theirs = -1;
        }
        assert_true(exchange(&talk));
        assert_int_equal(talk.answer.status, 413);
        assert_string_equal(talk.answer.body.bytes, "{}");
        talk_fini(&talk);
    }
}

/* The other end reads everything, slowly and in small pieces, before it answers; signals come meanwhile. */
static void large_requests(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, 1 << 20);
    pid_t parent = getpid(), child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char piece[7777];
        size_t left = talk.request.len;
        while (left > 0) {
            ssize_t n = read(talk.theirs, piece, sizeof piece);
            left -= n > 0 ? (size_t)n : 0;
            kill(parent, SIGUSR1);
        }
        static const char text[] = "HTTP/1.1 200 OK\r\n\r\nall of it";
        _exit(write(talk.theirs, text, sizeof text - 1) == sizeof text - 1 ? 0 : 1);
    }
    close(talk.theirs);
    talk.theirs = -1;
    assert_true(exchange(&talk));
    assert_string_equal(talk.answer.body.bytes, "all of it");
    talk_fini(&talk);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void broken_answers(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, 2);
    say(&talk, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{");
    close(talk.theirs);
    talk.theirs = -1;
    assert_false(exchange(&talk));
    assert_non_null(strstr(talk.why.bytes, "closed in the middle"));
    talk_fini(&talk);
    talk_init(&talk, 2);
    say(&talk, "220 mail.example.com ESMTP\r\n");
    assert_false(exchange(&talk));
    assert_non_null(strstr(talk.why.bytes, "not HTTP/1.1"));
    talk_fini(&talk);
    talk_init(&talk, 8 << 20); /* closed at once: no SIGPIPE */
    close(talk.theirs);
    talk.theirs = -1;
    assert_false(exchange(&talk));
    assert_non_null(strstr(talk.why.bytes, "closed without an answer"));
    talk_fini(&talk);
}

static void silent_servers(void **state)
{
    (void)state;
    static const struct socket_limits hasty = {.connect_ms = 20, .answer_ms = 20};
    struct talk talk;
    talk_init(&talk, 2);
    assert_false(socket_exchange(talk.ours, &talk.request, &hasty, &talk.answer, &talk.why));
    assert_non_null(strstr(talk.why.bytes, "has not answered within"));
    talk_fini(&talk);
}

/* ---- paths ---- */

struct place {
    char folder[64], path[96];
    struct buffer why;
};

static int place_open(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/steerd-ctl-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/admin.sock", place->folder);
    buffer_add_text(&place->why, "");
    *state = place;
    return 0;
}

static int place_close(void **state)
{
    struct place *place = *state;
    chmod(place->folder, 0700);
    if (unlink(place->path) == -1) {
        rmdir(place->path);
    }
    assert_int_equal(rmdir(place->folder), 0);
    buffer_fini(&place->why);
    free(place);
    return 0;
}

/* backlog -1: nobody listens */
static int make_socket(const struct place *place, int backlog)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", place->path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(backlog == -1 ? 0 : listen(fd, backlog), 0);
    return fd;
}

static void assert_refused(struct place *place, const char *path, const char *why)
{
    static const struct socket_limits hasty = {.connect_ms = 20, .answer_ms = 20};
    int fd;
    buffer_remove_front(&place->why, SIZE_MAX);
    assert_false(socket_connect(path, &hasty, &fd, &place->why));
    assert_int_equal(fd, -1);
    if (strstr(place->why.bytes, why) == NULL) {
        fail_msg("found \"%s\", expected \"%s\"", place->why.bytes, why);
    }
}

static void paths_without_server(void **state)
{
    struct place *place = *state;
    char text[256];
    assert_refused(place, "", "has 0 octets, expected 1 to 107");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_refused(place, text, "has 255 octets, expected 1 to 107");
    assert_refused(place, place->path, "is steerd running?");
    close(make_socket(place, -1));
    assert_refused(place, place->path, "nobody listens at the socket");
    snprintf(text, sizeof text, "%s/below", place->path);
    assert_refused(place, text, "there is no socket");
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_refused(place, place->path, "is a FIFO, not a socket");
    assert_int_equal(unlink(place->path), 0);
    close(open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_refused(place, place->path, "is a regular file, not a socket");
    assert_refused(place, "/", "/ is a folder, not a socket");
}

static void stopped_server(void **state)
{
    struct place *place = *state;
    int fd = make_socket(place, 0), first;
    assert_true(socket_connect(place->path, &patient, &first, &place->why)); /* fills the queue */
    assert_refused(place, place->path, "accepts no connection");
    close(first);
    close(fd);
}

/* As somebody else than root, who may everything. */
static void run_as_nobody(struct place *place, void (*test)(struct place *place))
{
    if (geteuid() != 0) {
        test(place);
        return;
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setgroups(0, NULL) == 0 && setregid(65534, 65534) == 0 && setreuid(65534, 65534) == 0) {
            test(place);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void assert_socket_denied(struct place *place)
{
    assert_refused(place, place->path, " may not use the socket ");
    assert_non_null(strstr(place->why.bytes, ", mode 0440): run steerctl as "));
}

static void assert_folder_denied(struct place *place)
{
    assert_refused(place, place->path, " may not enter the folder ");
    assert_non_null(strstr(place->why.bytes, ", mode 0610): run steerctl as "));
    assert_non_null(strstr(place->why.bytes, ", as a member of group "));
}

static void denied(void **state)
{
    struct place *place = *state;
    int fd = make_socket(place, 1);
    assert_int_equal(chmod(place->folder, 0755), 0);
    assert_int_equal(chmod(place->path, 0440), 0);
    run_as_nobody(place, assert_socket_denied);
    if (geteuid() == 0) { /* group x: who is not root is in it */
        assert_int_equal(chmod(place->folder, 0610), 0);
        run_as_nobody(place, assert_folder_denied);
    }
    close(fd);
}

static void on_signal(int number)
{
    (void)number;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_answers),
        cmocka_unit_test(large_requests),
        cmocka_unit_test(broken_answers),
        cmocka_unit_test(silent_servers),
        cmocka_unit_test_setup_teardown(paths_without_server, place_open, place_close),
        cmocka_unit_test_setup_teardown(stopped_server, place_open, place_close),
        cmocka_unit_test_setup_teardown(denied, place_open, place_close),
    };
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL); /* interrupts */
    return cmocka_run_group_tests_name("ctl socket", tests, NULL, NULL);
}
