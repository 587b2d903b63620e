/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ping.h. */
#include "config.h"

#include "probe/ping.h"

#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/sock_diag.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    ROUNDS_MAX = 64,      /* batches that are read before somebody else has a turn */
    ROOM = 128,           /* an IPv4 header with all options and a reply */
    TRIES_MAX = 3,        /* to send: the first ones may fail for what was said of others */
    NUMBERS = 65536,      /* of requests */
    BUFFER = 8 * 1 << 20, /* octets of replies that may wait for us */
};

struct ping_socket {
    struct ping *ping;
    enum addr_family family;
    int fd; /* -1: not open */
    struct event *event;
    bool is_raw, is_crowded;     /* a batch was full since drops were looked at */
    struct ping_label label;     /* of the next request, but for the dice */
    uint32_t drops;              /* as the kernel counted them last */
    int64_t overrun_us;          /* when some were seen last; 0: none were */
    struct ping_packet **chains; /* by number */
};

struct ping {
    struct event_base *base;
    const struct clock *clock;
    struct ping_hooks hooks;
    struct random random;
    struct ping_socket v4, v6;
    /* What one call reads. */
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct sockaddr_storage froms[BATCH];
    uint8_t bytes[BATCH][ROOM];
    union {
        struct cmsghdr aligned;
        uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
    } controls[BATCH];
};

/* ---- who waits ---- */

static struct ping_socket *get_socket(struct ping *ping, enum addr_family family)
{
    return family == ADDR_V4 ? &ping->v4 : &ping->v6;
}

static void begin_wait(struct ping_socket *s, struct ping_packet *packet)
{
    packet->next = s->chains[packet->seq];
    s->chains[packet->seq] = packet;
    packet->state = PING_UNDER_WAY;
}

static void end_wait(struct ping_socket *s, struct ping_packet *packet, enum ping_state state)
{
    struct ping_packet **link = &s->chains[packet->seq];
    while (*link != packet) {
        link = &(*link)->next;
    }
    *link = packet->next;
    packet->state = (uint8_t)state;
}

void ping_forget(struct ping *ping, struct ping_packet *packet)
{
    if (packet->state == PING_UNDER_WAY) {
        end_wait(get_socket(ping, packet->to.family), packet, PING_UNSENT);
    }
}

/* Numbers come round, and what eight octets say of a request is no more than that and the address. */
static struct ping_packet *find_wait(const struct ping_socket *s, const struct ping_label *label,
                                     bool has_data, const struct addr *at)
{
    struct ping_packet *packet = s->chains[label->seq];
    if (label->id != s->label.id || (has_data && label->key != s->label.key)) {
        return NULL;
    }
    while (packet != NULL && ((has_data && packet->dice != label->dice) || !addr_equal(&packet->to, at))) {
        packet = packet->next;
    }
    return packet;
}

/* ---- what comes ---- */

static const struct cmsghdr *find_control(struct msghdr *message, int level, int type)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    while (c != NULL && (c->cmsg_level != level || c->cmsg_type != type)) {
        c = CMSG_NXTHDR(message, c);
    }
    return c;
}

/* For how long the reply was ours to read. The kernel's time is the wall's, which may be set meanwhile. */
static int64_t find_waited_us(struct msghdr *message, int64_t wall_us, int64_t at_most_us)
{
    const struct cmsghdr *c = find_control(message, SOL_SOCKET, SCM_TIMESTAMPNS);
    struct timespec came;
    if (c == NULL) {
        return 0;
    }
    memcpy(&came, CMSG_DATA(c), sizeof came);
    int64_t waited_us = wall_us - (int64_t)came.tv_sec * 1000000 - came.tv_nsec / 1000;
    return waited_us < 0 || waited_us > at_most_us ? 0 : waited_us;
}

static void hear_reply(struct ping_socket *s, struct msghdr *message, size_t len, int64_t wall_us)
{
    const uint8_t *bytes = message->msg_iov->iov_base;
    size_t begin = s->is_raw && s->family == ADDR_V4 ? ping_find_message(bytes, len) : 0;
    struct ping_label label;
    struct addr_port from;
    addr_from_sockaddr(message->msg_name, &from);
    if (!ping_read_reply(s->family, bytes + begin, len - begin, &label)) {
        return;
    }
    struct ping_packet *packet = find_wait(s, &label, true, &from.addr);
    if (packet == NULL) {
        return;
    }
    int64_t rtt_us = clock_now_us(s->ping->clock) - packet->sent_us;
    rtt_us -= find_waited_us(message, wall_us, rtt_us);
    packet->rtt_us = rtt_us < 1 ? 1 : (uint32_t)rtt_us;
    end_wait(s, packet, PING_ANSWERED);
    s->ping->hooks.heard(packet->owner, bytes + begin, len - begin);
}

/* To be done again for those that were used: the kernel writes into them. */
static void prepare_messages(struct ping *ping, int count)
{
    for (int i = 0; i < count; i++) {
        ping->pieces[i] = (struct iovec){.iov_base = ping->bytes[i], .iov_len = ROOM};
        ping->messages[i].msg_hdr = (struct msghdr){.msg_name = &ping->froms[i],
                                                    .msg_namelen = sizeof ping->froms[i],
                                                    .msg_iov = &ping->pieces[i],
                                                    .msg_iovlen = 1,
                                                    .msg_control = &ping->controls[i],
                                                    .msg_controllen = sizeof ping->controls[i]};
    }
}

static void hear_cited(struct ping_socket *s, struct msghdr *message, size_t len)
{
    const struct cmsghdr *c = s->family == ADDR_V4 ? find_control(message, IPPROTO_IP, IP_RECVERR)
                                                   : find_control(message, IPPROTO_IPV6, IPV6_RECVERR);
    struct sock_extended_err error;
    struct ping_label label;
    struct addr_port to;
    bool is_whole;
    if (c == NULL) {
        return;
    }
    memcpy(&error, CMSG_DATA(c), sizeof error);
    addr_from_sockaddr(message->msg_name, &to);
    bool is_told = error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
    if (!is_told || error.ee_errno == EMSGSIZE ||
        !ping_read_cited(s->family, message->msg_iov->iov_base, len, &label, &is_whole)) {
        return;
    }
    struct ping_packet *packet = find_wait(s, &label, is_whole, &to.addr);
    if (packet != NULL) {
        end_wait(s, packet, PING_REFUSED);
        s->ping->hooks.heard(packet->owner, NULL, 0);
    }
}

static bool hear_error(struct ping_socket *s)
{
    uint8_t bytes[ROOM];
    struct sockaddr_storage to = {0};
    struct iovec piece = {.iov_base = bytes, .iov_len = sizeof bytes};
    union {
        struct cmsghdr aligned;
        uint8_t bytes[512];
    } control;
    struct msghdr message = {.msg_name = &to,
                             .msg_namelen = sizeof to,
                             .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(s->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (n != -1) {
        hear_cited(s, &message, (size_t)n);
    }
    return n != -1;
}

static void hear_errors(struct ping_socket *s)
{
    for (int i = 0; i < BATCH && hear_error(s); i++) {
    }
}

/* Returns whether there may be more. */
static bool hear_batch(struct ping_socket *s)
{
    struct ping *ping = s->ping;
    int n = recvmmsg(s->fd, ping->messages, BATCH, MSG_DONTWAIT, NULL);
    if (n == -1) { /* an error may be told here, in its queue, or both */
        int error = errno;
        hear_errors(s);
        return error != EAGAIN && error != EWOULDBLOCK;
    }
    int64_t wall_us = clock_wall_us(ping->clock);
    for (int i = 0; i < n; i++) {
        hear_reply(s, &ping->messages[i].msg_hdr, ping->messages[i].msg_len, wall_us);
    }
    prepare_messages(ping, n);
    s->is_crowded |= n == BATCH;
    return n == BATCH;
}

/* Who does not come to an end with it cannot say what is missing. */
static void hear(struct ping_socket *s)
{
    int rounds = 0;
    while (rounds < ROUNDS_MAX && hear_batch(s)) {
        rounds++;
    }
    if (rounds == ROUNDS_MAX) {
        s->overrun_us = clock_now_us(s->ping->clock);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    hear(context);
}

void ping_look(struct ping *ping)
{
    if (ping->v4.fd != -1) {
        hear(&ping->v4);
    }
    if (ping->v6.fd != -1) {
        hear(&ping->v6);
    }
}

static uint32_t read_drops(const struct ping_socket *s)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof info;
    (void)getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len);
    return info[SK_MEMINFO_DROPS];
}

/* The kernel also counts what was garbled; so many at once that we fell behind is another thing. */
bool ping_was_overrun(struct ping *ping, enum addr_family family, int64_t since_us)
{
    struct ping_socket *s = get_socket(ping, family);
    uint32_t drops = s->fd == -1 ? s->drops : read_drops(s);
    if (drops != s->drops && s->is_crowded) {
        s->overrun_us = clock_now_us(ping->clock);
    }
    s->drops = drops;
    s->is_crowded = false;
    return s->overrun_us >= since_us;
}

/* ---- sockets ---- */

static int set(int fd, int level, int option, const void *value, socklen_t len)
{
    return setsockopt(fd, level, option, value, len) == -1 ? -errno : 0;
}

static int set_on(int fd, int level, int option)
{
    int on = 1;
    return set(fd, level, option, &on, sizeof on);
}

/* A raw socket hears every reply that comes to this host: only those with our id and key are to wait here. */
static int set_filters(const struct ping_socket *s)
{
    bool v4 = s->family == ADDR_V4;
    struct icmp_filter types = {.data = ~(1u << ICMP_ECHOREPLY)};
    struct icmp6_filter types_v6;
    ICMP6_FILTER_SETBLOCKALL(&types_v6);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &types_v6);
    struct sock_filter code[] = {
        /* X: where the message begins */
        v4 ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
           : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, s->label.id, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, PING_KEY_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, s->label.key, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, ROOM),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    int error = v4 ? set(s->fd, SOL_RAW, ICMP_FILTER, &types, sizeof types)
                   : set(s->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &types_v6, sizeof types_v6);
    return error != 0 ? error : set(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* A ping socket has the id that the kernel gave it, as its port. */
static int find_id(struct ping_socket *s)
{
    struct sockaddr_storage own = {.ss_family = s->family == ADDR_V4 ? AF_INET : AF_INET6};
    struct addr_port at;
    socklen_t len = s->family == ADDR_V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (bind(s->fd, (struct sockaddr *)&own, len) == -1 ||
        getsockname(s->fd, (struct sockaddr *)&own, &len) == -1) {
        return -errno;
    }
    addr_from_sockaddr((struct sockaddr *)&own, &at);
    s->label.id = at.port;
    return 0;
}

/* The limits of the system hold for SO_RCVBUF; with CAP_NET_ADMIN they do not have to. */
static void widen(int fd)
{
    int size = BUFFER;
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
        (void)set(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    (void)set(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int set_up(struct ping_socket *s)
{
    uint64_t dice = random_next(&s->ping->random);
    s->label = (struct ping_label){
        .id = (uint16_t)(dice >> 48), .seq = (uint16_t)(dice >> 32), .key = (uint32_t)dice};
    int error = s->is_raw ? set_filters(s) : find_id(s);
    if (error == 0) {
        error = s->family == ADDR_V4 ? set_on(s->fd, IPPROTO_IP, IP_RECVERR)
                                     : set_on(s->fd, IPPROTO_IPV6, IPV6_RECVERR);
    }
    if (error == 0) {
        error = set_on(s->fd, SOL_SOCKET, SO_TIMESTAMPNS);
    }
    widen(s->fd);
    return error;
}

static int watch(struct ping_socket *s)
{
    s->event = event_new(s->ping->base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
    return s->event != NULL && event_add(s->event, NULL) == 0 ? 0 : -ENOMEM;
}

static void close_socket(struct ping_socket *s)
{
    if (s->event != NULL) {
        event_free(s->event);
        s->event = NULL;
    }
    if (s->fd != -1) {
        close(s->fd);
        s->fd = -1;
    }
    memory_unmap(s->chains, NUMBERS * sizeof(struct ping_packet *));
    s->chains = NULL;
}

static int open_kind(struct ping_socket *s, int type)
{
    bool v4 = s->family == ADDR_V4;
    s->is_raw = type == SOCK_RAW;
    s->fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                   v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    return s->fd == -1 ? -errno : 0;
}

static int open_socket(struct ping_socket *s)
{
    int error = open_kind(s, SOCK_DGRAM);
    if (error == -EACCES || error == -EPERM) {
        error = open_kind(s, SOCK_RAW);
    }
    if (error != 0) {
        return error;
    }
    error = set_up(s);
    s->chains = memory_map(NUMBERS * sizeof(struct ping_packet *));
    error = error != 0 ? error : watch(s);
    if (error != 0) {
        close_socket(s);
    }
    return error;
}

/* ---- what goes ---- */

int ping_send(struct ping *ping, struct ping_packet *packet, uint8_t message[PING_SIZE])
{
    struct ping_socket *s = get_socket(ping, packet->to.family);
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(&(struct addr_port){.addr = packet->to}, &to);
    int error = s->fd == -1 ? open_socket(s) : 0;
    if (error != 0) {
        return error;
    }
    struct ping_label label = s->label;
    label.dice = packet->dice;
    packet->seq = s->label.seq++;
    ping_write(s->family, &label, message);
    packet->sent_us = clock_now_us(ping->clock);
    /* The socket may have something to say of another request first; what that is stays in its queue. */
    for (int i = 0; i < TRIES_MAX; i++) {
        if (sendto(s->fd, message, PING_SIZE, 0, (struct sockaddr *)&to, len) != -1) {
            begin_wait(s, packet);
            return 0;
        }
        error = -errno;
    }
    return error;
}

/* ---- life ---- */

static void init_socket(struct ping *ping, struct ping_socket *s, enum addr_family family)
{
    *s = (struct ping_socket){.ping = ping, .family = family, .fd = -1};
}

struct ping *ping_new(struct event_base *base, const struct clock *clock, const struct ping_hooks *hooks)
{
    struct ping *ping = memory_alloc(sizeof *ping);
    ping->base = base;
    ping->clock = clock;
    ping->hooks = *hooks;
    random_init(&ping->random, random_seed());
    prepare_messages(ping, BATCH);
    init_socket(ping, &ping->v4, ADDR_V4);
    init_socket(ping, &ping->v6, ADDR_V6);
    return ping;
}

void ping_free(struct ping *ping)
{
    if (ping != NULL) {
        close_socket(&ping->v4);
        close_socket(&ping->v6);
        free(ping);
    }
}
