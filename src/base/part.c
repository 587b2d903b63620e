/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See part.h. */
#include "config.h"

#include "base/part.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static int find_type(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ? -1 : type;
}

bool part_begin(int argc, int channel, const char *usage)
{
    if (argc != 1 || find_type(channel) != SOCK_SEQPACKET) {
        fprintf(stderr, "%s\n", usage);
        return false;
    }
    (void)fcntl(channel, F_SETFD, FD_CLOEXEC);
    return true;
}

void part_ignore_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
