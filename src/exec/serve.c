/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See serve.h. One thread, one epoll, one event at a time, so that nothing is gone when its event comes. */
#include "config.h"

#include "exec/serve.h"

#include "base/descriptors.h"
#include "base/memory.h"
#include "base/pass.h"
#include "exec/command.h"
#include "exec/warden.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* At a time; and of those that were killed and do not die, which take no descriptor: of all, and of one
 * command, so that one that hangs leaves room for all others. */
enum { COMMANDS_MAX = 1024, STUCK_MAX = 4096, STUCK_ALIKE_MAX = 16 };

/* An event tells its descriptor. */
struct server {
    int channel, signals, epoll;
    struct command *commands, *stuck;
    size_t count, stuck_count;
    struct warden *warden; /* NULL: there is none */
    char bytes[EXEC_ORDER_MAX];
};

static void watch(const struct server *server, int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    (void)epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Before it is closed: a process that was just forked has it, too, for a moment, and the kernel would go on
 * to tell of it by a number that is somebody else's by then (epoll(7)). */
static void unwatch(const struct server *server, int fd)
{
    if (fd != -1) {
        (void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, fd, NULL);
    }
}

/* ---- orders ---- */

static int count_stuck(const struct server *server, uint64_t mark)
{
    int count = 0;
    for (const struct command *command = server->stuck; command != NULL; command = command->next) {
        count += command->mark == mark;
    }
    return count;
}

/* Takes `story`. */
static struct command *try_to_start(const struct server *server, const struct exec_order *order, int story)
{
    int alike = count_stuck(server, command_mark(order));
    if (alike >= STUCK_ALIKE_MAX) {
        command_refuse(story, EXEC_STUCK, alike);
    } else if (server->count >= COMMANDS_MAX || server->stuck_count >= STUCK_MAX) {
        command_refuse(story, EXEC_FAILED, EAGAIN);
    } else {
        return command_start(order, story);
    }
    return NULL;
}

static void begin(struct server *server, struct exec_order *order, int story)
{
    struct command *command = try_to_start(server, order, story);
    exec_free_order(order);
    if (command != NULL) {
        command->next = server->commands;
        server->commands = command;
        server->count++;
        command->kept = warden_keep(server->warden, command->pid);
        watch(server, command->pipe, EPOLLIN);
        watch(server, command->story, EPOLLRDHUP);
    }
}

/* Returns false when nobody wants anything any more. */
static bool take_order(struct server *server)
{
    struct exec_order order;
    int story;
    ssize_t n = pass_receive(server->channel, server->bytes, sizeof server->bytes, &story);
    if (n <= 0 && n != -EBADMSG) {
        return n == -EAGAIN;
    }
    if (story == -1) {
        return true; /* no descriptor was left here: the near end hears that nobody holds the far one */
    }
    int error = n < 0 ? (int)n : exec_parse_order(server->bytes, (size_t)n, &order);
    if (error != 0) {
        command_refuse(story, EXEC_FAILED, -error);
    } else {
        begin(server, &order, story);
    }
    return true;
}

/* ---- ends ---- */

static struct command **find_in(struct command **list, pid_t pid)
{
    struct command **at = list;
    while (*at != NULL && (*at)->pid != pid) {
        at = &(*at)->next;
    }
    return at;
}

/* Returns the one that it was, which is in no list any more; NULL: nobody that we know. */
static struct command *take_out(struct server *server, pid_t pid)
{
    struct command **at = find_in(&server->commands, pid);
    bool is_stuck = *at == NULL;
    at = is_stuck ? find_in(&server->stuck, pid) : at;
    struct command *command = *at;
    if (command != NULL) {
        *at = command->next;
        (*(is_stuck ? &server->stuck_count : &server->count))--;
    }
    return command;
}

static void end_all_that_have(struct server *server)
{
    struct signalfd_siginfo signals;
    while (read(server->signals, &signals, sizeof signals) > 0) {
    }
    for (;;) {
        siginfo_t who = {.si_pid = 0};
        if (waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) == -1 || who.si_pid == 0) {
            return;
        }
        struct command *command = take_out(server, who.si_pid);
        if (command == NULL) {
            if (!warden_renew(server->warden, who.si_pid)) {
                (void)waitpid(who.si_pid, NULL, 0);
            }
            continue;
        }
        command_kill(command); /* before its number may be somebody else's */
        warden_forget(server->warden, command->kept);
        unwatch(server, command->story);
        unwatch(server, command->pipe);
        command_end(command);
    }
}

/* Nobody waits for it any more: its end is not told, and comes by a signal. */
static void give_up(struct server *server, struct command *command)
{
    unwatch(server, command->story);
    unwatch(server, command->pipe);
    (void)take_out(server, command->pid);
    command_give_up(command);
    command->next = server->stuck;
    server->stuck = command;
    server->stuck_count++;
}

static void follow(struct server *server, int fd)
{
    struct command *command = server->commands;
    while (command != NULL && command->pipe != fd && command->story != fd) {
        command = command->next;
    }
    if (command == NULL) {
        unwatch(server, fd);
    } else if (command->story == fd) {
        give_up(server, command);
    } else if (!command_hear(command)) {
        unwatch(server, command->pipe);
        (void)close(command->pipe);
        command->pipe = -1;
    }
}

static void leave_all(struct server *server, struct command *list)
{
    for (struct command *command = list, *next; command != NULL; command = next) {
        next = command->next;
        warden_forget(server->warden, command->kept);
        command_leave(command);
    }
}

/* ---- life ---- */

/* A supervisor that ends the whole service tells everybody; whoever asks for commands ends us then. */
static int open_signals(void)
{
    sigset_t children;
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    (void)signal(SIGCHLD, SIG_DFL);
    return sigprocmask(SIG_SETMASK, &children, NULL) == -1
               ? -1
               : signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void serve(struct server *server)
{
    struct epoll_event event;
    bool is_wanted = true;
    while (is_wanted) {
        if (epoll_wait(server->epoll, &event, 1, -1) != 1) {
            continue;
        }
        if (event.data.fd == server->channel) {
            is_wanted = take_order(server);
        } else if (event.data.fd == server->signals) {
            end_all_that_have(server);
        } else {
            follow(server, event.data.fd);
        }
    }
    leave_all(server, server->commands);
    leave_all(server, server->stuck);
}

int exec_serve(int channel)
{
    struct server *server = memory_alloc(sizeof *server);
    server->channel = channel;
    (void)descriptors_raise_limit(); /* a command takes two */
    server->signals = open_signals();
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    int error = server->signals == -1 || server->epoll == -1 ? -errno : 0;
    if (error == 0) {
        server->warden = warden_new(COMMANDS_MAX + STUCK_MAX);
        watch(server, channel, EPOLLIN);
        watch(server, server->signals, EPOLLIN);
        serve(server);
        warden_free(server->warden);
    }
    (void)close(server->signals);
    (void)close(server->epoll);
    free(server);
    return error;
}
