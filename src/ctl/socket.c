/* SPDX-License-Identifier: BSD-3-Clause
 *
 * connect(), poll(), send() and recv(); and what the kernel's error numbers leave unsaid: connect() says
 * "refused" of a file that is no socket as of a socket where nobody listens, and "permission denied" of the
 * socket as of a folder on the way to it. */
#include "config.h"

#include "ctl/socket.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 65536, NAME_SIZE = 64 };

/* ---- what is wrong with the path ---- */

static const char *write_user(uid_t uid, char name[NAME_SIZE])
{
    const struct passwd *user = getpwuid(uid);
    snprintf(name, NAME_SIZE, "%u", (unsigned)uid);
    return user == NULL ? name : strncpy(name, user->pw_name, NAME_SIZE - 1);
}

static const char *write_group(gid_t gid, char name[NAME_SIZE])
{
    const struct group *group = getgrgid(gid);
    snprintf(name, NAME_SIZE, "%u", (unsigned)gid);
    return group == NULL ? name : strncpy(name, group->gr_name, NAME_SIZE - 1);
}

/* The outermost folder on the way that may not be entered. */
static bool find_closed_folder(const char *path, char folder[PATH_MAX], struct stat *file)
{
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        if (len >= PATH_MAX) {
            return false;
        }
        memcpy(folder, path, len);
        folder[len] = '\0';
        if (stat(folder, file) == 0 && faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) == -1) {
            return true;
        }
    }
    return false;
}

/* Whose it is, and who would be let in. bits: of the group, in the mode. */
static void explain_owner(const struct stat *file, mode_t bits, struct buffer *why)
{
    char user[NAME_SIZE] = "", group[NAME_SIZE] = "";
    write_user(file->st_uid, user);
    write_group(file->st_gid, group);
    buffer_print(why, " (owner %s, group %s, mode %04o): ", user, group, (unsigned)file->st_mode & 07777);
    if ((file->st_mode & bits) != 0) {
        buffer_print(why, "run steerctl as %s, as a member of group %s or as root", user, group);
    } else {
        buffer_print(why, "run steerctl as %s or as root", user);
    }
}

static void explain_denied(const char *path, struct buffer *why)
{
    struct stat file;
    char me[NAME_SIZE] = "", folder[PATH_MAX];
    write_user(geteuid(), me);
    if (find_closed_folder(path, folder, &file)) {
        buffer_print(why, "user %s may not enter the folder %s of the socket %s", me, folder, path);
        explain_owner(&file, S_IXGRP, why);
    } else if (stat(path, &file) == 0) {
        buffer_print(why, "user %s may not use the socket %s", me, path);
        explain_owner(&file, S_IWGRP, why);
    } else {
        buffer_print(why, "user %s may not use the socket %s: %s", me, path, strerror(EACCES));
    }
}

static const char *kind_of(const struct stat *file)
{
    switch (file->st_mode & S_IFMT) {
    case S_IFDIR: return "a folder";
    case S_IFREG: return "a regular file";
    case S_IFIFO: return "a FIFO";
    default: return "a device";
    }
}

static void explain(const char *path, int error, struct buffer *why)
{
    struct stat file;
    if (stat(path, &file) == 0 && !S_ISSOCK(file.st_mode)) {
        buffer_print(
            why,
            "%s is %s, not a socket: name the socket of steerd (admin.socket in steerd.json) with -s "
            "or STEERD_SOCKET",
            path, kind_of(&file));
    } else if (error == ENOENT || error == ENOTDIR) {
        buffer_print(
            why,
            "there is no socket %s: is steerd running? Start it, or name its socket (admin.socket in "
            "steerd.json) with -s or STEERD_SOCKET",
            path);
    } else if (error == EACCES || error == EPERM) {
        explain_denied(path, why);
    } else if (error == ECONNREFUSED) {
        buffer_print(why,
                     "nobody listens at the socket %s: the steerd that made it has ended; start steerd again",
                     path);
    } else if (error == EAGAIN) {
        buffer_print(why, "steerd at %s accepts no connection: it is overloaded or was stopped", path);
    } else {
        buffer_print(why, "cannot connect to %s: %s", path, strerror(error));
    }
}

/* ---- the connection ---- */

/* A connect() that may wait for the server's queue, but not for ever: 0 or an errno. */
static int connect_within(int fd, const struct sockaddr_un *at, int ms)
{
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == -1) {
        return errno;
    }
    while (connect(fd, (const struct sockaddr *)at, sizeof *at) == -1) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ? errno : 0;
}

bool socket_connect(const char *path, const struct socket_limits *limits, int *fd, struct buffer *why)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    *fd = -1;
    if (len == 0 || len >= sizeof at.sun_path) {
        buffer_print(why, "the path of the socket has %zu octets, expected 1 to %zu: %s", len,
                     sizeof at.sun_path - 1, path);
        return false;
    }
    memcpy(at.sun_path, path, len + 1);
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = made == -1 ? errno : connect_within(made, &at, limits->connect_ms);
    if (error != 0) {
        explain(path, error, why);
        if (made != -1) {
            close(made);
        }
        return false;
    }
    *fd = made;
    return true;
}

/* ---- request and answer ---- */

/* What there is to read. The server may be gone with an error after it answered: what was read counts. */
static enum http_progress read_some(int fd, struct http_answer *answer, char *piece)
{
    ssize_t n = recv(fd, piece, PIECE, 0);
    if (n > 0) {
        return http_answer_feed(answer, piece, (size_t)n);
    }
    return n == -1 && (errno == EINTR || errno == EAGAIN) ? HTTP_MORE : http_answer_end(answer);
}

/* A server that answers early reads no more: then there is nothing left to write, only to read. */
static void write_some(int fd, const struct buffer *request, size_t *written)
{
    ssize_t n = send(fd, request->bytes + *written, request->len - *written, MSG_NOSIGNAL);
    if (n >= 0) {
        *written += (size_t)n;
    } else if (errno != EINTR && errno != EAGAIN) {
        *written = request->len;
    }
}

bool socket_exchange(int fd, const struct buffer *request, const struct socket_limits *limits,
                     struct http_answer *answer, struct buffer *why)
{
    struct clock clock;
    char piece[PIECE];
    clock_init(&clock);
    int64_t end_ms = clock_now_ms(&clock) + limits->answer_ms, left_ms;
    size_t written = 0;
    enum http_progress progress = HTTP_MORE;
    while (progress == HTTP_MORE && (left_ms = end_ms - clock_now_ms(&clock)) > 0) {
        struct pollfd state = {.fd = fd, .events = POLLIN};
        state.events |= written < request->len ? POLLOUT : 0;
        if (poll(&state, 1, (int)left_ms) == -1 && errno != EINTR) {
            buffer_print(why, "cannot wait for the answer: %s", strerror(errno));
            return false;
        }
        if ((state.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            progress = read_some(fd, answer, piece);
        } else if ((state.revents & POLLOUT) != 0) {
            write_some(fd, request, &written);
        }
    }
    if (progress == HTTP_MORE) {
        buffer_print(why, "steerd has not answered within %d s", limits->answer_ms / 1000);
    } else if (progress == HTTP_BAD) {
        buffer_print(why, "no answer that is understood: %s", answer->fault);
    }
    return progress == HTTP_DONE;
}
