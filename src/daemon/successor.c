/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See successor.h. */
#include "config.h"

#include "daemon/successor.h"

#include "daemon/channel.h"
#include "daemon/spawn.h"
#include "daemon/takeover.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_MS = 10000 };

int successor_start(struct successor *successor, char *const *argv, int channel)
{
    *successor = (struct successor){.fd = -1, .is_child = true};
    int error = spawn_program(argv, TAKEOVER_VARIABLE, channel, &successor->pid);
    successor->fd = error == 0 ? pidfd_open(successor->pid, 0) : -1;
    return error;
}

/* It cannot have ended and its number be another's: the channel would have ended with it. */
static int look_at(struct successor *successor, int channel)
{
    struct ucred who;
    socklen_t len = sizeof who;
    if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1) {
        return -errno;
    }
    if (who.pid <= 0 || (who.uid != geteuid() && who.uid != 0)) {
        return -EACCES;
    }
    successor->pid = who.pid;
    successor->fd = pidfd_open(who.pid, 0);
    return successor->fd == -1 || pidfd_send_signal(successor->fd, 0, NULL, 0) == -1 ? -EACCES : 0;
}

int successor_meet(struct successor *successor, const char *path, int *channel)
{
    *successor = (struct successor){.fd = -1};
    int error = channel_meet(path, channel);
    if (error == 0 && (error = look_at(successor, *channel)) != 0) {
        successor_close(successor);
        (void)close(*channel);
        *channel = -1;
    }
    return error;
}

static bool look(struct successor *successor, bool waits)
{
    struct pollfd one = {.fd = successor->fd, .events = POLLIN};
    if (successor->is_child) {
        pid_t ended = waitpid(successor->pid, &successor->status, waits ? 0 : WNOHANG);
        return ended == successor->pid || (ended == -1 && errno == ECHILD);
    }
    return poll(&one, 1, waits ? END_MS : 0) == 1;
}

bool successor_has_ended(struct successor *successor)
{
    successor->has_ended = successor->has_ended || look(successor, false);
    return successor->has_ended;
}

void successor_signal(const struct successor *successor, int number)
{
    if (!successor->has_ended) {
        (void)(successor->is_child ? kill(successor->pid, number)
                                   : pidfd_send_signal(successor->fd, number, NULL, 0));
    }
}

void successor_end(struct successor *successor)
{
    successor_signal(successor, SIGKILL);
    successor->has_ended = successor->has_ended || look(successor, true);
}

char *successor_describe(const struct successor *successor)
{
    if (!successor->is_child) {
        return memory_copy_text("");
    }
    if (WIFSIGNALED(successor->status)) {
        return memory_print(" by signal %d (%s)", WTERMSIG(successor->status),
                            strsignal(WTERMSIG(successor->status)));
    }
    return memory_print(" with code %d", WEXITSTATUS(successor->status));
}

void successor_close(struct successor *successor)
{
    if (successor->fd != -1) {
        (void)close(successor->fd);
        successor->fd = -1;
    }
}
