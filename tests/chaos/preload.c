/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A disk and a clock that misbehave, and a main thread that does not go on: preloaded into steerd by tests.
 * What it does is read at every call from the file that CHAOS_CONTROL names, an array of numbers in the
 * machine's byte order that the test changes while the server runs (enum chaos_word). Of files it concerns
 * those below the folder CHAOS_FOLDER only; everything else is as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum chaos_word {
    CHAOS_SYNC_MS,   /* so long does every fsync() and fdatasync() take */
    CHAOS_DISK_FULL, /* not 0: whatever would need room fails with ENOSPC */
    CHAOS_SYNCS,     /* counted here: those that were begun */
    CHAOS_REFUSED,   /* counted here: calls that failed because the disk is full */
    CHAOS_HANGS,     /* not 0: who looks at a file waits until it is 0 */
    CHAOS_LOOKERS,   /* counted here: those that do */
    CHAOS_CLOCK_S,   /* so far is the time of day off, signed */
    CHAOS_HELD,      /* not 0: the main thread does not take up anything until it is 0 */
    CHAOS_HOLDS,     /* counted here: when that began */
    CHAOS_WORDS
};

static _Atomic uint32_t *words;
static const char *folder;

__attribute__((constructor)) static void find_control(void)
{
    const char *path = getenv("CHAOS_CONTROL");
    folder = getenv("CHAOS_FOLDER");
    int fd = path == NULL || folder == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd != -1) {
        void *at = mmap(NULL, CHAOS_WORDS * sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        words = at == MAP_FAILED ? NULL : at;
        close(fd);
    }
}

static int is_below(const char *path)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static int concerns(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = words == NULL ? -1 : readlink(link, path, sizeof path - 1);
    if (len <= 0) {
        return 0;
    }
    path[len] = '\0';
    return is_below(path);
}

static int concerns_path(const char *path)
{
    char whole[PATH_MAX];
    if (words == NULL || path[0] == '/') {
        return words != NULL && is_below(path);
    }
    if (getcwd(whole, sizeof whole - strlen(path) - 2) == NULL) {
        return 0;
    }
    strcat(strcat(whole, "/"), path);
    return is_below(whole);
}

static int is_full(void)
{
    if (atomic_load(&words[CHAOS_DISK_FULL]) == 0) {
        return 0;
    }
    atomic_fetch_add(&words[CHAOS_REFUSED], 1);
    errno = ENOSPC;
    return 1;
}

static void take_time(void)
{
    uint32_t ms = atomic_load(&words[CHAOS_SYNC_MS]);
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    atomic_fetch_add(&words[CHAOS_SYNCS], 1);
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int stat(const char *path, struct stat *status)
{
    if (concerns_path(path) && atomic_load(&words[CHAOS_HANGS]) != 0) {
        const struct timespec moment = {.tv_nsec = 1000000};
        atomic_fetch_add(&words[CHAOS_LOOKERS], 1);
        while (atomic_load(&words[CHAOS_HANGS]) != 0) {
            nanosleep(&moment, NULL);
        }
    }
    return NEXT(stat)(path, status);
}

/* Before anything else is ready, too: sanitizers ask for the time while they start. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    static _Atomic(void *) next;
    void *function = atomic_load(&next);
    if (words == NULL) {
        return (int)syscall(SYS_clock_gettime, clock, now);
    }
    if (function == NULL) {
        function = dlsym(RTLD_NEXT, "clock_gettime");
        atomic_store(&next, function);
    }
    int result = ((__typeof__(&clock_gettime))function)(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += (int32_t)atomic_load(&words[CHAOS_CLOCK_S]);
    }
    return result;
}

time_t time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (to != NULL) {
        *to = now.tv_sec;
    }
    return now.tv_sec;
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    int result = NEXT(epoll_wait)(fd, events, count, timeout_ms);
    if (words != NULL && atomic_load(&words[CHAOS_HELD]) != 0 && syscall(SYS_gettid) == getpid()) {
        const struct timespec moment = {.tv_nsec = 1000000};
        atomic_fetch_add(&words[CHAOS_HOLDS], 1);
        while (atomic_load(&words[CHAOS_HELD]) != 0) {
            nanosleep(&moment, NULL);
        }
    }
    return result;
}

static int sync_it(int fd, int (*next)(int))
{
    if (concerns(fd)) {
        take_time();
        if (is_full()) {
            return -1;
        }
    }
    return next(fd);
}

int fsync(int fd)
{
    return sync_it(fd, NEXT(fsync));
}

int fdatasync(int fd)
{
    return sync_it(fd, NEXT(fdatasync));
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return concerns(fd) && is_full() ? -1 : NEXT(write)(fd, bytes, len);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return concerns(fd) && is_full() ? -1 : NEXT(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return concerns(fd) && is_full() ? -1 : NEXT(pwrite)(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    return concerns(fd) && is_full() ? -1 : NEXT(pwrite64)(fd, bytes, len, at);
}

/* A file that is there can be opened on a full disk; a new one can not be made. */
static int cannot_make(const char *path, int flags)
{
    return (flags & O_CREAT) != 0 && concerns_path(path) && access(path, F_OK) == -1 && is_full();
}

static mode_t take_mode(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = take_mode(flags, arguments);
    va_end(arguments);
    return cannot_make(path, flags) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = take_mode(flags, arguments);
    va_end(arguments);
    return cannot_make(path, flags) ? -1 : NEXT(open64)(path, flags, mode);
}
