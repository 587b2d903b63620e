/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See invitation.h. One request and the few words of its answer that matter; before there is an event loop.
 */
#include "config.h"

#include "daemon/invitation.h"

#include "daemon/channel.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

enum { PATIENCE_MS = 60000, PAUSE_MS = 5, ANSWER_MAX = 65536 };

static const char request[] = "POST /v1/takeover HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                              "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
                              "{\"to\":\"heir\"}";

char *invitation_write_path(const char *admin_socket)
{
    return memory_print("%s.heir", admin_socket);
}

/* ---- the admin socket ---- */

static int ask(const char *admin_socket, int *fd)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(admin_socket) >= sizeof at.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(at.sun_path, admin_socket, strlen(admin_socket) + 1);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd == -1) {
        return -errno;
    }
    bool good = connect(*fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
                send(*fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof request - 1);
    int error = errno == 0 ? EIO : errno;
    if (!good) {
        (void)close(*fd);
        *fd = -1;
    }
    bool has_ended = error == ENOENT || error == ECONNREFUSED || error == EPIPE || error == ECONNRESET;
    return good ? 0 : has_ended ? ERROR_NOT_FOUND : -error;
}

/* The detail of a problem, owned; or what there is instead. NULL: the server has ended. */
static char *read_why(int fd)
{
    char bytes[ANSWER_MAX + 1];
    size_t len = 0;
    ssize_t got = 0;
    while (len < ANSWER_MAX && (got = recv(fd, bytes + len, ANSWER_MAX - len, 0)) > 0) {
        len += (size_t)got;
    }
    bytes[len] = '\0';
    if (len == 0) {
        return NULL;
    }
    const char *body = strstr(bytes, "\r\n\r\n");
    json_t *problem = body == NULL ? NULL : json_loads(body + 4, 0, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    char *why = memory_copy_text(detail != NULL ? detail : "its answer is none that was expected");
    json_decref(problem);
    return why;
}

/* ---- one at a time ---- */

/* All listen at the same path, and clear it before and after: so only one at a time. By a lock on its folder,
 * which ends with the process; where that cannot be had there are no turns. */
static int take_turn(const char *path, int *turn)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? memory_copy_text(".") : memory_print("%.*s/", (int)(slash - path), path);
    int left = PATIENCE_MS / PAUSE_MS;
    *turn = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    while (*turn != -1 && flock(*turn, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) {
        if (left-- == 0) {
            (void)close(*turn);
            return -ETIMEDOUT;
        }
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static void end_turn(int turn)
{
    if (turn != -1) {
        (void)close(turn);
    }
}

/* ---- both ---- */

/* Until one of them has something. Whoever comes to the listener comes because of what was asked. */
static int wait_for(int listener, int asked, int *channel)
{
    struct pollfd doors[] = {{.fd = listener, .events = POLLIN}, {.fd = asked, .events = POLLIN}};
    int ready = poll(doors, 2, PATIENCE_MS);
    if (ready > 0 && doors[0].revents != 0) {
        return channel_accept(listener, channel);
    }
    if (ready > 0) {
        char *why = read_why(asked);
        if (why == NULL) {
            return ERROR_NOT_FOUND;
        }
        log_error("takeover refused why=\"%s\"", why);
        free(why);
        return ERROR_CONFLICT;
    }
    return ready == 0 ? -ETIMEDOUT : -errno;
}

static int wait_at(const char *path, const char *admin_socket, int *channel)
{
    int listener, asked = -1, error = channel_listen(path, &listener);
    bool listens = error == 0;
    error = listens ? ask(admin_socket, &asked) : error;
    error = error == 0 ? wait_for(listener, asked, channel) : error;
    if (asked != -1) {
        (void)close(asked);
    }
    if (listens) {
        (void)unlink(path);
        (void)close(listener);
    }
    return error;
}

static int invite(const char *admin_socket, int *channel)
{
    char *path = invitation_write_path(admin_socket);
    int turn, error = take_turn(path, &turn);
    if (error == 0) {
        error = wait_at(path, admin_socket, channel);
        end_turn(turn);
    }
    if (error != 0 && error != ERROR_NOT_FOUND && error != ERROR_CONFLICT) {
        log_error("takeover refused socket=%s why=\"%s\"", path, error_text(error));
    }
    free(path);
    return error;
}

int invitation_send(const char *config, int *channel)
{
    struct report *report = report_new(); /* the start reads it again, and says what is wrong with it */
    struct conf_server *conf = conf_load_server(config, report);
    bool has_socket = conf != NULL && conf->admin_socket != NULL;
    int error = has_socket ? invite(conf->admin_socket, channel) : ERROR_NOT_FOUND;
    conf_free_server(conf);
    report_free(report);
    return error;
}
