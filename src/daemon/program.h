/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The file that this program was started from: has an upgrade put another one in its place? A package manager
 * writes beside and renames, so another file is another inode. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct program {
    dev_t device;
    ino_t inode; /* 0: it was not found */
    int64_t changed_ns, size;
};

/* What a shell would start by this name now. Returns whether there is such a file. */
bool program_find(const char *name, struct program *program);
/* Is there one now, and is it another one? */
bool program_is_replaced(const char *name, const struct program *since);
/* A program that is a part of this one: beside the file that runs (in a folder of builds), or where it was
 * installed. Returns owned. */
char *program_find_part(const char *name);
