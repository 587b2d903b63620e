/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair {
    int near, far, pipe[2];
};

static int set_up(void **state)
{
    static struct pair pair;
    int ends[2];
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), errno);
    assert_return_code(pipe(pair.pipe), errno);
    pair.near = ends[0];
    pair.far = ends[1];
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    const struct pair *pair = *state;
    close(pair->near);
    close(pair->far);
    close(pair->pipe[0]);
    close(pair->pipe[1]);
    return 0;
}

static void a_message_and_what_it_carries(void **state)
{
    const struct pair *pair = *state;
    char bytes[16], octet;
    int fd = 7;
    assert_int_equal(pass_receive(pair->far, bytes, sizeof bytes, &fd), -EAGAIN);
    assert_int_equal(fd, -1);
    assert_int_equal(pass_send(pair->near, "order", 5, pair->pipe[1]), 0);
    assert_int_equal(pass_receive(pair->far, bytes, sizeof bytes, &fd), 5);
    assert_memory_equal(bytes, "order", 5);
    assert_int_not_equal(fd, pair->pipe[1]);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(read(pair->pipe[0], &octet, 1), 1);
    assert_int_equal(octet, 'x');
    close(fd);
}

static void a_long_one_is_cut_and_leaves_nothing_behind(void **state)
{
    const struct pair *pair = *state;
    char bytes[4];
    int fd;
    assert_int_equal(pass_send(pair->near, "order", 5, pair->pipe[1]), 0);
    assert_int_equal(pass_receive(pair->far, bytes, sizeof bytes, &fd), -EBADMSG);
    assert_true(fd >= 0); /* who sent it is told over this one */
    close(fd);
}

static void one_that_carries_nothing(void **state)
{
    const struct pair *pair = *state;
    char bytes[16];
    int fd = 7;
    assert_int_equal(send(pair->near, "order", 5, 0), 5);
    assert_int_equal(pass_receive(pair->far, bytes, sizeof bytes, &fd), 5);
    assert_int_equal(fd, -1);
}

static void the_end(void **state)
{
    struct pair *pair = *state;
    char bytes[16];
    int fd = 7;
    shutdown(pair->near, SHUT_RDWR);
    assert_int_equal(pass_receive(pair->far, bytes, sizeof bytes, &fd), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(pass_send(pair->near, "order", 5, pair->pipe[1]), -EPIPE);
    assert_int_equal(pass_send(pair->near, "order", 5, -1), -EBADF);
}

static void no_more_than_the_socket_takes(void **state)
{
    const struct pair *pair = *state;
    int error = 0;
    for (int i = 0; i < 100000 && error == 0; i++) {
        error = pass_send(pair->near, "order", 5, pair->pipe[1]);
    }
    assert_true(error == -EAGAIN || error == -ETOOMANYREFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_and_what_it_carries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_one_is_cut_and_leaves_nothing_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_carries_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_more_than_the_socket_takes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
