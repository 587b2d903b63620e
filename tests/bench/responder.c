/* SPDX-License-Identifier: BSD-3-Clause
 *
 * responder PORT
 *
 * Answers every HTTP request to that port of any address with 200 and closes the connection: as little work
 * for each as can be, so that tests/bench/fleet measures who asks and not who answers. The kernel hands a
 * connection over once the request is there, so four system calls are all that it takes. Who says nothing is
 * dropped. Ends when its standard input does. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, WAIT_S = 5, ROUND = 256 };

static int open_listener(uint16_t port)
{
    int on = 1, wait_s = WAIT_S, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &wait_s, sizeof wait_s) == -1 ||
        bind(fd, (const struct sockaddr *)&at, sizeof at) == -1 || listen(fd, BACKLOG) == -1) {
        perror("responder");
        exit(1);
    }
    return fd;
}

/* Returns whether there was somebody. */
static bool answer_one(int listener)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    char request[4096];
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1) {
        return errno == ECONNABORTED || errno == EINTR;
    }
    if (recv(fd, request, sizeof request, 0) > 0) {
        ssize_t sent = send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
        (void)sent; /* who has gone needs none */
    }
    (void)close(fd);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: responder PORT\n");
        return 2;
    }
    struct pollfd ready[2] = {{.fd = open_listener((uint16_t)strtoul(argv[1], NULL, 10)), .events = POLLIN},
                              {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(ready, 2, -1) != -1 || errno == EINTR) {
        if (ready[1].revents != 0) {
            return 0;
        }
        for (int i = 0; i < ROUND && answer_one(ready[0].fd); i++) {
        }
    }
    return 1;
}
