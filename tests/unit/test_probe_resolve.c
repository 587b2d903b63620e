/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the resolver of host names against a nameserver of the test's own on loopback, in one event loop
 * with it. Asserts what is known when, never how long it took: what has to happen again soon is waited for
 * with a patience that only a broken resolver uses up. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "probe/resolve.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_S = 20, HOSTS = 100 };

/* What the nameserver says to everybody. */
struct script {
    unsigned rcode;
    const char *v4[12], *v6[12]; /* presentation form; NULL ends */
    bool silent;
};

struct world {
    struct event_base *base;
    struct event *event, *patience;
    int fd;
    char server[64];
    struct script script;
    unsigned queries, changes;
    size_t many; /* hosts, of a test with more than HOSTS */
    struct resolver *resolver;
};

static size_t put(uint8_t *to, size_t at, const char *text, int family, uint32_t ttl_s)
{
    size_t len = family == AF_INET ? 4 : 16;
    const uint8_t head[] = {0xc0,           0x0c, 0,           family == AF_INET ? 1 : 28, 0, 1, 0, 0, 0,
                            (uint8_t)ttl_s, 0,    (uint8_t)len};
    memcpy(to + at, head, sizeof head);
    assert_int_equal(inet_pton(family, text, to + at + sizeof head), 1);
    return at + sizeof head + len;
}

static void on_query(evutil_socket_t fd, short what, void *argument)
{
    struct world *w = argument;
    uint8_t bytes[1024];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    (void)what;
    ssize_t got = recvfrom(fd, bytes, 512, 0, (struct sockaddr *)&from, &from_len);
    assert_true(got > 12);
    w->queries++;
    if (w->script.silent) {
        return;
    }
    size_t at = 12;
    while (bytes[at] != 0) {
        at += bytes[at] + 1u;
    }
    bool v6 = bytes[at + 2] == 28;
    const char *const *texts = v6 ? w->script.v6 : w->script.v4;
    at += 5;
    bytes[2] = 0x84;
    bytes[3] = (uint8_t)w->script.rcode;
    bytes[7] = bytes[11] = 0;
    for (unsigned i = 0; w->script.rcode == 0 && texts[i] != NULL; i++) {
        at = put(bytes, at, texts[i], v6 ? AF_INET6 : AF_INET, 5);
        bytes[7]++;
    }
    assert_int_equal(sendto(fd, bytes, at, 0, (struct sockaddr *)&from, from_len), (ssize_t)at);
}

static void on_heard(void *context, size_t host)
{
    struct world *w = context;
    assert_true(host < (w->many != 0 ? w->many : HOSTS));
    w->changes++;
}

static void on_patience(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    (void)argument;
    fail_msg("nothing happened");
}

static int open_world(void **state)
{
    static struct world world;
    struct world *w = &world;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    *w = (struct world){.base = event_base_new(), .fd = socket(AF_INET, SOCK_DGRAM, 0)};
    assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(w->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(w->server, sizeof w->server, "127.0.0.1:%u", ntohs(at.sin_port));
    w->event = event_new(w->base, w->fd, EV_READ | EV_PERSIST, on_query, w);
    event_add(w->event, NULL);
    w->patience = evtimer_new(w->base, on_patience, w);
    struct resolve_hooks hooks = {.context = w, .heard = on_heard};
    assert_int_equal(resolver_open(w->base, w->server, &hooks, &w->resolver), 0);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    resolver_close(w->resolver);
    event_free(w->event);
    event_free(w->patience);
    event_base_free(w->base);
    close(w->fd);
    return 0;
}

static void wait_changes(struct world *w, unsigned count)
{
    event_add(w->patience, &(struct timeval){.tv_sec = PATIENCE_S});
    while (w->changes < count) {
        event_base_loop(w->base, EVLOOP_ONCE);
    }
    event_del(w->patience);
}

static void set_host(struct world *w, const char *name)
{
    resolver_set_hosts(w->resolver, &name, 1);
}

static const struct resolve_host *first(const struct world *w)
{
    return resolver_get_host(w->resolver, 0);
}

static void expect_addresses(const struct resolve_set *set, const char *const *texts)
{
    char text[ADDR_TEXT_SIZE];
    size_t i = 0;
    for (; texts[i] != NULL; i++) {
        assert_true(i < set->count);
        assert_string_equal(addr_write(&set->addresses[i], text), texts[i]);
    }
    assert_int_equal(set->count, i);
}

#define EXPECT(set, ...) expect_addresses(set, (const char *const[]){__VA_ARGS__, NULL})

static void both_families_are_asked(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.9", "192.0.2.1", "192.0.2.9"}, .v6 = {"2001:db8::1"}};
    set_host(w, "lb.example.net");
    assert_int_equal(first(w)->v4.state, RESOLVE_PENDING);
    wait_changes(w, 2);
    EXPECT(&first(w)->v4, "192.0.2.1", "192.0.2.9");
    EXPECT(&first(w)->v6, "2001:db8::1");
    assert_int_equal(first(w)->v4.state, RESOLVE_GOOD);
    assert_true(first(w)->v4.answered_ms > 0);
    assert_int_equal(w->queries, 2);
}

static void no_records_is_an_answer(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "lb.example.net");
    wait_changes(w, 2);
    assert_int_equal(first(w)->v6.count, 0);
    assert_int_equal(first(w)->v6.state, RESOLVE_GOOD);
}

static void long_answers_are_cut(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.9", "192.0.2.8", "192.0.2.7", "192.0.2.6", "192.0.2.5",
                                       "192.0.2.4", "192.0.2.3", "192.0.2.2", "192.0.2.1"}};
    set_host(w, "lb.example.net");
    wait_changes(w, 2);
    assert_int_equal(first(w)->v4.count, RESOLVE_ADDRESSES_MAX);
    assert_int_equal(first(w)->v4.addresses[0].bytes[3], 1);
}

/* The TTL of 5 s runs out, the server says something else, then fails, then answers again. */
static void addresses_follow_and_failures_keep_them(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "lb.example.net");
    wait_changes(w, 2);
    w->script = (struct script){.v4 = {"192.0.2.2"}};
    wait_changes(w, 3);
    EXPECT(&first(w)->v4, "192.0.2.2");
    w->script = (struct script){.rcode = 3};
    wait_changes(w, 4);
    assert_int_equal(first(w)->v4.state, RESOLVE_FAILING);
    assert_non_null(first(w)->v4.error);
    EXPECT(&first(w)->v4, "192.0.2.2");
    w->script = (struct script){.v4 = {"192.0.2.3"}};
    wait_changes(w, 5);
    EXPECT(&first(w)->v4, "192.0.2.3");
    assert_null(first(w)->v4.error);
}

static void failures_are_told_and_tried_again(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.rcode = 2};
    set_host(w, "lb.example.net");
    wait_changes(w, 2);
    assert_int_equal(first(w)->v4.state, RESOLVE_FAILING);
    assert_int_equal(first(w)->v6.state, RESOLVE_FAILING);
    assert_int_equal(first(w)->v4.answered_ms, 0);
    w->script = (struct script){.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}};
    wait_changes(w, 4);
    EXPECT(&first(w)->v4, "192.0.2.1");
    EXPECT(&first(w)->v6, "2001:db8::1");
}

static void hosts_that_stay_keep_what_is_known(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "a.example.net");
    wait_changes(w, 2);
    resolver_set_hosts(w->resolver, (const char *const[]){"b.example.net", "a.example.net"}, 2);
    EXPECT(&resolver_get_host(w->resolver, 1)->v4, "192.0.2.1");
    assert_int_equal(resolver_get_host(w->resolver, 0)->v4.state, RESOLVE_PENDING);
    const struct resolve_host *known = resolver_get_host(w->resolver, 1);
    int64_t answered_ms = known->v4.answered_ms, until_ms = known->v4.until_ms;
    resolver_shift_clock(w->resolver, -86400000);
    assert_int_equal(known->v4.answered_ms, answered_ms - 86400000);
    assert_int_equal(known->v4.until_ms, until_ms - 86400000);
    assert_int_equal(resolver_get_host(w->resolver, 0)->v4.until_ms, 0); /* nothing is known yet */
    wait_changes(w, 4);
    EXPECT(&resolver_get_host(w->resolver, 0)->v4, "192.0.2.1");
    assert_string_equal(first(w)->name, "b.example.net");
}

/* A list is followed name by name: who has a place already is heard of, and nobody is forgotten on the way.
 */
static void a_list_is_followed_in_turns(void **state)
{
    struct world *w = *state;
    static const char *const before[] = {"a.example.net", "b.example.net", "c.example.net"};
    static const char *const after[] = {"d.example.net", "c.example.net", "a.example.net"};
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    resolver_set_hosts(w->resolver, before, 3);
    wait_changes(w, 6);
    resolver_begin_hosts(w->resolver, after, 3);
    assert_int_equal(resolver_count_hosts(w->resolver), 0);
    assert_true(resolver_follow_hosts(w->resolver, 2));
    assert_int_equal(resolver_count_hosts(w->resolver), 2);
    EXPECT(&resolver_get_host(w->resolver, 1)->v4, "192.0.2.1");
    int64_t answered_ms = resolver_get_host(w->resolver, 1)->v4.answered_ms;
    resolver_shift_clock(w->resolver, 5000);
    assert_int_equal(resolver_get_host(w->resolver, 1)->v4.answered_ms, answered_ms + 5000);
    wait_changes(w, 8); /* of d */
    EXPECT(&first(w)->v4, "192.0.2.1");
    assert_true(resolver_follow_hosts(w->resolver, 3)); /* a has its place, and b is still to go */
    assert_true(resolver_get_host(w->resolver, 2)->v4.answered_ms > 5000);
    assert_string_equal(resolver_get_host(w->resolver, 2)->name, "a.example.net");
    while (resolver_follow_hosts(w->resolver, 1)) {
    }
    resolver_begin_hosts(w->resolver, before, 3); /* nobody says when it has to be over */
    assert_true(resolver_follow_hosts(w->resolver, 1));
    resolver_begin_hosts(w->resolver, after, 2);
    while (resolver_follow_hosts(w->resolver, 1)) {
    }
    assert_int_equal(first(w)->v4.state, RESOLVE_PENDING); /* it had left */
    EXPECT(&resolver_get_host(w->resolver, 1)->v4, "192.0.2.1");
}

/* The answers to hosts that have left come to nobody; closing with queries in flight frees them. */
static void hosts_may_leave_while_they_are_asked_for(void **state)
{
    struct world *w = *state;
    w->script.silent = true;
    set_host(w, "a.example.net");
    while (w->queries < 2) {
        event_base_loop(w->base, EVLOOP_ONCE);
    }
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "b.example.net");
    wait_changes(w, 2);
    EXPECT(&first(w)->v4, "192.0.2.1");
    w->script.silent = true;
    set_host(w, "c.example.net");
    event_base_loop(w->base, EVLOOP_ONCE);
}

static void many_hosts_are_all_asked_for(void **state)
{
    struct world *w = *state;
    char names[HOSTS][32];
    const char *list[HOSTS];
    for (size_t i = 0; i < HOSTS; i++) {
        snprintf(names[i], sizeof names[i], "h%zu.example.net", i);
        list[i] = names[i];
    }
    w->script = (struct script){.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}};
    resolver_set_hosts(w->resolver, list, HOSTS);
    wait_changes(w, HOSTS * 2);
    for (size_t i = 0; i < HOSTS; i++) {
        EXPECT(&resolver_get_host(w->resolver, i)->v4, "192.0.2.1");
        EXPECT(&resolver_get_host(w->resolver, i)->v6, "2001:db8::1");
    }
}

/* Ten thousand hosts, all due at once: the work is so much per query, not per host and query. */
static void work_is_by_query_not_by_host(void **state)
{
    enum { MANY = 10000 };
    struct world *w = *state;
    struct resolve_stats stats;
    const char **list = calloc(MANY, sizeof *list);
    char(*names)[32] = calloc(MANY, sizeof *names);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "h%zu.example.net", i);
        list[i] = names[i];
    }
    w->script = (struct script){.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}};
    w->many = MANY;
    resolver_set_hosts(w->resolver, list, MANY);
    wait_changes(w, MANY); /* half of them; the rest is going on */
    resolver_set_hosts(w->resolver, list + 1, MANY - 1);
    resolver_set_hosts(w->resolver, list, MANY);
    resolver_get_stats(w->resolver, &stats);
    assert_true(stats.asked < MANY + 200); /* a new list asks nobody again */
    assert_true(stats.looked_at < stats.asked * 6);
    free(list);
    free(names);
}

/* c-ares would wait for it. What is no file is an error, what is not there is not. */
static void resolv_conf_is_read_with_care(void **state)
{
    struct world *w = *state;
    char folder[] = "test_resolve.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/resolv.conf", folder);
    struct resolve_hooks hooks = {.context = w, .heard = on_heard, .resolv_conf = path};
    struct resolver *resolver;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(resolver_open(w->base, NULL, &hooks, &resolver), ERROR_INVALID);
    assert_int_equal(resolver_open(w->base, w->server, &hooks, &resolver), 0);
    assert_int_equal(resolver_set_servers(resolver, NULL), ERROR_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(resolver_set_servers(resolver, NULL), 0);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("nameserver 127.0.0.1\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(resolver_set_servers(resolver, NULL), 0);
    resolver_close(resolver);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* What is in flight to one is asked of the next; what is known stays. */
static void servers_can_be_exchanged(void **state)
{
    struct world *w = *state;
    struct resolve_stats stats;
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "a.example.net");
    wait_changes(w, 2);
    w->script.silent = true;
    resolver_set_hosts(w->resolver, (const char *const[]){"a.example.net", "b.example.net"}, 2);
    while (w->queries < 4) {
        event_base_loop(w->base, EVLOOP_ONCE);
    }
    w->script.silent = false;
    assert_int_equal(resolver_set_servers(w->resolver, w->server),
                     0); /* those that it has: nothing is lost */
    event_base_loop(w->base, EVLOOP_NONBLOCK);
    resolver_get_stats(w->resolver, &stats);
    assert_int_equal(stats.asked, 4);
    char twice[130];
    snprintf(twice, sizeof twice, "%s,%s", w->server, w->server);
    assert_int_equal(resolver_set_servers(w->resolver, twice), 0);
    EXPECT(&first(w)->v4, "192.0.2.1");
    wait_changes(w, 4);
    EXPECT(&resolver_get_host(w->resolver, 1)->v4, "192.0.2.1");
    resolver_get_stats(w->resolver, &stats);
    assert_int_equal(stats.asked, 6);
    assert_int_equal(stats.answered, 4);
    assert_int_equal(stats.failed, 0);
    assert_true(resolver_set_servers(w->resolver, "not an address") < 0);
    EXPECT(&first(w)->v4, "192.0.2.1");
    assert_int_equal(resolver_set_servers(w->resolver, w->server), 0);
}

/* "No AAAA" is believed for a minute, but not when the A records go. */
static void who_moves_to_the_other_family_is_followed(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "lb.example.net");
    wait_changes(w, 2);
    w->script = (struct script){.v6 = {"2001:db8::1"}};
    wait_changes(w, 4);
    assert_int_equal(first(w)->v4.count, 0);
    EXPECT(&first(w)->v6, "2001:db8::1");
}

static void a_ttl_says_until_when(void **state)
{
    struct world *w = *state;
    w->script = (struct script){.v4 = {"192.0.2.1"}};
    set_host(w, "lb.example.net");
    wait_changes(w, 2);
    assert_int_equal(first(w)->v4.until_ms - first(w)->v4.answered_ms, 5000);
    assert_int_equal(first(w)->v6.until_ms - first(w)->v6.answered_ms, 60000);
}

static void broken_server_lists_are_refused(void **state)
{
    struct world *w = *state;
    struct resolver *resolver;
    struct resolve_hooks hooks = {.context = w, .heard = on_heard};
    assert_true(resolver_open(w->base, "not an address", &hooks, &resolver) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_families_are_asked),
        TEST(no_records_is_an_answer),
        TEST(long_answers_are_cut),
        TEST(addresses_follow_and_failures_keep_them),
        TEST(failures_are_told_and_tried_again),
        TEST(hosts_that_stay_keep_what_is_known),
        TEST(a_list_is_followed_in_turns),
        TEST(hosts_may_leave_while_they_are_asked_for),
        TEST(many_hosts_are_all_asked_for),
        TEST(work_is_by_query_not_by_host),
        TEST(resolv_conf_is_read_with_care),
        TEST(servers_can_be_exchanged),
        TEST(a_ttl_says_until_when),
        TEST(who_moves_to_the_other_family_is_followed),
        TEST(broken_server_lists_are_refused),
    };
    return cmocka_run_group_tests_name("probe resolve", tests, NULL, NULL);
}
