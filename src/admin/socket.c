/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Unix sockets. fchmod() before bind() gives the file its permissions at birth (Linux applies them, less the
 * umask) without touching the umask of a process with threads; what the umask took away is added afterwards.
 */
#include "config.h"

#include "admin/socket.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(struct report *report, const char *path, int error, const char *what)
{
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "admin socket: %s: %s", what,
               error_text(error));
    return error;
}

/* Does anybody accept connections there? 0 (nobody: the file is abandoned), ERROR_CONFLICT or -errno. */
static int probe_live(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), result = ERROR_CONFLICT;
    if (fd == -1) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) == -1 && errno != EAGAIN) {
        result = errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
    }
    close(fd);
    return result;
}

static int remove_abandoned(const struct sockaddr_un *at, struct report *report)
{
    struct stat file;
    if (lstat(at->sun_path, &file) == -1) {
        return errno == ENOENT ? 0 : fail(report, at->sun_path, -errno, "cannot look at the path");
    }
    if (!S_ISSOCK(file.st_mode)) {
        report_add(
            report, REPORT_ERROR, &(struct report_place){.file = at->sun_path},
            "admin socket: found a file that is not a socket, expected nothing or an abandoned socket");
        return ERROR_CONFLICT;
    }
    int live = probe_live(at);
    if (live == ERROR_CONFLICT) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = at->sun_path},
                   "admin socket: another process is listening there");
        return ERROR_CONFLICT;
    }
    if (live != 0) {
        return fail(report, at->sun_path, live, "cannot tell whether the socket is in use");
    }
    return unlink(at->sun_path) == -1 && errno != ENOENT
               ? fail(report, at->sun_path, -errno, "cannot remove the abandoned socket")
               : 0;
}

/* At once, for who finds the file wants to connect. */
static int listen_at(int fd, const struct sockaddr_un *at, unsigned mode, struct report *report)
{
    if (fchmod(fd, (mode_t)mode) == -1 || bind(fd, (const struct sockaddr *)at, sizeof *at) == -1) {
        return fail(report, at->sun_path, -errno, "cannot bind");
    }
    if (listen(fd, ADMIN_SOCKET_BACKLOG) == -1) {
        return fail(report, at->sun_path, -errno, "cannot listen");
    }
    if (chmod(at->sun_path, (mode_t)mode) == -1) {
        return fail(report, at->sun_path, -errno, "cannot set the permissions");
    }
    return 0;
}

int admin_socket_open(const char *path, unsigned mode, struct report *report, struct admin_socket *made)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat file;
    *made = (struct admin_socket){.fd = -1};
    if (strlen(path) == 0 || strlen(path) >= sizeof at.sun_path) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
                   "admin socket: the path has %zu octets, expected 1 to %zu", strlen(path),
                   sizeof at.sun_path - 1);
        return ERROR_INVALID;
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    int error = remove_abandoned(&at, report);
    if (error != 0) {
        return error;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1) {
        return fail(report, path, -errno, "cannot make a socket");
    }
    error = listen_at(fd, &at, mode, report);
    if (error != 0) {
        close(fd);
        return error;
    }
    if (lstat(path, &file) == 0) {
        made->device = file.st_dev;
        made->inode = file.st_ino;
    }
    made->fd = fd;
    made->path = memory_copy_text(path);
    return 0;
}

int admin_socket_adopt(int fd, const char *path, unsigned mode, struct admin_socket *made)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof at;
    struct stat bound, named;
    *made = (struct admin_socket){.fd = -1};
    if (getsockname(fd, (struct sockaddr *)&at, &len) == -1 || at.sun_family != AF_UNIX ||
        lstat(at.sun_path, &bound) == -1 || lstat(path, &named) == -1 || bound.st_dev != named.st_dev ||
        bound.st_ino != named.st_ino) {
        return ERROR_NOT_FOUND;
    }
    (void)chmod(path, (mode_t)mode);
    *made = (struct admin_socket){
        .fd = fd, .path = memory_copy_text(path), .device = named.st_dev, .inode = named.st_ino};
    return 0;
}

void admin_socket_disown(struct admin_socket *made)
{
    free(made->path);
    made->path = NULL;
}

bool admin_socket_is_there(const struct admin_socket *made)
{
    struct stat file;
    return lstat(made->path, &file) == 0 && file.st_dev == made->device && file.st_ino == made->inode;
}

void admin_socket_remove(struct admin_socket *made)
{
    if (made->path == NULL) {
        return;
    }
    if (admin_socket_is_there(made)) {
        unlink(made->path);
    }
    free(made->path);
    made->path = NULL;
}
