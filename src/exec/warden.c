/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See warden.h. Both processes share the numbers of the groups. They are the commands' own as long as
 * somebody is in them; the kernel gives away the number of one that is empty only after tens of thousands of
 * others, and the warden acts at once. */
#include "config.h"

#include "exec/warden.h"

#include "base/memory.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct warden {
    pid_t pid; /* 0: there is none */
    size_t count, next;
    _Atomic pid_t *groups; /* shared; 0: free */
};

/* ---- in the other process ---- */

static void kill_all(const struct warden *warden)
{
    for (size_t i = 0; i < warden->count; i++) {
        pid_t group = atomic_load(&warden->groups[i]);
        if (group > 1) {
            (void)kill(-group, SIGKILL);
        }
    }
}

static void watch(const struct warden *warden, pid_t parent)
{
    int fd = pidfd_open(parent, 0);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    (void)setpgid(0, 0); /* who ends a group does not mean this one */
    (void)prctl(PR_SET_NAME, "steerd-warden");
    if (fd == -1) {
        _exit(1);
    }
    if (fd > 0) {
        (void)close_range(0, (unsigned)fd - 1, 0);
    }
    (void)close_range((unsigned)fd + 1, ~0U, 0);
    while (getppid() == parent && poll(&one, 1, -1) != 1) {
    }
    kill_all(warden);
    _exit(0);
}

/* ---- in this one ---- */

static void begin(struct warden *warden)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        watch(warden, parent);
    }
    warden->pid = pid == -1 ? 0 : pid;
}

struct warden *warden_new(size_t count)
{
    size_t len = count * sizeof(_Atomic pid_t);
    void *groups = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (groups == MAP_FAILED) {
        return NULL;
    }
    struct warden *warden = memory_alloc(sizeof *warden);
    *warden = (struct warden){.count = count, .groups = groups};
    begin(warden);
    return warden;
}

bool warden_renew(struct warden *warden, pid_t pid)
{
    if (warden == NULL || pid != warden->pid) {
        return false;
    }
    siginfo_t who = {.si_pid = 0};
    (void)waitid(P_PID, (id_t)pid, &who, WEXITED);
    warden->pid = 0;
    if (who.si_code != CLD_EXITED) { /* else it cannot work here */
        begin(warden);
    }
    return true;
}

ptrdiff_t warden_keep(struct warden *warden, pid_t group)
{
    for (size_t i = 0; warden != NULL && i < warden->count; i++) {
        size_t at = (warden->next + i) % warden->count;
        if (atomic_load(&warden->groups[at]) == 0) {
            atomic_store(&warden->groups[at], group);
            warden->next = at + 1;
            return (ptrdiff_t)at;
        }
    }
    return -1;
}

void warden_forget(struct warden *warden, ptrdiff_t at)
{
    if (warden != NULL && at != -1) {
        atomic_store(&warden->groups[at], 0);
    }
}

void warden_free(struct warden *warden)
{
    if (warden != NULL) {
        if (warden->pid != 0) {
            (void)kill(warden->pid, SIGKILL);
            (void)waitpid(warden->pid, NULL, 0);
        }
        (void)munmap(warden->groups, warden->count * sizeof *warden->groups);
        free(warden);
    }
}
