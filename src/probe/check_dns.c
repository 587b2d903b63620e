/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dns: one query with a random ID, healthy when the reply has an accepted response code and the records that
 * are wanted (dns/ask.h). Over UDP by a socket of the check's own, which is connected: datagrams from
 * elsewhere never reach it, and what ICMP says of the endpoint does. A datagram that is no reply to the query
 * is passed over, for anybody may have sent it; if nothing better comes in time, that was it. Over TCP it is
 * the endpoint's word. */
#include "config.h"

#include "base/memory.h"
#include "dns/ask.h"
#include "dns/name.h"
#include "probe/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PREFIX = 2, FRAME_MAX = PREFIX + DNS_ASK_QUERY_MAX, DATAGRAMS_MAX = 64 };

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static enum check_progress end_with(struct check_end *end, enum health_outcome outcome)
{
    end->outcome = outcome;
    return CHECK_ENDED;
}

/* ---- targets ---- */

static const struct dns_ask_value *share_values(const struct dns_ask *from, struct arena *arena)
{
    size_t size = from->value_count * sizeof(struct dns_ask_value);
    struct dns_ask_value *values = memory_alloc_array(from->value_count, sizeof *values);
    for (size_t i = 0; i < from->value_count; i++) {
        values[i].octets = arena_share(arena, from->values[i].octets, from->values[i].len);
        values[i].len = from->values[i].len;
    }
    const struct dns_ask_value *shared = arena_share(arena, values, size);
    free(values);
    return shared;
}

static const struct dns_ask *share_ask(const struct dns_ask *from, struct arena *arena)
{
    struct dns_ask ask;
    memcpy(&ask, from, sizeof ask); /* with what lies between its members: equal ones are equal octets */
    ask.name = arena_share(arena, from->name, dns_name_len(from->name, DNS_NAME_MAX));
    ask.values = share_values(from, arena);
    return arena_share(arena, &ask, sizeof ask);
}

/* The request is as it travels over TCP, but for the ID. */
static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    (void)check;
    uint8_t frame[FRAME_MAX];
    size_t len = dns_ask_write(target->dns, 0, frame + PREFIX);
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    ask->dns = share_ask(target->dns, arena);
    ask->request = arena_share(arena, frame, PREFIX + len);
    ask->request_len = (uint32_t)(PREFIX + len);
}

static bool is_same_value(const struct dns_ask_value *a, const struct dns_ask_value *b)
{
    return a->len == b->len && memcmp(a->octets, b->octets, a->len) == 0;
}

static bool is_same(const struct check *one, const struct check *other)
{
    const struct dns_ask *a = one->ask->dns, *b = other->ask->dns;
    bool same = a->transport == b->transport && a->rcodes == b->rcodes &&
                a->wants_record == b->wants_record && a->value_count == b->value_count;
    for (size_t i = 0; same && i < a->value_count; i++) {
        same = is_same_value(&a->values[i], &b->values[i]);
    }
    return same;
}

/* ---- the query ---- */

static void write_frame(const struct flight *flight, uint8_t frame[FRAME_MAX])
{
    memcpy(frame, flight->check->ask->request, flight->check->ask->request_len);
    frame[PREFIX] = (uint8_t)(flight->dns.id >> 8);
    frame[PREFIX + 1] = (uint8_t)flight->dns.id;
}

static int open_datagram(struct flight *flight)
{
    const struct check *check = flight->check;
    uint8_t frame[FRAME_MAX];
    int error = check_connect_datagram(&check->at, &flight->fd);
    if (error != 0) {
        return error;
    }
    flight->stage = FLIGHT_WAITING;
    write_frame(flight, frame);
    if (send(flight->fd, frame + PREFIX, check->ask->request_len - PREFIX, 0) == -1) {
        return -errno;
    }
    flight_trace(flight, PROBE_STEP_SENT, frame + PREFIX, check->ask->request_len - PREFIX);
    return 0;
}

/* Half of the time is for UDP where TCP comes behind it. */
static int set_out(struct flight *flight)
{
    enum dns_ask_transport transport = flight->check->ask->dns->transport;
    flight->dns.id = (uint16_t)flight->dice;
    if (transport == DNS_ASK_TCP || flight->dns.has_turned) {
        return check_open_stream(flight);
    }
    if (transport == DNS_ASK_UDP_THEN_TCP) {
        flight->again_us = flight->started_us + (int64_t)flight->check->ask->timeout_ms * 1000 / 2;
    }
    return open_datagram(flight);
}

/* ---- the reply ---- */

/* Anything but FOREIGN. */
static enum check_progress judge(struct flight *flight, const struct dns_ask_heard *heard,
                                 struct check_end *end)
{
    bool has_more = heard->is_truncated && heard->verdict != DNS_ASK_BAD_RCODE;
    if (has_more && !flight->is_stream && flight->check->ask->dns->transport == DNS_ASK_UDP_THEN_TCP) {
        flight->dns.has_turned = true;
        return CHECK_TURNS;
    }
    end->detail = heard->rcode;
    switch (heard->verdict) {
    case DNS_ASK_GOOD: return end_with(end, HEALTH_OUTCOME_OK);
    case DNS_ASK_BAD_RCODE: return end_with(end, HEALTH_OUTCOME_BAD_RCODE);
    case DNS_ASK_BAD_ANSWER: return end_with(end, HEALTH_OUTCOME_BAD_ANSWER);
    case DNS_ASK_FOREIGN:
    case DNS_ASK_GARBLED: break;
    }
    end->detail = 0;
    return end_with(end, HEALTH_OUTCOME_BAD_RESPONSE);
}

static enum check_progress hear_datagram(struct flight *flight, const uint8_t *bytes, size_t len,
                                         struct check_end *end)
{
    struct dns_ask_heard heard = dns_ask_judge(flight->check->ask->dns, flight->dns.id, bytes, len);
    if (heard.verdict != DNS_ASK_FOREIGN) {
        return judge(flight, &heard, end);
    }
    if (check_is_self_connected(flight)) { /* it reads its own query */
        return end_with(end, HEALTH_OUTCOME_REFUSED);
    }
    flight->stage = FLIGHT_JUDGED;
    flight->end.outcome = HEALTH_OUTCOME_BAD_RESPONSE;
    return CHECK_GOES_ON;
}

static enum check_progress advance_datagram(struct flight *flight, struct check_scratch *scratch,
                                            struct check_end *end)
{
    enum check_progress progress = CHECK_GOES_ON;
    while (flight->dns.heard++ < DATAGRAMS_MAX && progress == CHECK_GOES_ON) {
        ssize_t n = recv(flight->fd, scratch->bytes, sizeof scratch->bytes, 0);
        if (n == -1 && would_block(errno)) {
            flight->dns.heard--;
            return CHECK_GOES_ON;
        }
        if (n == -1 && errno != EMSGSIZE) { /* what a router says of packets that are larger than ours */
            return end_with(end, check_judge_errno(errno, flight->stage));
        }
        if (n != -1) {
            flight_trace(flight, PROBE_STEP_RECEIVED, scratch->bytes, (size_t)n);
            progress = hear_datagram(flight, scratch->bytes, (size_t)n, end);
        }
    }
    /* Who says that much, and none of it a reply, is not listened to for longer. */
    return progress == CHECK_GOES_ON ? end_with(end, HEALTH_OUTCOME_BAD_RESPONSE) : progress;
}

/* ---- the same over TCP: RFC 1035 section 4.2.2 ---- */

/* Returns 0 when all is said, or a positive errno. */
static int say(struct flight *flight)
{
    uint8_t frame[FRAME_MAX];
    uint32_t len = flight->check->ask->request_len;
    write_frame(flight, frame);
    while (flight->sent < len) {
        ssize_t n = send(flight->fd, frame + flight->sent, len - flight->sent, MSG_NOSIGNAL);
        if (n == -1) {
            return errno;
        }
        flight_trace(flight, PROBE_STEP_SENT, frame + flight->sent, (size_t)n);
        flight->sent += (uint32_t)n;
        flight->stage = FLIGHT_WAITING;
    }
    return 0;
}

/* Where the next octets belong, and how many may come. */
static uint8_t *find_room(struct flight *flight, size_t *room)
{
    struct check_dns_talk *talk = &flight->dns;
    if (talk->got < PREFIX) {
        *room = PREFIX - talk->got;
        return talk->prefix + talk->got;
    }
    size_t len = (size_t)talk->prefix[0] << 8 | talk->prefix[1];
    if (talk->message == NULL) {
        talk->message = memory_alloc(len + 1);
    }
    *room = PREFIX + len - talk->got;
    return talk->message + talk->got - PREFIX;
}

static enum check_progress judge_stream(struct flight *flight, struct check_end *end)
{
    struct dns_ask_heard heard =
        dns_ask_judge(flight->check->ask->dns, flight->dns.id, flight->dns.message, flight->dns.got - PREFIX);
    if (heard.verdict == DNS_ASK_FOREIGN && check_is_self_connected(flight)) {
        return end_with(end, HEALTH_OUTCOME_REFUSED);
    }
    return judge(flight, &heard, end);
}

static enum check_progress hear(struct flight *flight, struct check_end *end)
{
    for (;;) {
        size_t room;
        uint8_t *to = find_room(flight, &room);
        if (room == 0) {
            return judge_stream(flight, end);
        }
        ssize_t n = recv(flight->fd, to, room, 0);
        if (n == -1 && would_block(errno)) {
            return CHECK_GOES_ON;
        }
        if (n <= 0) {
            return end_with(end, n == 0 ? HEALTH_OUTCOME_CLOSED : check_judge_errno(errno, flight->stage));
        }
        flight_trace(flight, PROBE_STEP_RECEIVED, to, (size_t)n);
        flight->dns.got += (uint32_t)n;
    }
}

static enum check_progress advance_stream(struct flight *flight, struct check_end *end)
{
    int error = say(flight);
    if (error == 0) {
        return hear(flight, end);
    }
    if (would_block(error) || error == EINPROGRESS || error == EALREADY || error == ENOTCONN) {
        return CHECK_GOES_ON;
    }
    return end_with(end, check_judge_errno(error, flight->stage));
}

/* ---- the kind ---- */

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    if (flight->is_stream) {
        return advance_stream(flight, end);
    }
    return readable ? advance_datagram(flight, scratch, end) : CHECK_GOES_ON;
}

/* The time for UDP is over. */
static enum check_progress wake(struct flight *flight, struct check_scratch *scratch, struct check_end *end)
{
    enum check_progress progress = advance(flight, true, scratch, end);
    if (progress != CHECK_GOES_ON || flight->is_stream) {
        return progress;
    }
    flight->dns.has_turned = true;
    return CHECK_TURNS;
}

static void drop_message(struct flight *flight)
{
    free(flight->dns.message);
}

const struct check_kind check_dns = {.closes_first = true,
                                     .prepare = prepare,
                                     .is_same = is_same,
                                     .open = set_out,
                                     .advance = advance,
                                     .wake = wake,
                                     .close = drop_message};
