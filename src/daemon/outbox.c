/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A list of parcels: see outbox.h. */
#include "config.h"

#include "daemon/outbox.h"

#include "daemon/channel.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

struct parcel {
    struct parcel *next;
    char *text;
    int fds[CHANNEL_FDS_MAX]; /* borrowed */
    size_t fd_count;
};

struct outbox {
    int fd;
    struct event *writable;
    struct parcel *first, **last;
    void (*failed)(void *context, int error); /* NULL: it was called */
    void *context;
};

static void drop_first(struct outbox *outbox)
{
    struct parcel *parcel = outbox->first;
    outbox->first = parcel->next;
    if (outbox->first == NULL) {
        outbox->last = &outbox->first;
    }
    free(parcel->text);
    free(parcel);
}

static void send_all(struct outbox *outbox)
{
    int error = 0;
    while (outbox->first != NULL && error == 0) {
        const struct parcel *parcel = outbox->first;
        error = parcel->text == NULL
                    ? -ENOMEM
                    : channel_try_send(outbox->fd, parcel->text, parcel->fds, parcel->fd_count);
        if (error == 0) {
            drop_first(outbox);
        }
    }
    if (error == -EAGAIN) {
        (void)event_add(outbox->writable, NULL);
    } else if (error != 0 && error != -EPIPE && outbox->failed != NULL) {
        void (*failed)(void *context, int error_) = outbox->failed;
        outbox->failed = NULL;
        failed(outbox->context, error);
    }
}

static void on_writable(int fd, short events, void *argument)
{
    (void)fd, (void)events;
    send_all(argument);
}

struct outbox *outbox_open(struct event_base *base, int fd, void (*failed)(void *context, int error),
                           void *context)
{
    struct outbox *outbox = memory_alloc(sizeof *outbox);
    *outbox = (struct outbox){.fd = fd, .failed = failed, .context = context};
    outbox->last = &outbox->first;
    outbox->writable = event_new(base, fd, EV_WRITE, on_writable, outbox);
    if (outbox->writable == NULL) {
        free(outbox);
        return NULL;
    }
    return outbox;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL) {
        return;
    }
    while (outbox->first != NULL) {
        drop_first(outbox);
    }
    event_free(outbox->writable);
    free(outbox);
}

void outbox_send(struct outbox *outbox, json_t *body, const int *fds, size_t fd_count)
{
    struct parcel *parcel = memory_alloc(sizeof *parcel);
    parcel->text = json_dumps(body, JSON_COMPACT);
    parcel->fd_count = fd_count;
    if (fd_count != 0) {
        memcpy(parcel->fds, fds, fd_count * sizeof *fds);
    }
    json_decref(body);
    *outbox->last = parcel;
    outbox->last = &parcel->next;
    if (outbox->first == parcel) {
        send_all(outbox);
    }
}
