/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See runner.h. posix_spawn() borrows the address space until the program runs: a fork would copy the page
 * tables of many gigabytes, while this process answers. */
#include "config.h"

#include "probe/runner.h"

#include "exec/frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AGAIN_US = 1000000, END_MS = 1000 };

void runner_init(struct runner *runner, const char *program)
{
    *runner = (struct runner){.program = program, .channel = -1};
}

static void reap(struct runner *runner, int options)
{
    if (runner->pid != 0 && waitpid(runner->pid, NULL, options) != 0) {
        runner->pid = 0;
    }
}

/* It ends by itself when nobody is left; if not (somebody has stopped it), its commands are not killed. */
static void end(struct runner *runner)
{
    int fd = runner->pid == 0 ? -1 : pidfd_open(runner->pid, 0);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    if (fd != -1) {
        if (poll(&one, 1, END_MS) != 1) {
            (void)kill(runner->pid, SIGKILL);
        }
        (void)close(fd);
    }
    reap(runner, fd == -1 ? WNOHANG : 0);
}

static void hang_up(struct runner *runner)
{
    if (runner->channel != -1) {
        (void)close(runner->channel);
        runner->channel = -1;
    }
}

void runner_fini(struct runner *runner)
{
    hang_up(runner);
    end(runner);
}

/* A group of its own: a terminal's Ctrl-C is for who reads it. */
static int spawn(struct runner *runner, int far)
{
    static const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char name[] = "steerd-exec", *const argv[] = {name, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = posix_spawn_file_actions_adddup2(&actions, far, EXEC_CHANNEL);
    error = error == 0 ? posix_spawn_file_actions_addclosefrom_np(&actions, EXEC_CHANNEL + 1) : error;
    error = error == 0 ? posix_spawnattr_setsigmask(&attributes, &none) : error;
    error = error == 0 ? posix_spawnattr_setsigdefault(&attributes, &all) : error;
    error = error == 0 ? posix_spawnattr_setflags(&attributes, flags) : error;
    error =
        error == 0 ? posix_spawn(&runner->pid, runner->program, &actions, &attributes, argv, environ) : error;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    runner->pid = error == 0 ? runner->pid : 0;
    return -error;
}

static int start(struct runner *runner, int64_t now_us)
{
    int ends[2];
    reap(runner, WNOHANG);
    if (runner->program == NULL) {
        return -ENOENT;
    }
    if (runner->pid != 0 || (runner->began_us != 0 && now_us - runner->began_us < AGAIN_US)) {
        return -ECHILD;
    }
    runner->began_us = now_us;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) {
        return -errno;
    }
    int error = spawn(runner, ends[1]);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        return error;
    }
    runner->channel = ends[0];
    return 0;
}

static int hand_over(const struct runner *runner, void *bytes, size_t len, int story)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec part = {.iov_base = bytes, .iov_len = len};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.head = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof story), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), &story, sizeof story);
    return sendmsg(runner->channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ? -errno : 0;
}

/* ETOOMANYREFS: as many descriptors are on their way as one may have (unix(7)). */
static int order(struct runner *runner, void *bytes, size_t len, int story)
{
    int error = hand_over(runner, bytes, len, story);
    if (error == -EAGAIN || error == -ETOOMANYREFS || error == -ENOBUFS) {
        return -EAGAIN;
    }
    if (error != 0) {
        hang_up(runner);
    }
    return error;
}

int runner_order(struct runner *runner, void *bytes, size_t len, int story, int64_t now_us)
{
    int error = runner->channel == -1 ? -EPIPE : order(runner, bytes, len, story);
    if (error == 0 || error == -EAGAIN) {
        return error;
    }
    error = start(runner, now_us);
    return error == 0 ? order(runner, bytes, len, story) : error;
}
