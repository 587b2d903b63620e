/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See spawn.h. posix_spawn() borrows the address space until the program runs: a fork would copy the page
 * tables of many gigabytes, while this process answers. */
#include "config.h"

#include "daemon/spawn.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHANNEL_FD = 3, FDS_MAX = 253 /* the kernel takes no more */ };

/* The environment with `variable` said anew; its last entry is owned. */
static char **make_environment(const char *variable, char **added)
{
    size_t count = 0, len = strlen(variable), used = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **list = memory_alloc_array(count + 2, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], variable, len) != 0 || environ[i][len] != '=') {
            list[used++] = environ[i];
        }
    }
    *added = list[used] = memory_print("%s=%d", variable, CHANNEL_FD);
    return list;
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int fd)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_adddup2(actions, fd, CHANNEL_FD);
    error = error == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, CHANNEL_FD + 1) : error;
    error = error == 0 ? posix_spawnattr_setsigmask(attributes, &none) : error;
    error = error == 0 ? posix_spawnattr_setsigdefault(attributes, &all) : error;
    return error == 0 ? posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
                      : error;
}

int spawn_program(char *const *argv, const char *variable, int fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *added, **environment = make_environment(variable, &added);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = prepare(&actions, &attributes, fd);
    error = error == 0 ? posix_spawnp(pid, argv[0], &actions, &attributes, argv, environment) : error;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(added);
    free(environment);
    return -error;
}

bool spawn_is_watched(void)
{
    const char *pid = getenv("SYSTEMD_EXEC_PID");
    bool is_watched =
        pid != NULL && strtol(pid, NULL, 10) == (long)getpid() && getenv("NOTIFY_SOCKET") == NULL;
    return getpid() == 1 || is_watched;
}

bool spawn_has_supervisor(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

/* Is there such a socket? */
static bool find_supervisor(struct sockaddr_un *to, socklen_t *len)
{
    const char *path = getenv("NOTIFY_SOCKET");
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to->sun_path) {
        return false;
    }
    memcpy(to->sun_path, path, strlen(path));
    if (path[0] == '@') { /* an abstract name */
        to->sun_path[0] = '\0';
    }
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    return true;
}

static void send_supervisor(const struct msghdr *message)
{
    struct sockaddr_un to;
    socklen_t len;
    int fd = find_supervisor(&to, &len) ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd != -1) {
        struct msghdr addressed = *message;
        addressed.msg_name = &to;
        addressed.msg_namelen = len;
        (void)sendmsg(fd, &addressed, MSG_NOSIGNAL);
        (void)close(fd);
    }
}

void spawn_tell_supervisor(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct iovec part = {text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1};
    send_supervisor(&(struct msghdr){.msg_iov = &part, .msg_iovlen = 1});
}

void spawn_give_supervisor(const int *fds, size_t count, const char *text)
{
    union {
        struct cmsghdr first;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
    if (count > FDS_MAX) {
        return;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof *fds);
    memcpy(CMSG_DATA(header), fds, count * sizeof *fds);
    send_supervisor(&message);
}
