/* SPDX-License-Identifier: BSD-3-Clause
 *
 * hostile -p PORT [-s ADDRESS] [-n PACKETS] [-r SEED] [-c CONNECTIONS] -q QUERY FOLDER...
 *
 * Sends PACKETS malformed packets made of those in the folders to a server on loopback, as fast as it takes
 * them: over UDP in batches, over TCP by CONNECTIONS clients that misbehave (stream.h). Between all that a
 * good client sends QUERY (a file) over UDP and TCP and has to get the same answer every time, but for its
 * id. The good query at the end of a batch also says when the server has seen the batch, so that no packet is
 * lost in a full socket. Replies to malformed packets have to be replies, and not longer than EDNS allows.
 * Prints one line of totals; exits with 1 if a good client was not served right. */
#include "config.h"

#include "tests/soak/packets.h"
#include "tests/soak/stream.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    UDP_MAX = 1232, /* edns_size of the server */
    TCP_EVERY = 4,  /* batches */
    CONNECT_EVERY = 64,
    TRIES = 5,
    PATIENCE_S = 5,
    HEADER = 12,
    CONNECTIONS_MAX = 1000,
};

struct good {
    uint8_t query[2 + PACKET_MAX], answer[PACKET_MAX]; /* the query with its length before it */
    size_t query_len, answer_len;                      /* without it */
    uint16_t id;
    int udp, tcp;
    uint64_t over_udp, over_tcp, repeated;
};

struct hostile {
    struct sockaddr_in server;
    uint64_t wanted, sent, replies;
    struct packets packets;
    struct stream *streams;
    size_t stream_count;
    struct stream_totals totals;
    struct good good;
    int udp;
};

static void fail(const char *what)
{
    fprintf(stderr, "hostile: %s\n", what);
    exit(1);
}

static void demand(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(2);
    }
}

static int open_socket(const struct hostile *hostile, int type)
{
    struct timeval wait = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), yes = 1;
    demand(fd != -1, "hostile: socket");
    demand(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0, "hostile: SO_RCVTIMEO");
    if (type == SOCK_STREAM) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    const struct sockaddr *server = (const struct sockaddr *)&hostile->server;
    demand(connect(fd, server, sizeof hostile->server) == 0, "hostile: connect");
    return fd;
}

/* ---- the good client ---- */

static void judge(struct good *good, const uint8_t *reply, size_t len)
{
    if (good->answer_len == 0) { /* the first one is what all others have to be */
        good->answer_len = len;
        memcpy(good->answer, reply, len);
    }
    if (len != good->answer_len || memcmp(reply + 2, good->answer + 2, len - 2) != 0) {
        fail("a good client got another answer than before");
    }
}

static bool has_id(const struct good *good, const uint8_t *reply)
{
    return reply[0] == good->id >> 8 && reply[1] == (good->id & 0xff);
}

static void set_id(struct good *good)
{
    good->id++;
    good->query[2] = (uint8_t)(good->id >> 8);
    good->query[3] = (uint8_t)good->id;
}

static void ask_udp(struct good *good)
{
    uint8_t reply[PACKET_MAX];
    set_id(good);
    for (unsigned i = 0; i < TRIES; i++) {
        demand(send(good->udp, good->query + 2, good->query_len, 0) != -1, "hostile: send");
        for (;;) {
            ssize_t len = recv(good->udp, reply, sizeof reply, 0);
            if (len == -1) {
                good->repeated++;
                break;
            }
            if (len >= HEADER && has_id(good, reply)) { /* else late, after it was asked again */
                judge(good, reply, (size_t)len);
                good->over_udp++;
                return;
            }
        }
    }
    fail("a good client got no answer over UDP");
}

static void receive_all(int fd, uint8_t *to, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = recv(fd, to + at, len - at, 0);
        if (got <= 0) {
            fail("a good client got no answer over TCP");
        }
        at += (size_t)got;
    }
}

static void ask_tcp(struct good *good, int fd)
{
    uint8_t head[2], reply[PACKET_MAX];
    set_id(good);
    if (send(fd, good->query, good->query_len + 2, MSG_NOSIGNAL) != (ssize_t)good->query_len + 2) {
        fail("a good client's connection was closed");
    }
    receive_all(fd, head, sizeof head);
    size_t len = (size_t)head[0] << 8 | head[1];
    if (len < HEADER || len > sizeof reply) {
        fail("a good client got a message of a strange length over TCP");
    }
    receive_all(fd, reply, len);
    if (!has_id(good, reply)) {
        fail("a good client got somebody else's answer over TCP");
    }
    judge(good, reply, len);
    good->over_tcp++;
}

static void read_query(struct good *good, const char *path)
{
    FILE *stream = fopen(path, "rb");
    demand(stream != NULL, path);
    good->query_len = fread(good->query + 2, 1, PACKET_MAX, stream);
    fclose(stream);
    if (good->query_len < HEADER) {
        fail("the good query has no header");
    }
    good->query[0] = (uint8_t)(good->query_len >> 8);
    good->query[1] = (uint8_t)good->query_len;
}

/* ---- the others ---- */

static void send_batch(struct hostile *hostile)
{
    static uint8_t bytes[BATCH][PACKET_MAX];
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < BATCH; i++) {
        vectors[i] =
            (struct iovec){.iov_base = bytes[i], .iov_len = packets_make(&hostile->packets, bytes[i])};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < BATCH;) {
        int sent = sendmmsg(hostile->udp, messages + done, BATCH - done, 0);
        demand(sent > 0, "hostile: sendmmsg");
        done += (unsigned)sent;
    }
    hostile->sent += BATCH;
}

static void read_replies(struct hostile *hostile)
{
    uint8_t reply[PACKET_MAX];
    ssize_t len;
    while ((len = recv(hostile->udp, reply, sizeof reply, MSG_DONTWAIT)) >= 0) {
        hostile->replies++;
        if (len < HEADER || len > UDP_MAX || (reply[2] & 0x80) == 0) {
            fail("a reply to a malformed packet is none");
        }
    }
}

static void ask_by_new_connection(struct hostile *hostile)
{
    int fd = open_socket(hostile, SOCK_STREAM);
    ask_tcp(&hostile->good, fd);
    (void)close(fd);
}

static uint64_t packets_sent(const struct hostile *hostile)
{
    return hostile->sent + hostile->totals.messages;
}

static void run(struct hostile *hostile)
{
    for (uint64_t round = 0; packets_sent(hostile) < hostile->wanted; round++) {
        send_batch(hostile);
        for (size_t i = 0; i < hostile->stream_count; i++) {
            stream_step(&hostile->streams[i], &hostile->packets, &hostile->server, &hostile->totals);
        }
        if (round % TCP_EVERY == 0) {
            ask_tcp(&hostile->good, hostile->good.tcp);
        }
        if (round % CONNECT_EVERY == 0) {
            ask_by_new_connection(hostile);
        }
        ask_udp(&hostile->good);
        read_replies(hostile);
    }
}

static void parse_options(struct hostile *hostile, int argc, char **argv)
{
    const char *address = "127.0.0.1", *query = NULL;
    uint64_t seed = 1;
    for (int option; (option = getopt(argc, argv, "s:p:n:r:c:q:")) != -1;) {
        switch (option) {
        case 's': address = optarg; break;
        case 'p': hostile->server.sin_port = htons((uint16_t)strtoul(optarg, NULL, 10)); break;
        case 'n': hostile->wanted = strtoull(optarg, NULL, 10); break;
        case 'r': seed = strtoull(optarg, NULL, 10); break;
        case 'c': hostile->stream_count = strtoul(optarg, NULL, 10); break;
        case 'q': query = optarg; break;
        default: exit(2);
        }
    }
    hostile->server.sin_family = AF_INET;
    bool good = inet_pton(AF_INET, address, &hostile->server.sin_addr) == 1 && hostile->server.sin_port != 0;
    if (!good || query == NULL || optind == argc || hostile->stream_count > CONNECTIONS_MAX) {
        fputs("usage: hostile -p PORT [-s ADDRESS] [-n PACKETS] [-r SEED] [-c CONNECTIONS] -q QUERY "
              "FOLDER...\n",
              stderr);
        exit(2);
    }
    random_init(&hostile->packets.random, seed);
    read_query(&hostile->good, query);
    for (; optind < argc; optind++) {
        packets_add_folder(&hostile->packets, argv[optind]);
    }
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_totals(const struct hostile *hostile, double seconds)
{
    const struct good *good = &hostile->good;
    const struct stream_totals *totals = &hostile->totals;
    printf("packets=%lu udp=%lu replies=%lu tcp=%lu connections=%lu octets=%lu refused=%lu good_udp=%lu "
           "good_tcp=%lu repeated=%lu seconds=%.1f\n",
           packets_sent(hostile), hostile->sent, hostile->replies, totals->messages, totals->connections,
           totals->octets, totals->refused, good->over_udp, good->over_tcp, good->repeated, seconds);
}

int main(int argc, char **argv)
{
    static struct hostile hostile = {.wanted = 100000, .stream_count = 32};
    parse_options(&hostile, argc, argv);
    hostile.udp = open_socket(&hostile, SOCK_DGRAM);
    hostile.good.udp = open_socket(&hostile, SOCK_DGRAM);
    hostile.good.tcp = open_socket(&hostile, SOCK_STREAM);
    hostile.streams = memory_alloc_array(hostile.stream_count, sizeof *hostile.streams);
    for (size_t i = 0; i < hostile.stream_count; i++) {
        stream_init(&hostile.streams[i]);
    }
    double started_s = now_s();
    ask_udp(&hostile.good);
    run(&hostile);
    print_totals(&hostile, now_s() - started_s);
    for (size_t i = 0; i < hostile.stream_count; i++) {
        stream_fini(&hostile.streams[i]);
    }
    free(hostile.streams);
    packets_fini(&hostile.packets);
    return 0;
}
