/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Programs that steerctl is not made of, so that it starts fast without their libraries: beside it, or where
 * they were installed. */
#include "config.h"

#include "ctl/steerctl.h"

#include "base/memory.h"

#include <errno.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PROGRAM_FOLDER /* the build knows it, tools that look at one file do not */
#define PROGRAM_FOLDER "/usr/libexec/steerd"
#endif

enum { PATH_SIZE = 4096 };

char *steerctl_find_program(const char *name)
{
    char self[PATH_SIZE];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        self[len] = '\0';
        char *path = memory_print("%s/%s", dirname(self), name);
        if (access(path, X_OK) == 0) {
            return path;
        }
        free(path);
    }
    return memory_print(PROGRAM_FOLDER "/%s", name);
}

enum steerctl_exit steerctl_become(const struct steerctl *ctl, const char *name)
{
    size_t count = 0;
    while (ctl->arguments[count] != NULL) {
        count++;
    }
    char *path = steerctl_find_program(name);
    char **arguments = memory_alloc_array(count + 2, sizeof *arguments);
    arguments[0] = (char *)(uintptr_t)name;
    memcpy(arguments + 1, ctl->arguments, count * sizeof *arguments);
    (void)fflush(NULL);
    (void)execv(path, arguments);
    fprintf(stderr,
            "steerctl: %s cannot be run: %s; it is a part of steerd that has to be installed with it\n", path,
            strerror(errno));
    free(path);
    free(arguments);
    return STEERCTL_REFUSED;
}
