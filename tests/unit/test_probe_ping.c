/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of pings over the sockets that all checks share, in a network of the test's own in which the kernel
 * may be told to leave requests alone. The test answers them then, well or badly. */
#include "config.h"

#include "probe_kit.h"

#include "base/memory.h"
#include "probe/ping.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ID_AT = 4, SEQ_AT = 6, IP_HEADER = 20, MANY = 65536 + 1000 };

/* ---- the network ---- */

static void write_sysctl(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
    close(fd);
}

static void answer_by_kernel(bool does)
{
    write_sysctl("ipv4/icmp_echo_ignore_all", does ? "0" : "1");
}

static void use_raw(bool raw)
{
    write_sysctl("ipv4/ping_group_range", raw ? "1 0" : "0 0");
}

static int open_network(void **state)
{
    static bool has_network;
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) == -1) {
        return 0; /* only root may */
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int failed = ioctl(fd, SIOCSIFFLAGS, &lo);
    close(fd);
    has_network = failed == 0 && access("/proc/sys/net/ipv4/ping_group_range", W_OK) == 0;
    *state = has_network ? &has_network : NULL;
    return 0;
}

static void need_network(void **state)
{
    if (*state == NULL) {
        skip();
    }
}

/* ---- who pings ---- */

struct owner {
    unsigned heard;
    size_t len;
};

static void hear(void *owner, const void *bytes, size_t len)
{
    struct owner *o = owner;
    (void)bytes;
    o->heard++;
    o->len = len;
}

struct pinger {
    struct event_base *base;
    struct clock clock;
    struct ping *ping;
};

static struct pinger open_pinger(void)
{
    static struct clock clock;
    clock_init(&clock);
    struct pinger p = {.base = event_base_new()};
    p.ping = ping_new(p.base, &clock, &(struct ping_hooks){.heard = hear});
    p.clock = clock;
    return p;
}

static void close_pinger(struct pinger *p)
{
    ping_free(p->ping);
    event_base_free(p->base);
}

static struct ping_packet packet_to(const char *text, struct owner *owner)
{
    static uint64_t dice;
    struct ping_packet packet = {.owner = owner, .dice = 0x0123456789abcdefU + dice};
    dice++;
    assert_int_equal(addr_parse(text, &packet.to), 0);
    return packet;
}

static void run_until(struct pinger *p, const unsigned *heard, unsigned count)
{
    while (*heard < count) {
        assert_int_equal(event_base_loop(p->base, EVLOOP_ONCE), 0);
    }
}

/* ---- who answers ---- */

static int open_answerer(const char *own)
{
    struct addr_port at = {.port = 0};
    struct sockaddr_storage to;
    assert_int_equal(addr_parse(own, &at.addr), 0);
    socklen_t len = addr_to_sockaddr(&at, &to);
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    assert_int_not_equal(fd, -1);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, len), 0);
    return fd;
}

static void say(int fd, const uint8_t *message, size_t len)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t summed[128] = {0};
    uint32_t sum = 0;
    memcpy(summed, message, len);
    summed[2] = summed[3] = 0;
    for (size_t i = 0; i < len; i += 2) {
        sum += (uint32_t)summed[i] << 8 | summed[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16));
    summed[2] = (uint8_t)(sum >> 8);
    summed[3] = (uint8_t)sum;
    assert_int_equal(sendto(fd, summed, len, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)len);
}

static void reply(int fd, const uint8_t request[PING_SIZE], size_t wrong_at)
{
    uint8_t message[PING_SIZE];
    memcpy(message, request, PING_SIZE);
    message[0] = 0;
    if (wrong_at != 0) {
        message[wrong_at] ^= 1;
    }
    say(fd, message, sizeof message);
}

/* Host unreachable, as a router says it that cites no more than it has to. */
static void refuse(int fd, const uint8_t request[PING_SIZE], size_t cited, const uint8_t to[4])
{
    uint8_t message[8 + IP_HEADER + PING_SIZE] = {3, 1};
    uint8_t *ip = message + 8;
    ip[0] = 0x45;
    ip[3] = IP_HEADER + PING_SIZE;
    ip[8] = 64;
    ip[9] = IPPROTO_ICMP;
    memcpy(ip + 12, (const uint8_t[]){127, 0, 0, 1}, 4);
    memcpy(ip + 16, to, 4);
    memcpy(ip + IP_HEADER, request, cited);
    say(fd, message, 8 + IP_HEADER + cited);
}

/* ---- tests ---- */

static void messages_are_read_back(void **state)
{
    (void)state;
    const struct ping_label label = {
        .id = 0x1234, .seq = 0xfedc, .key = 0x89abcdef, .dice = 0x1122334455667788};
    for (int v6 = 0; v6 < 2; v6++) {
        enum addr_family family = v6 != 0 ? ADDR_V6 : ADDR_V4;
        uint8_t message[PING_SIZE + 2] = {0};
        struct ping_label seen;
        bool is_whole;
        ping_write(family, &label, message);
        assert_false(ping_read_reply(family, message, PING_SIZE, &seen));
        assert_true(ping_read_cited(family, message, PING_SIZE, &seen, &is_whole) && is_whole);
        assert_memory_equal(&seen, &label, sizeof label);
        assert_true(ping_read_cited(family, message, PING_HEADER, &seen, &is_whole));
        assert_false(is_whole);
        assert_true(seen.id == label.id && seen.seq == label.seq && seen.key == 0);
        assert_false(ping_read_cited(family, message, PING_HEADER - 1, &seen, &is_whole));
        message[0] = v6 != 0 ? 129 : 0;
        assert_true(ping_read_reply(family, message, PING_SIZE, &seen));
        assert_memory_equal(&seen, &label, sizeof label);
        assert_true(ping_read_reply(family, message, PING_SIZE + 2, &seen));
        assert_false(ping_read_reply(family, message, PING_SIZE - 1, &seen));
        assert_false(ping_read_reply(v6 != 0 ? ADDR_V4 : ADDR_V6, message, PING_SIZE, &seen));
    }
}

static void headers_of_ip_are_skipped(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0x45};
    assert_int_equal(ping_find_message(bytes, 64), 20);
    assert_int_equal(ping_find_message(bytes, 20), 20);
    assert_int_equal(ping_find_message(bytes, 19), 19);
    assert_int_equal(ping_find_message(bytes, 0), 0);
    bytes[0] = 0x4f;
    assert_int_equal(ping_find_message(bytes, 64), 60);
    assert_int_equal(ping_find_message(bytes, 59), 59);
    bytes[0] = 0x44;
    assert_int_equal(ping_find_message(bytes, 64), 64);
}

static void kernels_reply(void **state)
{
    need_network(state);
    answer_by_kernel(true);
    for (int raw = 0; raw < 2; raw++) {
        use_raw(raw != 0);
        struct pinger p = open_pinger();
        struct owner owner = {.heard = 0};
        struct ping_packet v4 = packet_to("127.0.0.1", &owner), other = packet_to("127.1.2.3", &owner),
                           v6 = packet_to("::1", &owner);
        uint8_t message[PING_SIZE];
        assert_int_equal(ping_send(p.ping, &v4, message), 0);
        assert_int_equal(message[0], 8);
        assert_int_equal(v4.state, PING_UNDER_WAY);
        assert_int_equal(ping_send(p.ping, &other, message), 0);
        assert_int_equal(ping_send(p.ping, &v6, message), 0);
        run_until(&p, &owner.heard, 3);
        assert_true(v4.state == PING_ANSWERED && other.state == PING_ANSWERED && v6.state == PING_ANSWERED);
        assert_true(v4.rtt_us >= 1 && v4.rtt_us < 1000000);
        assert_int_equal(owner.len, PING_SIZE);
        assert_false(ping_was_overrun(p.ping, ADDR_V4, 1));
        close_pinger(&p);
    }
}

/* How long a reply waited for us is no part of its way. The kernel begins to note when packets come a while
 * after it was asked to. */
static void time_in_the_queue_does_not_count(void **state)
{
    need_network(state);
    answer_by_kernel(true);
    struct pinger p = open_pinger();
    struct owner owner = {.heard = 0};
    struct ping_packet packet;
    do {
        uint8_t message[PING_SIZE];
        packet = packet_to("127.0.0.1", &owner);
        assert_int_equal(ping_send(p.ping, &packet, message), 0);
        nap_ms(100);
        ping_look(p.ping);
        assert_int_equal(packet.state, PING_ANSWERED);
    } while (packet.rtt_us >= 100000);
    close_pinger(&p);
}

static void only_the_reply_counts(void **state)
{
    need_network(state);
    answer_by_kernel(false);
    int there = open_answerer("127.0.0.5"), elsewhere = open_answerer("127.0.0.6");
    for (int raw = 0; raw < 2; raw++) {
        use_raw(raw != 0);
        struct pinger p = open_pinger();
        struct owner owner = {.heard = 0};
        struct ping_packet packet = packet_to("127.0.0.5", &owner), later = packet_to("127.0.0.5", &owner);
        uint8_t message[PING_SIZE], second[PING_SIZE];
        assert_int_equal(ping_send(p.ping, &packet, message), 0);
        assert_int_equal(ping_send(p.ping, &later, second), 0);
        reply(elsewhere, message, 0);
        for (size_t at = ID_AT; at < PING_SIZE; at++) {
            if (at != ID_AT && at != ID_AT + 1) { /* of a ping socket the kernel says who has which id */
                reply(there, message, at);
            }
        }
        if (raw != 0) {
            reply(there, message, ID_AT);
        }
        ping_look(p.ping);
        assert_int_equal(owner.heard, 0);
        reply(there, message, 0);
        reply(there, message, 0);
        ping_look(p.ping);
        assert_int_equal(owner.heard, 1);
        assert_int_equal(packet.state, PING_ANSWERED);
        assert_int_equal(later.state, PING_UNDER_WAY);
        ping_forget(p.ping, &later);
        ping_forget(p.ping, &later);
        ping_forget(p.ping, &packet);
        reply(there, second, 0); /* too late */
        ping_look(p.ping);
        assert_int_equal(owner.heard, 1);
        close_pinger(&p);
    }
    close(there);
    close(elsewhere);
}

static void routers_refuse(void **state)
{
    need_network(state);
    answer_by_kernel(false);
    int router = open_answerer("127.0.0.9");
    static const uint8_t to[4] = {127, 0, 0, 5}, other[4] = {127, 0, 0, 6};
    for (int raw = 0; raw < 2; raw++) {
        use_raw(raw != 0);
        struct pinger p = open_pinger();
        struct owner owner = {.heard = 0};
        struct ping_packet packet = packet_to("127.0.0.5", &owner), whole = packet_to("127.0.0.5", &owner),
                           next = packet_to("127.0.0.5", &owner);
        uint8_t message[PING_SIZE], second[PING_SIZE], third[PING_SIZE];
        assert_int_equal(ping_send(p.ping, &packet, message), 0);
        assert_int_equal(ping_send(p.ping, &whole, second), 0);
        refuse(router, message, PING_HEADER, other);
        second[PING_SIZE - 1] ^= 1;
        refuse(router, second, PING_SIZE, to);
        second[PING_SIZE - 1] ^= 1;
        ping_look(p.ping);
        assert_int_equal(owner.heard, 0);
        refuse(router, message, PING_HEADER, to);
        refuse(router, second, PING_SIZE, to);
        assert_int_equal(ping_send(p.ping, &next, third), 0); /* what is said of others is no reason not to */
        run_until(&p, &owner.heard, 2);
        assert_true(packet.state == PING_REFUSED && whole.state == PING_REFUSED);
        assert_int_equal(next.state, PING_UNDER_WAY);
        ping_forget(p.ping, &next);
        close_pinger(&p);
    }
    close(router);
}

/* More are under way than there are numbers: each is still found, and no other. */
static void numbers_come_round(void **state)
{
    need_network(state);
    answer_by_kernel(false);
    use_raw(true);
    int there = open_answerer("127.0.0.5");
    int none = 0;
    (void)setsockopt(there, SOL_SOCKET, SO_RCVBUF, &none, sizeof none);
    struct pinger p = open_pinger();
    struct owner *owners = memory_alloc_array(MANY, sizeof *owners);
    struct ping_packet *packets = memory_alloc_array(MANY, sizeof *packets);
    uint8_t(*messages)[PING_SIZE] = memory_alloc_array(MANY, sizeof *messages);
    for (size_t i = 0; i < MANY; i++) {
        packets[i] = packet_to("127.0.0.5", &owners[i]);
        assert_int_equal(ping_send(p.ping, &packets[i], messages[i]), 0);
    }
    assert_int_equal(packets[0].seq, packets[65536].seq);
    for (size_t i = 0; i < MANY; i += 500) {
        reply(there, messages[i], 0);
        ping_look(p.ping);
        assert_int_equal(owners[i].heard, 1);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(packets[i].state, i % 500 == 0 ? PING_ANSWERED : PING_UNDER_WAY);
        ping_forget(p.ping, &packets[i]);
    }
    free(messages);
    free(packets);
    free(owners);
    close_pinger(&p);
    close(there);
}

static void an_overrun_is_noticed(void **state)
{
    need_network(state);
    answer_by_kernel(true);
    use_raw(true);
    struct pinger p = open_pinger();
    struct owner owner = {.heard = 0};
    struct ping_packet *packets = memory_alloc_array(MANY, sizeof *packets);
    int64_t began_us = clock_now_us(&p.clock);
    size_t answered = 0;
    for (size_t i = 0; i < MANY; i++) {
        uint8_t message[PING_SIZE];
        packets[i] = packet_to("127.0.0.1", &owner);
        assert_int_equal(ping_send(p.ping, &packets[i], message), 0);
    }
    assert_false(ping_was_overrun(p.ping, ADDR_V6, began_us));
    for (size_t i = 0; i < MANY / 1000; i++) { /* each look has an end */
        ping_look(p.ping);
    }
    for (size_t i = 0; i < MANY; i++) {
        answered += packets[i].state == PING_ANSWERED;
        ping_forget(p.ping, &packets[i]);
    }
    assert_in_range(answered, 64, MANY - 1);
    assert_int_equal(answered, owner.heard);
    assert_true(ping_was_overrun(p.ping, ADDR_V4, began_us));
    nap_ms(2);
    assert_false(ping_was_overrun(p.ping, ADDR_V4, clock_now_us(&p.clock)));
    free(packets);
    close_pinger(&p);
}

/* ---- with the prober ---- */

/* Checks that nobody answers, many times more than there are descriptors. */
static void many_are_in_flight(void **state)
{
    need_network(state);
    enum { COUNT = 50000, FEW = 64 };
    static const struct probe_icmp one = {.packets = 1};
    struct rlimit before, few;
    struct record r;
    struct probe_stats stats;
    answer_by_kernel(false);
    use_raw(false);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = FEW, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct prober *prober = open_prober(&r);
    struct probe_target *targets = memory_alloc_array(COUNT, sizeof *targets);
    for (uint32_t i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_ICMP, 0, i);
        targets[i].icmp = &one;
        targets[i].interval_ms = targets[i].timeout_ms = 60000;
        targets[i].at.addr =
            (struct addr){.family = ADDR_V4, .bytes = {127, 1, (uint8_t)(i >> 8), (uint8_t)i}};
    }
    prober_set_targets(prober, 1, targets, COUNT);
    do {
        nap_ms(5);
        prober_get_stats(prober, &stats);
    } while (stats.in_flight < COUNT);
    assert_int_equal(stats.started, COUNT);
    assert_int_equal(record_count(&r), 0);
    prober_set_targets(prober, 2, targets, COUNT / 2); /* they go on, the others are dropped */
    do {
        nap_ms(5);
        prober_get_stats(prober, &stats);
    } while (stats.in_flight != COUNT / 2);
    assert_int_equal(stats.started, COUNT);
    prober_close(prober);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    record_fini(&r);
    free(targets);
}

static void checks_with_descriptors_find_room_beside(void **state)
{
    need_network(state);
    static const struct probe_icmp one = {.packets = 1};
    struct server s;
    struct record r;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    struct rlimit before, few;
    answer_by_kernel(false);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = 32, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct prober *prober = open_prober(&r);
    struct probe_target targets[100];
    for (uint32_t i = 0; i < 100; i++) {
        targets[i] = target_at(PROBE_ICMP, 0, i);
        targets[i].icmp = &one;
        targets[i].at.addr.bytes[3] = (uint8_t)i;
        targets[i].is_first = true;
    }
    targets[99] = target_at(PROBE_HTTP, s.port, 99);
    prober_set_targets(prober, 1, targets, 100);
    assert_int_equal(record_wait(&r, 1, 99, 0, 1).outcome, HEALTH_OUTCOME_OK);
    prober_close(prober);
    server_close(&s);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    record_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read_back), cmocka_unit_test(headers_of_ip_are_skipped),
        cmocka_unit_test(kernels_reply),          cmocka_unit_test(time_in_the_queue_does_not_count),
        cmocka_unit_test(only_the_reply_counts),  cmocka_unit_test(routers_refuse),
        cmocka_unit_test(numbers_come_round),     cmocka_unit_test(an_overrun_is_noticed),
        cmocka_unit_test(many_are_in_flight),     cmocka_unit_test(checks_with_descriptors_find_room_beside),
    };
    return cmocka_run_group_tests(tests, open_network, NULL);
}
