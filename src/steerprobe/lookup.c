/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See lookup.h. What the thread writes belongs to both sides, and goes with the one that leaves last. */
#include "config.h"

#include "steerprobe/lookup.h"

#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { PORT_TEXT = 8 };

struct answer {
    struct addr_port addresses[LOOKUP_MAX];
    size_t count;
    const char *why;
};

struct question {
    _Atomic unsigned holders;
    int fd; /* rings when it is answered */
    struct state_place place;
    struct answer answer;
};

struct lookup {
    struct question *question; /* held */
    struct event *event;
    struct lookup_hooks hooks;
};

static void drop(struct question *question)
{
    if (atomic_fetch_sub(&question->holders, 1) == 1) {
        if (question->fd != -1) {
            close(question->fd);
        }
        free(question);
    }
}

static void *ask(void *argument)
{
    struct question *question = argument;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[PORT_TEXT];
    pthread_setname_np(pthread_self(), "lookup");
    snprintf(port, sizeof port, "%u", question->place.port);
    int error = getaddrinfo(question->place.host, port, &hints, &found);
    struct answer *answer = &question->answer;
    answer->why = error == 0 ? "it has no address" : gai_strerror(error);
    for (struct addrinfo *at = found; at != NULL && answer->count < LOOKUP_MAX; at = at->ai_next) {
        addr_from_sockaddr(at->ai_addr, &answer->addresses[answer->count++]);
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    ssize_t written = write(question->fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* an eventfd below its maximum takes it */
    drop(question);
    return NULL;
}

static void on_found(int fd, short events, void *argument)
{
    struct lookup *lookup = argument;
    const struct lookup_hooks hooks = lookup->hooks;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    const struct answer answer = lookup->question->answer;
    (void)got, (void)events;
    lookup_cancel(lookup);
    hooks.found(hooks.context, answer.addresses, answer.count, answer.why);
}

static bool start(struct event_base *base, struct lookup *lookup)
{
    pthread_t thread;
    struct question *question = lookup->question;
    lookup->event = question->fd == -1 ? NULL : event_new(base, question->fd, EV_READ, on_found, lookup);
    if (lookup->event == NULL || event_add(lookup->event, NULL) != 0 ||
        thread_start(&thread, ask, question) != 0) {
        return false;
    }
    pthread_detach(thread);
    return true;
}

struct lookup *lookup_start(struct event_base *base, const struct state_place *place,
                            const struct lookup_hooks *hooks)
{
    struct lookup *lookup = memory_alloc(sizeof *lookup);
    struct question *question = memory_alloc(sizeof *question);
    *lookup = (struct lookup){.question = question, .hooks = *hooks};
    question->place = *place;
    question->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    atomic_init(&question->holders, 2);
    if (start(base, lookup)) {
        return lookup;
    }
    atomic_store(&question->holders, 1); /* there is no thread */
    lookup_cancel(lookup);
    return NULL;
}

void lookup_cancel(struct lookup *lookup)
{
    if (lookup != NULL) {
        if (lookup->event != NULL) {
            event_free(lookup->event);
        }
        drop(lookup->question);
        free(lookup);
    }
}
