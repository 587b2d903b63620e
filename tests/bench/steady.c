/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steady ADDRESS PORT RATE SECONDS [SOCKETS]
 *
 * Asks for n0 … n999.example.com, whose addresses are 10.0.0.0 … 10.0.3.231, from many sockets and at a
 * steady rate, with ids that increase, and holds the server to it: every query is answered once, by its own
 * answer. Calls carry several of them, so that the client costs less than the server. Few enough are on their
 * way at any time that no queue of the kernel is ever full, so one that is not answered within PATIENCE_S was
 * lost by the server. Ends after so many seconds, or when its standard input does. Prints one line of totals
 * as JSON, with the share of a processor that it took itself; exits with 1 if one was lost or wrong. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    NAMES = 1000,
    QUERY_MAX = 64,
    WINDOW = 16, /* queries on their way per socket */
    SOCKETS = 128,
    PATIENCE_S = 5,
    TURN_US = 200,
    BATCH = 8, /* queries in a call */
    REPLY_MAX = 512,
};

struct asker {
    int fd;
    uint64_t asked, answered; /* the query with number n has n's low bits as id */
    bool due[WINDOW];
    uint64_t sent_us[WINDOW];
    uint64_t names[WINDOW];
};

struct totals {
    uint64_t asked, answered, wrong, twice, slowest_us;
};

static uint8_t queries[NAMES][QUERY_MAX];
static size_t lengths[NAMES];

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Processor time of this process. */
static double used_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void make_queries(void)
{
    for (unsigned i = 0; i < NAMES; i++) {
        static const uint8_t tail[] = "\7example\3com\0\0\1\0\1";
        char label[8];
        uint8_t *at = queries[i];
        int len = snprintf(label, sizeof label, "n%u", i);
        memset(at, 0, 12);
        at[5] = 1;
        at[12] = (uint8_t)len;
        memcpy(at + 13, label, (size_t)len);
        memcpy(at + 13 + len, tail, sizeof tail - 1);
        lengths[i] = 13 + (size_t)len + sizeof tail - 1;
    }
}

/* Up to `most` queries in one call, as far as the window has room. Returns how many were sent. */
static size_t ask(struct asker *asker, uint64_t number, size_t most)
{
    struct mmsghdr messages[WINDOW] = {0};
    struct iovec vectors[WINDOW];
    static uint8_t bytes[WINDOW][QUERY_MAX];
    size_t count = 0;
    for (; count < most && count < WINDOW && !asker->due[(asker->asked + count) % WINDOW]; count++) {
        uint64_t id = asker->asked + count;
        size_t name = (number + count) % NAMES;
        memcpy(bytes[count], queries[name], lengths[name]);
        bytes[count][0] = (uint8_t)(id >> 8);
        bytes[count][1] = (uint8_t)id;
        vectors[count] = (struct iovec){bytes[count], lengths[name]};
        messages[count].msg_hdr = (struct msghdr){.msg_iov = &vectors[count], .msg_iovlen = 1};
    }
    int sent = count == 0 ? 0 : sendmmsg(asker->fd, messages, (unsigned)count, MSG_DONTWAIT);
    uint64_t now = now_us();
    for (int i = 0; i < sent; i++) {
        size_t slot = asker->asked++ % WINDOW;
        asker->due[slot] = true;
        asker->sent_us[slot] = now;
        asker->names[slot] = (number + (uint64_t)i) % NAMES;
    }
    return sent < 0 ? 0 : (size_t)sent;
}

static void judge(struct asker *asker, const uint8_t *reply, size_t len, uint64_t now, struct totals *totals)
{
    size_t slot = (size_t)(reply[0] << 8 | reply[1]) % WINDOW;
    if (len < 2 || !asker->due[slot]) {
        totals->twice++;
        return;
    }
    uint64_t name = asker->names[slot], took_us = now - asker->sent_us[slot];
    const uint8_t wanted[] = {10, 0, (uint8_t)(name >> 8), (uint8_t)name};
    bool good = len > lengths[name] + 15 && memcmp(reply + len - 4, wanted, 4) == 0 &&
                memcmp(reply + 12, queries[name] + 12, lengths[name] - 12) == 0 && (reply[3] & 15) == 0;
    asker->due[slot] = false;
    totals->wrong += !good;
    totals->answered++;
    totals->slowest_us = took_us > totals->slowest_us ? took_us : totals->slowest_us;
}

static void hear(struct asker *asker, struct totals *totals)
{
    static uint8_t replies[WINDOW][REPLY_MAX];
    struct mmsghdr messages[WINDOW] = {0};
    struct iovec vectors[WINDOW];
    for (size_t i = 0; i < WINDOW; i++) {
        vectors[i] = (struct iovec){replies[i], REPLY_MAX};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int got = recvmmsg(asker->fd, messages, WINDOW, MSG_DONTWAIT, NULL);
    uint64_t now = now_us();
    for (int i = 0; i < got; i++) {
        judge(asker, replies[i], messages[i].msg_len, now, totals);
    }
}

static bool has_ended(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) == 1;
}

static void run(struct asker *askers, size_t count, double rate, double seconds, struct totals *totals)
{
    uint64_t begun_us = now_us(), end_us = begun_us + (uint64_t)(seconds * 1e6), number = 0;
    size_t turn = 0;
    for (uint64_t now = begun_us; now < end_us && !has_ended(); now = now_us()) {
        uint64_t due = (uint64_t)((double)(now - begun_us) * rate / 1e6);
        for (size_t misses = 0; number < due && misses < count; turn++) {
            uint64_t left = due - number;
            size_t asked = ask(&askers[turn % count], number, left < BATCH ? (size_t)left : BATCH);
            misses = asked != 0 ? 0 : misses + 1;
            number += asked;
            totals->asked += asked;
        }
        number = number < due ? due : number; /* what could not be asked in time is not made up for */
        for (size_t i = 0; i < count; i++) {
            hear(&askers[i], totals);
        }
        (void)usleep(TURN_US);
    }
    uint64_t last_us = now_us() + PATIENCE_S * 1000000u;
    while (totals->answered < totals->asked && now_us() < last_us) {
        for (size_t i = 0; i < count; i++) {
            hear(&askers[i], totals);
        }
        (void)usleep(TURN_US);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct totals totals = {0};
    if (argc < 5 || argc > 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fputs("usage: steady ADDRESS PORT RATE SECONDS [SOCKETS]\n", stderr);
        return 2;
    }
    to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    size_t count = argc == 6 ? strtoul(argv[5], NULL, 10) : SOCKETS;
    struct asker *askers = calloc(count, sizeof *askers);
    for (size_t i = 0; i < count; i++) {
        askers[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (askers[i].fd == -1 || connect(askers[i].fd, (struct sockaddr *)&to, sizeof to) == -1) {
            perror("steady: socket");
            free(askers);
            return 2;
        }
    }
    make_queries();
    double seconds = strtod(argv[4], NULL);
    uint64_t begun_us = now_us();
    run(askers, count, strtod(argv[3], NULL), seconds, &totals);
    double took_s = (double)(now_us() - begun_us) / 1e6;
    printf("{\"asked\": %llu, \"lost\": %llu, \"wrong\": %llu, \"twice\": %llu, \"rate\": %.0f, "
           "\"slowest_ms\": %.1f, \"client_cpu\": %.2f}\n",
           (unsigned long long)totals.asked, (unsigned long long)(totals.asked - totals.answered),
           (unsigned long long)totals.wrong, (unsigned long long)totals.twice, (double)totals.asked / took_s,
           (double)totals.slowest_us / 1000, used_s() / took_s);
    free(askers);
    return totals.asked != totals.answered || totals.wrong != 0 || totals.twice != 0;
}
