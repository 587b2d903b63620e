/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The program that sends webhooks for steerd, so that libcurl and the twenty libraries that it brings along
 * are never loaded there, and what receivers answer is read elsewhere. steerd starts and ends it; nobody else
 * has a use for it. */
#include "config.h"

#include "base/exits.h"
#include "post/frame.h"
#include "post/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static int find_type(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ? -1 : type;
}

int main(int argc, char **argv)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    (void)argv;
    if (argc != 1 || find_type(POST_CHANNEL) != SOCK_SEQPACKET) {
        fputs("steerd-post: steerd starts this program, for webhooks\n", stderr);
        return EXITS_USAGE;
    }
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN); /* who asks for posts ends us */
    }
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)fcntl(POST_CHANNEL, F_SETFD, FD_CLOEXEC);
    return post_serve(POST_CHANNEL) == 0 ? EXITS_OK : EXITS_REFUSED;
}
