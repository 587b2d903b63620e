/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A listening unix socket in the file system. */
#pragma once

#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { ADMIN_SOCKET_BACKLOG = 128 };

struct admin_socket {
    int fd;
    char *path; /* owned */
    dev_t device;
    ino_t inode; /* of the file that we made */
};

/* Bind and listen: non-blocking, close-on-exec. An abandoned socket file is replaced; a live one is
 * ERROR_CONFLICT, anything else at the path too. Permissions are never wider than `mode`. Returns 0, or a
 * negative error with an entry in the report. */
int admin_socket_open(const char *path, unsigned mode, struct report *report, struct admin_socket *made);
/* One that another process has made at this path: 0, or ERROR_NOT_FOUND, if the path does not lead to it.
 * Then `fd` is still the caller's. */
int admin_socket_adopt(int fd, const char *path, unsigned mode, struct admin_socket *made);
/* Is the file at the path still ours? */
bool admin_socket_is_there(const struct admin_socket *made);
/* The file is another process's from now on: it is not removed. */
void admin_socket_disown(struct admin_socket *made);
/* Remove the file if it is still ours. The descriptor belongs to the listener by then. */
void admin_socket_remove(struct admin_socket *made);
