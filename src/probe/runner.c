/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See runner.h. posix_spawn() borrows the address space until the program runs: a fork would copy the page
 * tables of many gigabytes, while this process answers. Its caller waits until the program was found and
 * read: for ever, where a disk hangs. So a thread of its own calls it, which nobody waits for. */
#include "config.h"

#include "probe/runner.h"

#include "base/memory.h"
#include "base/pass.h"
#include "base/sanitizer.h"
#include "base/thread.h"
#include "exec/frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    AGAIN_US = 1000000,
    END_MS = 250 * SANITIZER_SLOWNESS /* the end of the server waits no longer than 650 ms for anything */
};

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

/* It ends by itself when nobody is left; if not (somebody has stopped it), it is killed, and its warden ends
 * what it ran. */
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

/* A group of its own: a terminal's Ctrl-C is for who reads it. */
static int spawn(const char *program, int far, pid_t *pid)
{
    static const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    const char *slash = strrchr(program, '/');
    char *name = memory_copy_text(slash == NULL ? program : slash + 1), *const argv[] = {name, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = posix_spawn_file_actions_adddup2(&actions, far, EXEC_CHANNEL);
    error = error == 0 ? posix_spawn_file_actions_addclosefrom_np(&actions, EXEC_CHANNEL + 1) : error;
    error = error == 0 ? posix_spawnattr_setsigmask(&attributes, &none) : error;
    error = error == 0 ? posix_spawnattr_setsigdefault(&attributes, &all) : error;
    error = error == 0 ? posix_spawnattr_setflags(&attributes, flags) : error;
    error = error == 0 ? posix_spawn(pid, program, &actions, &attributes, argv, environ) : error;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(name);
    *pid = error == 0 ? *pid : 0;
    return -error;
}

/* ---- the start ---- */

enum { STARTING, STARTED, UNWANTED };

/* Its thread's while STARTING, the runner's when STARTED. Who is the second to say that he is done with it
 * frees it. */
struct runner_start {
    _Atomic int state;
    char *program;
    int near, far;
    pid_t pid;
    int error; /* 0, or a negative errno: there is no process */
};

static void free_start(struct runner_start *start)
{
    free(start->program);
    free(start);
}

static void *run_start(void *argument)
{
    struct runner_start *start = argument;
    pthread_setname_np(pthread_self(), "runner");
    start->error = spawn(start->program, start->far, &start->pid);
    (void)close(start->far);
    if (atomic_exchange(&start->state, STARTED) == UNWANTED) {
        (void)close(start->near); /* which ends it */
        if (start->pid != 0) {
            (void)waitpid(start->pid, NULL, 0);
        }
        free_start(start);
    }
    return NULL;
}

static int start(struct runner *runner, int64_t now_us)
{
    int ends[2];
    pthread_t thread;
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
    struct runner_start *start = memory_alloc(sizeof *start);
    start->program = memory_copy_text(runner->program);
    start->near = ends[0];
    start->far = ends[1];
    int error = thread_start(&thread, run_start, start);
    if (error != 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        free_start(start);
        return -error;
    }
    (void)pthread_detach(thread);
    runner->starting = start;
    return -EAGAIN;
}

/* It is started, or could not be. */
static int take_start(struct runner *runner)
{
    struct runner_start *start = runner->starting;
    int error = start->error;
    runner->starting = NULL;
    runner->pid = start->pid;
    if (error == 0) {
        runner->channel = start->near;
    } else {
        (void)close(start->near);
    }
    free_start(start);
    return error;
}

static void let_go(struct runner *runner)
{
    if (runner->starting != NULL && atomic_exchange(&runner->starting->state, UNWANTED) == STARTED) {
        (void)take_start(runner);
    }
    hang_up(runner);
}

void runner_fini(struct runner *runner)
{
    let_go(runner);
    end(runner);
}

static void *run_end(void *argument)
{
    struct runner *left = argument;
    pthread_setname_np(pthread_self(), "runner");
    end(left);
    free(left);
    return NULL;
}

void runner_leave(struct runner *runner)
{
    pthread_t thread;
    let_go(runner);
    reap(runner, WNOHANG);
    if (runner->pid == 0) {
        return;
    }
    struct runner *left = memory_copy(runner, sizeof *runner);
    runner->pid = 0;
    if (thread_start(&thread, run_end, left) == 0) {
        (void)pthread_detach(thread);
    } else {
        (void)kill(left->pid, SIGKILL); /* nobody waits for it before this process ends */
        free(left);
    }
}

/* ---- orders ---- */

/* ETOOMANYREFS: as many descriptors are on their way as one may have (unix(7)). */
static int order(struct runner *runner, void *bytes, size_t len, int story)
{
    int error = pass_send(runner->channel, bytes, len, story);
    if (error == -EAGAIN || error == -ETOOMANYREFS || error == -ENOBUFS) {
        return -EAGAIN;
    }
    if (error != 0) {
        hang_up(runner);
    }
    return error;
}

static bool is_starting(const struct runner *runner)
{
    return runner->starting != NULL && atomic_load(&runner->starting->state) == STARTING;
}

int runner_order(struct runner *runner, void *bytes, size_t len, int story, int64_t now_us)
{
    if (is_starting(runner)) {
        return -EAGAIN;
    }
    int error = runner->starting == NULL ? 0 : take_start(runner);
    if (error != 0) {
        return error;
    }
    error = runner->channel == -1 ? -EPIPE : order(runner, bytes, len, story);
    return error == 0 || error == -EAGAIN ? error : start(runner, now_us);
}
