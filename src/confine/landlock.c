/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See confine.h. landlock(7), by its system calls: the C library has no functions for them. Only what changes
 * files is forbidden: what is read is up to who the process is, for a reload may name files that nobody knows
 * of now. What the kernel has no words for yet (truncation before 6.2) stays as it was. */
#include "config.h"

#include "confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

enum { VERSION_REFER = 2, VERSION_TRUNCATE = 3 };

static const uint64_t changes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/* 0 or -errno. */
static int find_words(uint64_t *words)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version == -1) {
        return errno == EOPNOTSUPP ? -ENOSYS : -errno; /* the kernel has it, but it was not switched on */
    }
    *words = changes | (version >= VERSION_REFER ? LANDLOCK_ACCESS_FS_REFER : 0) |
             (version >= VERSION_TRUNCATE ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
    return 0;
}

/* What is not there, or is out of reach, needs no leave. */
static int allow(int ruleset, const char *path, uint64_t words)
{
    struct stat status;
    struct landlock_path_beneath_attr rule = {.allowed_access = words};
    long outcome = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC); /* no file is opened by O_PATH */
    if (fd == -1) {
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
    }
    rule.parent_fd = fd;
    if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode)) {
        rule.allowed_access &= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
    }
    outcome = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int error = outcome == -1 ? -errno : 0;
    (void)close(fd);
    return error;
}

int confine_writing(const char *const *paths, size_t count)
{
#ifdef STEERD_COVERAGE
    (void)paths, (void)count;
    return -ENOSYS; /* what is counted is written beside the objects */
#endif
    struct landlock_ruleset_attr attributes = {0};
    uint64_t words = 0;
    int error = find_words(&words);
    if (error != 0) {
        return error;
    }
    attributes.handled_access_fs = words;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset == -1) {
        return -errno;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        error = allow(ruleset, paths[i], words);
    }
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == -1) {
        error = errno == E2BIG ? 0 : -errno; /* as many processes before this one have said so */
    }
    (void)close(ruleset);
    return error;
}
