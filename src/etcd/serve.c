/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See serve.h. libcurl's multi interface: any number of requests at once, none of which waits for another. */
#include "config.h"

#include "etcd/serve.h"

#include "base/memory.h"
#include "base/pass.h"
#include "etcd/desk.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS_KEPT = 16, CONNECTIONS_MAX = 128 };

struct server {
    int channel;
    struct etcd_wire wire;
    CURLM *multi;
    struct desk *desk;
};

/* The order: nothing but the version, with the end of the stream. */
static int take_order(int channel, int *stream)
{
    struct pollfd one = {.fd = channel, .events = POLLIN};
    uint32_t version = 0;
    (void)poll(&one, 1, -1);
    ssize_t n = pass_receive(channel, &version, sizeof version, stream);
    if (*stream == -1) {
        return n < 0 ? (int)n : -EPIPE;
    }
    if (n != sizeof version || version != ETCD_VERSION) { /* a longer one is of another version as well */
        (void)close(*stream);
        return -EPROTONOSUPPORT;
    }
    return 0;
}

static bool take_frames(struct server *server)
{
    struct etcd_frame frame;
    int error = etcd_wire_receive(&server->wire);
    if (error != 0 && error != -EAGAIN) {
        return false;
    }
    while ((error = etcd_wire_next(&server->wire, &frame)) == 0) {
        if (desk_take(server->desk, &frame) != 0) {
            return false;
        }
    }
    return error == -EAGAIN;
}

static void take_ends(struct server *server)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(server->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            desk_settle(server->desk, message->easy_handle, message->data.result);
        }
    }
}

/* Returns false when nobody wants anything any more. Who takes nothing is not listened to. */
static bool turn(struct server *server)
{
    bool has_more = etcd_wire_count_waiting(&server->wire) != 0, listens = !desk_is_full(server->desk);
    short events = (short)((listens ? CURL_WAIT_POLLIN : 0) | (has_more ? CURL_WAIT_POLLOUT : 0));
    struct curl_waitfd fds[2] = {{.fd = server->channel, .events = CURL_WAIT_POLLIN},
                                 {.fd = server->wire.fd, .events = events}};
    int running;
    if (curl_multi_poll(server->multi, fds, 2, desk_find_wait_ms(server->desk), NULL) != CURLM_OK ||
        fds[0].revents != 0) {
        return false;
    }
    if ((fds[1].revents & ~CURL_WAIT_POLLOUT) != 0 && !take_frames(server)) {
        return false;
    }
    (void)curl_multi_perform(server->multi, &running);
    take_ends(server);
    desk_tick(server->desk);
    return etcd_wire_flush(&server->wire) == 0;
}

int etcd_serve(int channel)
{
    struct server server = {.channel = channel};
    int stream, error = take_order(channel, &stream);
    if (error != 0) {
        return error;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (server.multi = curl_multi_init()) == NULL) {
        (void)close(stream);
        return -ENOMEM;
    }
    (void)curl_multi_setopt(server.multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    (void)curl_multi_setopt(server.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
    etcd_wire_init(&server.wire, stream);
    server.desk = desk_new(server.multi, &server.wire);
    while (turn(&server)) {
    }
    desk_free(server.desk);
    (void)curl_multi_cleanup(server.multi);
    curl_global_cleanup();
    etcd_wire_fini(&server.wire);
    (void)close(stream);
    return 0;
}
