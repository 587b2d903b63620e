/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the real prober share: a record of results that one can wait for, and servers on loopback
 * that behave well or badly. Waiting ends with the event; a patience of 20 s only keeps a broken prober from
 * hanging the suite. */
#pragma once

#include "unit.h"

#include "probe/probe.h"

#include <pthread.h>
#include <stdatomic.h>

struct record {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct probe_result *results;
    size_t count, capacity;
};

void record_init(struct record *r);
void record_fini(struct record *r);
bool record_ended(void *context, const struct probe_result *result); /* the hook; the context is the record */
size_t record_count(struct record *r);
/* The nth (from 0) result of a target of a generation at or behind place `from`; fails the test if none
 * comes. */
struct probe_result record_wait(struct record *r, uint64_t generation, uint32_t target, size_t from,
                                size_t nth);

/* A prober that reports to a new record. */
struct prober *open_prober(struct record *r);
/* 127.0.0.1, every 50 ms, accepting 200 to 299, with a timeout of 10 s and `identity` ms, so that it is not
 * the same as another one. */
struct probe_target target_at(enum probe_type type, uint16_t port, uint64_t identity);

enum behaviour {
    ANSWER,       /* read the request, send the text (perhaps none), close */
    ANSWER_BLIND, /* the same without reading the request */
    RESET,        /* read the request, reset */
    DRIP,         /* as ANSWER, but byte by byte, with pauses */
    HOLD,         /* as ANSWER, but only when released */
    STALL,        /* as ANSWER, but leave closing to the other side */
};

struct server {
    int fd;
    uint16_t port;
    enum behaviour behaviour;
    const char *text;
    pthread_t thread;
    bool running;
    _Atomic unsigned accepted, served; /* connections, one after the other */
    _Atomic bool released, stopping;
    char request[1024]; /* the latest; to be read when the server is closed */
};

/* A listener on loopback, on a free port if `port` is 0; nobody accepts yet. Returns false if that cannot be
 * bound. */
bool server_listen(struct server *s, int family, uint16_t port, int backlog);
void server_start(struct server *s, enum behaviour behaviour, const char *text);
void server_open(struct server *s, enum behaviour behaviour, const char *text); /* both, IPv4, a free port */
void server_close(struct server *s);

void send_text(int fd, const char *text);
void reset_on_close(int fd);
void nap_ms(long ms);
