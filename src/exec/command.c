/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See command.h. fork() costs little in a process as small as this one, and unlike vfork() it does not hold
 * everybody up while the file of one program comes from a disk that hangs.
 *
 * The process ID of a command is its own until it was waited for, and so is the number of its group: what is
 * killed before that is nobody else. */
#include "config.h"

#include "exec/command.h"

#include "base/hash.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEAR_MAX = 65536, REST_ROUNDS = 64, DESCRIPTORS = 1024, NOT_RUN = 127 };

static void tell(int story, enum exec_story_kind kind, int value, char *bytes, size_t len)
{
    struct exec_story head = {.kind = kind, .value = value};
    struct iovec parts[2] = {{.iov_base = &head, .iov_len = sizeof head},
                             {.iov_base = bytes, .iov_len = len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    (void)sendmsg(story, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void command_refuse(int story, enum exec_story_kind why, int value)
{
    tell(story, why, value, NULL, 0);
    (void)close(story);
}

static uint64_t hash_texts(uint64_t hash, char *const *texts)
{
    for (; *texts != NULL; texts++) {
        hash = hash_bytes(hash, *texts, strlen(*texts) + 1);
    }
    return hash;
}

uint64_t command_mark(const struct exec_order *order)
{
    return hash_finish(hash_texts(hash_texts(HASH_START, order->words), order->variables));
}

/* ---- in the new process ---- */

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number, SIG_DFL);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Programs that know select() only break beyond that. */
static void limit_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > DESCRIPTORS) {
        limit.rlim_cur = DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* All other descriptors are closed by execve(). */
static int set_streams(int pipe)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return null == -1 || dup2(null, STDIN_FILENO) == -1 || dup2(pipe, STDOUT_FILENO) == -1 ||
                   dup2(pipe, STDERR_FILENO) == -1
               ? -errno
               : 0;
}

static void run(const struct exec_order *order, int pipe, int story, pid_t parent)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(NOT_RUN);
    }
    reset_signals();
    limit_descriptors();
    (void)umask(S_IWGRP | S_IWOTH);
    int error = chdir("/") == -1 ? -errno : set_streams(pipe);
    if (error == 0) {
        (void)execve(order->words[0], order->words, order->variables);
        error = -errno;
    }
    tell(story, EXEC_FAILED, -error, NULL, 0);
    _exit(NOT_RUN);
}

/* ---- in this one ---- */

struct command *command_start(const struct exec_order *order, int story)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) == -1) {
        command_refuse(story, EXEC_FAILED, errno);
        return NULL;
    }
    pid_t pid = fork();
    if (pid == 0) {
        run(order, ends[1], story, parent);
    }
    int error = errno;
    (void)close(ends[1]);
    if (pid == -1) {
        (void)close(ends[0]);
        command_refuse(story, EXEC_FAILED, error);
        return NULL;
    }
    (void)setpgid(pid, pid); /* whoever of both comes first */
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    tell(story, EXEC_STARTED, pid, NULL, 0);
    struct command *command = memory_alloc(sizeof *command);
    *command = (struct command){.pid = pid,
                                .kept = -1,
                                .story = story,
                                .pipe = ends[0],
                                .mark = command_mark(order),
                                .max = order->output_max,
                                .keeps_end = order->keeps_end};
    return command;
}

static void keep_end(struct command *command, const char *bytes, size_t len)
{
    size_t more = len < command->max ? len : command->max, left = command->max - more;
    size_t gone = command->len > left ? command->len - left : 0;
    command->said = memory_resize(command->said, command->max, 1);
    memmove(command->said, command->said + gone, command->len - gone);
    command->len -= gone;
    memcpy(command->said + command->len, bytes + len - more, more);
    command->len += more;
}

static void keep(struct command *command, const char *bytes, size_t len)
{
    if (command->keeps_end && len != 0 && command->max != 0 && command->story != -1) {
        keep_end(command, bytes, len);
        return;
    }
    size_t room = command->max - command->len;
    len = len < room ? len : room;
    if (len != 0 && command->story != -1) {
        command->said = memory_resize(command->said, command->len + len, 1);
        memcpy(command->said + command->len, bytes, len);
        command->len += len;
    }
}

/* What is over the limit is read, too: who writes it is not to be held up, nor killed for it. */
bool command_hear(struct command *command)
{
    char bytes[HEAR_MAX];
    ssize_t n = read(command->pipe, bytes, sizeof bytes);
    if (n > 0) {
        keep(command, bytes, (size_t)n);
        return true;
    }
    return n == -1 && (errno == EAGAIN || errno == EINTR);
}

/* It may have left its own group for another one. */
void command_kill(const struct command *command)
{
    (void)kill(-command->pid, SIGKILL);
    (void)kill(command->pid, SIGKILL);
}

static void close_both(struct command *command)
{
    if (command->story != -1) {
        (void)close(command->story);
        command->story = -1;
    }
    if (command->pipe != -1) {
        (void)close(command->pipe);
        command->pipe = -1;
    }
}

void command_give_up(struct command *command)
{
    command_kill(command);
    close_both(command);
    free(command->said);
    command->said = NULL;
}

static void hear_rest(struct command *command)
{
    char bytes[HEAR_MAX];
    ssize_t n = 1;
    for (int i = 0; command->pipe != -1 && i < REST_ROUNDS && n > 0; i++) {
        n = read(command->pipe, bytes, sizeof bytes);
        keep(command, bytes, n > 0 ? (size_t)n : 0);
    }
}

static void drop(struct command *command)
{
    close_both(command);
    free(command->said);
    free(command);
}

void command_end(struct command *command)
{
    int status = 0;
    command_kill(command);
    hear_rest(command);
    (void)waitpid(command->pid, &status, 0);
    if (command->story != -1) {
        bool exited = WIFEXITED(status);
        tell(command->story, exited ? EXEC_EXITED : EXEC_KILLED,
             exited ? WEXITSTATUS(status) : WTERMSIG(status), command->said, command->len);
    }
    drop(command);
}

void command_leave(struct command *command)
{
    command_kill(command);
    drop(command);
}
