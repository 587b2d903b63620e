/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A wall clock that a test sets while the server runs: preloaded into steerd. The file that TEST_CLOCK names
 * holds a number in the machine's byte order, by how many seconds it is ahead of the real one. Monotonic
 * clocks are as ever. Two more numbers are about the disk: for how many milliseconds each sync takes longer,
 * and how many have begun. The last one: for how many seconds the machine has slept, by the wall clock and
 * the time since it was switched on. The file that TEST_BOOT names has another boot id than the machine's: so
 * a server is on a machine of its own. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *ahead_s; /* and what is behind it */

__attribute__((constructor)) static void find_control(void)
{
    const char *path = getenv("TEST_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd != -1) {
        void *at = mmap(NULL, 4 * sizeof *ahead_s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ahead_s = at == MAP_FAILED ? NULL : at;
        close(fd);
    }
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, id, now);
    if (result == 0 && ahead_s != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += (time_t)(atomic_load(ahead_s) + atomic_load(&ahead_s[3]));
    } else if (result == 0 && ahead_s != NULL && id == CLOCK_BOOTTIME) {
        now->tv_sec += (time_t)atomic_load(&ahead_s[3]);
    }
    return result;
}

static void wait_for_disk(void)
{
    if (ahead_s != NULL) {
        atomic_fetch_add(&ahead_s[2], 1);
        (void)usleep((useconds_t)atomic_load(&ahead_s[1]) * 1000);
    }
}

int fsync(int fd)
{
    wait_for_disk();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    wait_for_disk();
    return (int)syscall(SYS_fdatasync, fd);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return result;
}

time_t time(time_t *now)
{
    struct timespec precise;
    (void)clock_gettime(CLOCK_REALTIME, &precise);
    if (now != NULL) {
        *now = precise.tv_sec;
    }
    return precise.tv_sec;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    const char *boot = getenv("TEST_BOOT");
    bool is_boot = boot != NULL && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0;
    return (int)syscall(SYS_openat, AT_FDCWD, is_boot ? boot : path, flags, mode);
}
