/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages with descriptors: see channel.h. Whoever is at the other end has been started by us, or has
 * started us; what it says is read as carefully as if it had not. */
#include "config.h"

#include "daemon/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union control {
    struct cmsghdr header;
    unsigned char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

int channel_open(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1) {
        return -errno;
    }
    return 0;
}

static int make_socket(const char *path, struct sockaddr_un *at, int *fd)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    *fd = -1;
    if (strlen(path) >= sizeof at->sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(at->sun_path, path, strlen(path) + 1);
    *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *fd == -1 ? -errno : 0;
}

static int drop_socket(int *fd)
{
    int error = -errno;
    (void)close(*fd);
    *fd = -1;
    return error;
}

int channel_listen(const char *path, int *fd)
{
    struct sockaddr_un at;
    int error = make_socket(path, &at, fd);
    if (error != 0) {
        return error;
    }
    struct stat old;
    if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode)) { /* of one that was killed */
        (void)unlink(path);
    }
    /* what fchmod() says holds for the file from its birth on */
    bool good = fchmod(*fd, S_IRUSR | S_IWUSR) == 0 &&
                bind(*fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(*fd, 1) == 0;
    return good ? 0 : drop_socket(fd);
}

int channel_accept(int listener, int *fd)
{
    *fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return *fd == -1 ? -errno : 0;
}

int channel_meet(const char *path, int *fd)
{
    struct sockaddr_un at;
    int error = make_socket(path, &at, fd);
    if (error == 0 && connect(*fd, (const struct sockaddr *)&at, sizeof at) == -1) {
        error = drop_socket(fd);
    }
    return error;
}

int channel_try_send(int fd, const char *text, const int *fds, size_t fd_count)
{
    union control control;
    struct iovec vector = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (fd_count != 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(fd_count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(header), fds, fd_count * sizeof *fds);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == -1 ? -errno : 0;
}

static int wait_for(int fd, short events, int patience_ms)
{
    struct pollfd one = {.fd = fd, .events = events};
    int ready = poll(&one, 1, patience_ms);
    return ready == 1 ? 0 : ready == 0 ? -ETIMEDOUT : -errno;
}

int channel_send(int fd, json_t *body, int patience_ms)
{
    char *text = json_dumps(body, JSON_COMPACT);
    int error = text == NULL ? -ENOMEM : channel_try_send(fd, text, NULL, 0);
    while (error == -EAGAIN && (error = wait_for(fd, POLLOUT, patience_ms)) == 0) {
        error = channel_try_send(fd, text, NULL, 0);
    }
    free(text);
    json_decref(body);
    return error;
}

static void take_descriptors(struct msghdr *header, struct channel_message *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS) {
            size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            count = count < CHANNEL_FDS_MAX - message->fd_count ? count : CHANNEL_FDS_MAX - message->fd_count;
            memcpy(message->fds + message->fd_count, CMSG_DATA(at), count * sizeof(int));
            message->fd_count += count;
        }
    }
}

int channel_try_receive(int fd, struct channel_message *message)
{
    char bytes[CHANNEL_SIZE];
    union control control;
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr header = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *message = (struct channel_message){.body = NULL};
    ssize_t len = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (len == -1 && errno == ECONNRESET) { /* it died before it read all; what it sent is there yet */
        len = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    }
    if (len == -1) {
        return errno == EINTR ? -EAGAIN : -errno;
    }
    take_descriptors(&header, message);
    if (len == 0) {
        channel_free_message(message);
        return -ECONNRESET;
    }
    bool is_cut = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    message->body = is_cut ? NULL : json_loadb(bytes, (size_t)len, 0, NULL);
    message->say = json_string_value(json_object_get(message->body, "say"));
    if (message->say == NULL) {
        channel_free_message(message);
        return -EPROTO;
    }
    return 0;
}

int channel_receive(int fd, struct channel_message *message, int patience_ms)
{
    int error = channel_try_receive(fd, message);
    while (error == -EAGAIN && (error = wait_for(fd, POLLIN, patience_ms)) == 0) {
        error = channel_try_receive(fd, message);
    }
    return error;
}

void channel_free_message(struct channel_message *message)
{
    for (size_t i = 0; i < message->fd_count; i++) {
        if (message->fds[i] != -1) {
            (void)close(message->fds[i]);
        }
    }
    message->fd_count = 0;
    json_decref(message->body);
    message->body = NULL;
}
