/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The program that runs the commands of checks of type exec for steerd, so that nothing is ever forked there.
 * steerd starts and ends it; nobody else has a use for it. */
#include "config.h"

#include "base/exits.h"
#include "exec/frame.h"
#include "exec/serve.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

static int find_type(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ? -1 : type;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc != 1 || find_type(EXEC_CHANNEL) != SOCK_SEQPACKET) {
        fputs("steerd-exec: steerd starts this program, for checks of type exec\n", stderr);
        return EXITS_USAGE;
    }
    (void)fcntl(EXEC_CHANNEL, F_SETFD, FD_CLOEXEC);
    return exec_serve(EXEC_CHANNEL) == 0 ? EXITS_OK : EXITS_REFUSED;
}
