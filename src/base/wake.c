/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See wake.h. A buffer that is full says as much as one more octet. */
#include "config.h"

#include "base/wake.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int wake_open(struct wake *wake)
{
    int pair[2];
    *wake = (struct wake){-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1) {
        return -errno;
    }
    *wake = (struct wake){pair[0], pair[1]};
    return 0;
}

void wake_close(struct wake *wake)
{
    if (wake->rings != -1) {
        (void)close(wake->rings);
        (void)close(wake->hears);
    }
    *wake = (struct wake){-1, -1};
}

void wake_ring(const struct wake *wake)
{
    (void)send(wake->rings, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void wake_clear(const struct wake *wake)
{
    char rung[256];
    (void)recv(wake->hears, rung, sizeof rung, MSG_DONTWAIT);
}
