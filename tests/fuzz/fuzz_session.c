/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the order in which vantages say things, to the server's side of one conversation: the first octet
 * says whether it is a stranger who connects (its lowest bit) or a member, the rest are lines. A line "#" is
 * that the time goes on, "@" that there is another list, "!" that who asked to enrol is taken, "?" that it is
 * not. Whatever comes in which order: only a member is heard, after it has said who it is and before its end,
 * of targets that are in its list, and it has come and left once. */
#include "config.h"

#include "fleet/inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

enum { NUMBER = 3, TARGETS = 4, TICK_US = 700000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct world {
    struct clock clock;
    struct fleet fleet;
    struct session *session;
    uint64_t generation;
    unsigned came, left, enrols;
    char server[4];
};

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* ---- what is told of it ---- */

static void expect_member(const struct world *w, unsigned number)
{
    demand(number == NUMBER && w->came == 1 && w->left == 0);
    demand(w->session->state == SESSION_CONNECTED && w->session->number == NUMBER);
}

static void on_heard(void *context, unsigned number, uint64_t generation, const struct fleet_heard *items,
                     size_t count)
{
    const struct world *w = context;
    expect_member(w, number);
    demand(w->session->used != NULL && generation <= w->generation);
    for (size_t i = 0; i < count; i++) {
        demand(items[i].target < TARGETS && items[i].identity == 1000 + items[i].target);
    }
}

static void on_alive(void *context, unsigned number)
{
    expect_member(context, number);
}

static void on_came(void *context, const struct fleet_notice *notice, bool is_new)
{
    struct world *w = context;
    (void)is_new; /* whose run was another one before: nobody was here */
    demand(notice->number == NUMBER && w->came++ == 0 && w->left == 0);
}

static void on_left(void *context, const struct fleet_notice *notice)
{
    struct world *w = context;
    demand(w->left++ == 0 && notice->number == (w->came == 0 ? 0 : NUMBER) && notice->why[0] != '\0');
}

static void on_taken(void *context, unsigned number, const struct fleet_message *message)
{
    const struct world *w = context;
    expect_member(w, number);
    demand(message->kind == FLEET_TAKEN && w->session->used != NULL);
}

static void on_declined(void *context, unsigned number, const char *why)
{
    expect_member(context, number);
    demand(why != NULL);
}

static void on_ordered(void *context, unsigned number, uint64_t mark, const char *text)
{
    (void)mark;
    expect_member(context, number);
    demand(strlen(text) <= FLEET_ORDER_MAX);
}

static void on_wanted(void *context, unsigned number, uint64_t connection,
                      const struct fleet_message *message)
{
    const struct world *w = context;
    expect_member(w, number);
    demand(message->kind == FLEET_WANT && connection == w->session->id &&
           strlen(message->bulk.bundle) == FLEET_BUNDLE_SIZE - 1);
    for (size_t i = 0; i < message->bulk.count; i++) {
        const struct fleet_blocks *blocks = &message->bulk.items[i];
        demand(blocks->count > 0 && blocks->count <= FLEET_BLOCKS_MAX &&
               blocks->first <= FLEET_BLOCKS_MAX - blocks->count);
    }
}

static void on_join(void *context, uint64_t connection, const char *from, const char *what)
{
    struct world *w = context;
    demand(w->came == 0 && w->left == 0 && connection == w->session->id && from != NULL && what != NULL);
    w->enrols++;
}

static void on_enrol(void *context, uint64_t connection, const struct fleet_enrol *enrol,
                     const uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    struct world *w = context;
    (void)fingerprint;
    demand(w->came == 0 && w->left == 0 && connection == w->session->id && enrol->token != NULL);
    w->enrols++;
}

/* ---- the world ---- */

static struct tls_context *make_context(void)
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct tls_identity identity;
    demand(tls_identity_make("a host", &identity));
    const struct tls_plan plan = {.use = TLS_USE_PINNED_SERVER,
                                  .certificate = {identity.certificate, strlen(identity.certificate)},
                                  .key = {identity.key, strlen(identity.key)}};
    struct tls_context *context = tls_context_new(&plan, &part, why);
    demand(context != NULL);
    tls_identity_fini(&identity);
    return context;
}

static void use_next_list(struct world *w)
{
    static const struct addr address = {ADDR_V4, {192, 0, 2, 1}};
    struct fleet_list *list = fleet_list_new(++w->generation);
    uint32_t check = fleet_list_add_check(list, &(struct fleet_check){.definition = "{\"type\":\"tcp\"}"});
    for (uint64_t i = 0; i < TARGETS - w->generation % 2; i++) {
        fleet_list_add_target(
            list,
            &(struct fleet_target){
                .identity = 1000 + i, .check = check, .name = "e", .addresses = &address, .address_count = 1},
            fleet_list_add_scope(list, NULL, 0));
    }
    fleet_list_drop(w->fleet.list);
    w->fleet.list = list;
    if (w->session != NULL) {
        session_follow(w->session);
    }
}

static void open_world(struct world *w, bool is_member, int fds[2])
{
    static struct tls_context *context; /* what it shows costs more than all the rest */
    static struct event_base *base;
    context = context == NULL ? make_context() : context;
    base = base == NULL ? event_base_new() : base;
    *w = (struct world){.server = "it", .fleet = {.heartbeat_ms = 2000, .expires_ms = 10000}};
    clock_init_virtual(&w->clock, 1000000, 1700000000000);
    w->fleet.clock = &w->clock;
    w->fleet.server = w->server;
    w->fleet.context = context;
    w->fleet.base = base;
    w->fleet.hooks = (struct fleet_hooks){.context = w,
                                          .heard = on_heard,
                                          .alive = on_alive,
                                          .came = on_came,
                                          .left = on_left,
                                          .taken = on_taken,
                                          .declined = on_declined,
                                          .enrol = on_enrol,
                                          .ordered = on_ordered,
                                          .wanted = on_wanted,
                                          .join = on_join};
    pthread_mutex_init(&w->fleet.status_lock, NULL);
    pthread_mutex_init(&w->fleet.trial_lock, NULL);
    struct fleet_member *member = &w->fleet.members[NUMBER];
    *member =
        (struct fleet_member){.name = "fra-1", .number = NUMBER, .is_enrolled = true, .fingerprint = {7}};
    use_next_list(w);
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    w->session = session_open(&w->fleet, fds[0], &(struct addr_port){.addr = {ADDR_V4, {192, 0, 2, 9}}});
    demand(w->session != NULL);
    w->session->is_shaken = true; /* no TLS here: who it is was told */
    w->session->fingerprint[0] = is_member ? 7 : 8;
}

/* Like fill(): what it would be sent is taken, so that a list has ended. */
static void send_all(struct session *session)
{
    struct buffer line = {.len = 0};
    while (session->sending != NULL && fleet_share_next(session->sending, &line)) {
        line.len = 0;
    }
    buffer_fini(&line);
}

static void close_world(struct world *w, int fds[2])
{
    session_end(w->session, "the input has ended");
    session_close(w->session);
    demand(w->left == 1);
    fleet_list_drop(w->fleet.list);
    pthread_mutex_destroy(&w->fleet.status_lock);
    pthread_mutex_destroy(&w->fleet.trial_lock);
    close(fds[1]);
}

/* ---- what comes ---- */

static void take_line(struct world *w, const char *text, size_t len)
{
    char is = len == 1 ? text[0] : '\0';
    if (is == '#') {
        w->clock.mono_us += TICK_US;
        (void)session_tick(w->session);
    } else if (is == '@') {
        use_next_list(w);
    } else if (is == '!' || is == '?') {
        const struct fleet_message message = {.kind = FLEET_ENROLLED, .enrolled = "fra-1"};
        session_answer(w->session, &message, is == '!' ? NULL : "the token is not known");
    } else {
        session_hear_line(w->session, text, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct world w;
    int fds[2];
    if (len == 0) {
        return 0;
    }
    open_world(&w, bytes[0] % 2 == 0, fds);
    const char *at = (const char *)bytes + 1, *end = (const char *)bytes + len;
    while (at < end && w.session->why[0] == '\0') {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        take_line(&w, at, (size_t)(stop - at));
        send_all(w.session);
        at = stop == end ? end : stop + 1;
    }
    demand(w.came == 0 || bytes[0] % 2 == 0);
    close_world(&w, fds);
    return 0;
}
