/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Other processes: one that takes over is started, a supervisor (systemd) is told. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Start the program of these arguments, found again by its name as a shell would find it, so that an upgraded
 * file is used. It inherits standard streams, environment, limits and folder, `fd` as descriptor 3, said in
 * the environment as `variable`, and nothing else. The address space is not copied. 0 or -errno. */
int spawn_program(char *const *argv, const char *variable, int fd, pid_t *pid);
/* Is the end of this process that of the service? It is of process 1, which is its container, and of one that
 * systemd has started and does not hear. */
bool spawn_is_watched(void);
/* Does anybody hear spawn_tell_supervisor()? */
bool spawn_has_supervisor(void);
/* A datagram to $NOTIFY_SOCKET, see sd_notify(3); nothing where there is none. */
void spawn_tell_supervisor(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with descriptors, which stay the caller's: 253 at most. */
void spawn_give_supervisor(const int *fds, size_t count, const char *text);
