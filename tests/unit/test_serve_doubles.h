/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Doubles of what serve calls (answer, view, and two system calls that have to fail on demand), a server to
 * test and clients. The doubles check what serve owes to them: registered readers, online while they read the
 * view and answer, offline otherwise, each thread with its own cache. A violation aborts. */
#pragma once

#include "unit.h"

#include "base/report.h"
#include "serve/serve.h"

#include <stdatomic.h>
#include <stdbool.h>

/* How the double answers, by the octet behind the header. Every reply is the query with QR set and something
 * behind: what is said here, else 16 octets: transport, family (4, 6), client port (2), then 0xab. */
enum {
    DOUBLE_ECHO = 'e',
    DOUBLE_SILENT = 'z',  /* no reply */
    DOUBLE_BIG = 'b',     /* a reply of as many octets as the next two say */
    DOUBLE_LENGTH = 'l',  /* the length of the query, in two octets */
    DOUBLE_REFUSED = 'r', /* echo, and sendmmsg fails on it */
    DOUBLE_GATE = 'g',    /* echo, after double_open_gate() */
    /* Echo, and behind it as many messages of STREAM_LEN octets as the next two octets say: the query's id,
     * then their number in four octets, counted from 1, then the low octet of that. Where no transfer may
     * begin the third octet of the reply is 0xff. */
    DOUBLE_STREAM = 's',
};
enum { HEADER = 12, TAIL = 16, CACHES = 64, GIVE_UP_S = 20, STREAM_LEN = 16000 };

struct fixture {
    struct view view;
    struct conf_server server; /* of view; any number of transfers */
    struct steer_cache *caches[CACHES];
    struct report *report;
    struct serve_options options;
    struct addr_port listen[8];
    struct serve *serve;
};

/* An unopened server on these addresses ("127.0.0.1:0"), with one worker, closing nobody for being idle. */
void fixture_init(struct fixture *f, const char *const *listen, size_t count);
void fixture_open(struct fixture *f);     /* fails the test if it cannot */
void fixture_start(struct fixture *f);    /* open and start */
void fixture_stop(struct fixture *f);     /* and checks that no reader is left */
uint64_t fixture_answered(size_t thread); /* by DNS thread number `thread` since fixture_init */

unsigned double_transfers(void); /* that are held now */
void double_open_gate(void);
bool double_gate_reached(void);
void double_fail_accept(unsigned times); /* accept4 says EMFILE */
unsigned double_accept_failures(void);   /* so far since double_fail_accept */

/* A query of len octets (>= 13) with this id and kind. */
void query_fill(uint8_t *query, size_t len, unsigned id, uint8_t kind);
/* Is reply the echo of query to the client on socket fd? */
bool reply_is_echo(const uint8_t *query, size_t len, const uint8_t *reply, size_t reply_len, int fd);

/* A client connected to at, or to at's port on `host`; waits up to GIVE_UP_S for anything. */
int client_connect(const struct addr_port *at, const char *host, int type);
/* The server's end of this TCP connection over IPv4, which is in this process; -1: none. */
int client_find_peer(int fd);
size_t count_descriptors(void);
