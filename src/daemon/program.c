/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See program.h. The name is looked up as posix_spawnp() does, which is what starts it. */
#include "config.h"

#include "daemon/program.h"

#include "base/memory.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PROGRAM_FOLDER /* the build knows it, tools that look at one file do not */
#define PROGRAM_FOLDER "/usr/libexec/steerd"
#endif

enum { PATH_SIZE = 4096 };

static bool note(const char *path, struct program *program)
{
    struct stat status;
    if (stat(path, &status) == -1 || !S_ISREG(status.st_mode) || access(path, X_OK) == -1) {
        return false;
    }
    *program =
        (struct program){.device = status.st_dev,
                         .inode = status.st_ino,
                         .changed_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
                         .size = status.st_size};
    return true;
}

bool program_find(const char *name, struct program *program)
{
    const char *folders = getenv("PATH");
    *program = (struct program){.inode = 0};
    if (strchr(name, '/') != NULL) {
        return note(name, program);
    }
    bool found = false;
    for (const char *at = folders; at != NULL && !found;) {
        size_t len = strcspn(at, ":");
        char *path = memory_print("%.*s%s%s", (int)len, at, len == 0 ? "" : "/", name);
        found = note(path, program);
        free(path);
        at = at[len] == '\0' ? NULL : at + len + 1;
    }
    return found;
}

bool program_is_replaced(const char *name, const struct program *since)
{
    struct program now;
    return since->inode != 0 && program_find(name, &now) &&
           (now.device != since->device || now.inode != since->inode || now.changed_ns != since->changed_ns ||
            now.size != since->size);
}

char *program_find_part(const char *name)
{
    char own[PATH_SIZE];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    own[len > 0 ? len : 0] = '\0';
    char *beside = memory_print("%s/%s", dirname(own), name);
    if (len > 0 && access(beside, X_OK) == 0) {
        return beside;
    }
    free(beside);
    return memory_print("%s/%s", PROGRAM_FOLDER, name);
}
