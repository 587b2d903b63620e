/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread that reads signals, and its patience: see ends.h. It touches nothing that anybody else could
 * hold: flags, two descriptors, the log. */
#include "config.h"

#include "daemon/ends.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { PATIENCE_MS = 650 + (SANITIZER_SLOWNESS - 1) * 2000 };

struct ends {
    struct progress progress; /* cancelled: the process is to end */
    atomic_bool hangup;
    _Atomic(const char *) doing;
    int signal_fd, wake_fd, quit_fd; /* quit: the thread is to end */
    struct event *wake;
    void (*woken)(void *context);
    void *context;
    pthread_t thread;
    bool runs;
};

/* ---- the thread ---- */

static void ring(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* an eventfd below its maximum takes it */
}

/* Returns when patience ends, if it begins with these signals; else what it was. */
static int64_t hear(struct ends *ends, const struct clock *clock, int64_t until_ms)
{
    struct signalfd_siginfo info;
    while (read(ends->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            atomic_store(&ends->hangup, true);
        } else if (until_ms == INT64_MAX) {
            until_ms = clock_now_ms(clock) + PATIENCE_MS;
            progress_cancel(&ends->progress);
            ring(ends->wake_fd);
            log_info("stopping signal=%u", info.ssi_signo);
        }
    }
    ring(ends->wake_fd);
    return until_ms;
}

static void *run(void *argument)
{
    struct ends *ends = argument;
    struct pollfd both[2] = {{.fd = ends->signal_fd, .events = POLLIN},
                             {.fd = ends->quit_fd, .events = POLLIN}};
    struct clock clock;
    int64_t until_ms = INT64_MAX;
    clock_init(&clock);
    for (;;) {
        int64_t left_ms = until_ms == INT64_MAX ? -1 : until_ms - clock_now_ms(&clock);
        if (until_ms != INT64_MAX && left_ms <= 0) {
            log_warning("stop forced after_ms=%d waiting_for=%s", PATIENCE_MS, atomic_load(&ends->doing));
            log_close(LOG_PATIENCE_MS);
            _exit(EXIT_SUCCESS);
        }
        (void)poll(both, 2, (int)left_ms);
        if (both[1].revents != 0) {
            return NULL;
        }
        until_ms = hear(ends, &clock, until_ms);
    }
}

/* ---- the control thread ---- */

static void on_wake(int fd, short events, void *argument)
{
    struct ends *ends = argument;
    uint64_t count;
    (void)events;
    if (read(fd, &count, sizeof count) == (ssize_t)sizeof count) {
        ends->woken(ends->context);
    }
}

bool ends_is_stopping(const struct ends *ends)
{
    return progress_is_cancelled(&ends->progress);
}

const struct progress *ends_get_progress(const struct ends *ends)
{
    return &ends->progress;
}

bool ends_take_hangup(struct ends *ends)
{
    return atomic_exchange(&ends->hangup, false);
}

void ends_note(struct ends *ends, const char *what)
{
    atomic_store(&ends->doing, what);
}

/* ---- life ---- */

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGHUP, SIG_DFL); /* nohup: what is ignored never reaches the descriptor */
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int start(struct ends *ends, struct event_base *base)
{
    if (ends->signal_fd == -1 || ends->wake_fd == -1 || ends->quit_fd == -1) {
        return -errno;
    }
    ends->wake = event_new(base, ends->wake_fd, EV_READ | EV_PERSIST, on_wake, ends);
    if (ends->wake == NULL || event_add(ends->wake, NULL) != 0) {
        return -ENOMEM;
    }
    int error = thread_start(&ends->thread, run, ends);
    ends->runs = error == 0;
    return -error;
}

int ends_open(struct event_base *base, void (*woken)(void *context), void *context, struct ends **to)
{
    struct ends *ends = memory_alloc(sizeof *ends);
    ends->woken = woken;
    ends->context = context;
    atomic_init(&ends->doing, "start");
    ends->signal_fd = block_signals();
    ends->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ends->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = start(ends, base);
    if (error != 0) {
        ends_close(ends);
        return error;
    }
    *to = ends;
    return 0;
}

void ends_close(struct ends *ends)
{
    if (ends == NULL) {
        return;
    }
    if (ends->runs) {
        ring(ends->quit_fd);
        pthread_join(ends->thread, NULL);
    }
    if (ends->wake != NULL) {
        event_free(ends->wake);
    }
    int fds[] = {ends->signal_fd, ends->wake_fd, ends->quit_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] != -1) {
            (void)close(fds[i]);
        }
    }
    free(ends);
}
