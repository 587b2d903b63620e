/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a bundle spreads, see tests/bench/bundle: the code of the nodes' links (fleet) and of the porter, with
 * their threads, over TLS on loopback, each node with a state folder of its own.
 * usage: bench_bundle FOLDER NODES MIB */
#include "config.h"

#include "daemon/peers_bulk.h"
#include "daemon/porter.h"
#include "fleet/link.h"
#include "fleet/listener.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

enum { NODES_MAX = 31, FILES = 200, LINES_MAX = 1 << 20, LINE_EVERY_MS = 50, LOOK_MS = 50, IDLE_MS = 3000 };

struct node;

struct link {
    struct node *of, *to;
    struct fleet_link *link;
    struct peer_block block;
    bool is_up;
};

struct node {
    unsigned number;
    char name[8], state[4096];
    struct tls_context *server, *client;
    uint8_t server_print[TLS_FINGERPRINT_SIZE], client_print[TLS_FINGERPRINT_SIZE];
    struct addr_port at;
    struct fleet *fleet;
    struct bundle_store *store;
    struct porter *porter;
    struct peer_wants *wants;
    struct event_base *base;
    struct event *wake, *timer;
    pthread_t thread;
    int wake_fd;
    struct link links[NODES_MAX];
    _Atomic unsigned up;
    unsigned turns[2]; /* whom it says the next line to: of its links, of those who are linked with it */
    _Atomic bool ends;
};

/* How long lines took, in µs. */
struct delays {
    _Atomic size_t count;
    uint32_t us[LINES_MAX];
};

static struct clock machine;
static struct node nodes[NODES_MAX];
static unsigned node_count;
static struct delays up_lines, down_lines; /* as opinions go, and as answers to orders */

static void expect(bool truth, const char *what)
{
    if (!truth) {
        fprintf(stderr, "bench_bundle: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void note_delay(struct delays *delays, uint64_t since_us)
{
    size_t place = delays->count++;
    if (place < LINES_MAX) {
        delays->us[place] = (uint32_t)((uint64_t)clock_now_us(&machine) - since_us);
    }
}

/* ---- the server's side ---- */

static void on_wanted(void *context, unsigned number, uint64_t connection,
                      const struct fleet_message *message)
{
    porter_hear_want(((struct node *)context)->porter, number, connection, message);
}

static void on_given(void *context, unsigned number, uint64_t connection)
{
    porter_hear_given(((struct node *)context)->porter, number, connection);
}

static void on_left(void *context, const struct fleet_notice *notice)
{
    porter_hear_left(((struct node *)context)->porter, notice->number);
}

static void on_came(void *context, const struct fleet_notice *notice, bool is_new)
{
    (void)context, (void)notice, (void)is_new;
}

static void on_alive(void *context, unsigned number)
{
    (void)context, (void)number;
}

static void on_serials(void *context, unsigned number, const char *text)
{
    (void)context, (void)number;
    note_delay(&up_lines, strtoull(text, NULL, 10));
}

/* Every 100 ms: as if an order was answered. */
static void on_tick(void *context)
{
    struct node *node = context;
    unsigned number = ++node->turns[1] % node_count;
    if (node->fleet != NULL && number != node->number) {
        fleet_answer_order(node->fleet, number + 1, (uint64_t)clock_now_us(&machine), "");
    }
}

static void give(void *context, unsigned number, uint64_t connection, const struct fleet_message *message,
                 uint8_t *octets)
{
    fleet_give(((struct node *)context)->fleet, number, connection, message, octets);
}

/* ---- the other side ---- */

static void ask(void *context, const char *name, uint64_t connection, const struct fleet_message *want)
{
    const struct node *node = context;
    if (peer_wants_put(node->wants, name, connection, want)) {
        expect(write(node->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) > 0, "wake");
    }
}

static void find_place(void *context)
{
    const struct link *link = context;
    fleet_link_found(link->link, &link->to->at, 1, "");
}

static void on_connected(void *context)
{
    struct link *link = context;
    link->is_up = true;
    link->of->up++;
    porter_hear_link(link->of->porter, link->to->name, fleet_link_connection(link->link), true);
}

static void on_ended(void *context, const struct fleet_link_end *end)
{
    struct link *link = context;
    if (end->was_connected) {
        fprintf(stderr, "%s lost %s: %s\n", link->of->name, link->to->name, end->why);
        link->of->up--;
        link->is_up = false;
        peer_block_drop(&link->block);
        porter_hear_link(link->of->porter, link->to->name, 0, false);
    }
}

static bool get(void *context, uint64_t *generation)
{
    (void)context;
    *generation = 0;
    return false;
}

static void set_mark(void *context, uint64_t mark)
{
    (void)context, (void)mark;
}

static void hear(void *context, const struct fleet_message *message)
{
    struct link *link = context;
    struct fleet_message block;
    uint64_t connection = fleet_link_connection(link->link);
    if (message->kind == FLEET_HOLDS) {
        note_delay(&down_lines, message->holds.mark);
    } else if (message->kind == FLEET_HAS || message->kind == FLEET_NONE) {
        porter_hear(link->of->porter, link->to->name, connection, message);
    } else if (message->kind == FLEET_BLOCK) {
        uint8_t *octets = peer_block_add(&link->block, &message->piece, &block);
        if (octets != NULL) {
            porter_hear_block(link->of->porter, link->to->name, connection, &block, octets);
        }
    }
}

static void open_link(struct node *node, struct node *to)
{
    struct link *link = &node->links[to->number];
    struct fleet_link_plan plan = {
        .base = node->base,
        .clock = &machine,
        .context = node->client,
        .name = node->name,
        .run = node->number + 1,
        .hooks = {.context = link, .find = find_place, .connected = on_connected, .ended = on_ended},
        .list = {.context = link, .get = get, .set_mark = set_mark, .hear = hear}};
    memcpy(plan.fingerprint, to->server_print, sizeof plan.fingerprint);
    *link = (struct link){.of = node, .to = to};
    link->link = fleet_link_open(&plan);
    expect(link->link != NULL, "link");
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct node *node = context;
    uint64_t rings;
    (void)what;
    (void)!read(fd, &rings, sizeof rings);
    for (struct peer_want *want = peer_wants_take(node->wants), *next; want != NULL; want = next) {
        next = want->next;
        unsigned to = (unsigned)strtoul(want->node + 1, NULL, 10);
        (void)fleet_link_say(node->links[to].link, want->connection, &want->message);
        free(want);
    }
    if (node->ends) {
        (void)event_base_loopbreak(node->base);
    }
}

/* As if something had flipped. */
static void on_time(evutil_socket_t fd, short what, void *context)
{
    struct node *node = context;
    char text[32];
    const struct link *link = &node->links[++node->turns[0] % node_count];
    (void)fd, (void)what;
    if (link->is_up) {
        snprintf(text, sizeof text, "%lld", (long long)clock_now_us(&machine));
        (void)fleet_link_answer(link->link, &(struct fleet_message){.kind = FLEET_SERIALS, .serials = text});
        fleet_link_tell(link->link);
    }
}

static void *run(void *context)
{
    struct node *node = context;
    for (unsigned i = 0; i < node_count; i++) {
        if (i != node->number) {
            open_link(node, &nodes[i]);
        }
    }
    (void)event_base_dispatch(node->base);
    for (unsigned i = 0; i < node_count; i++) {
        fleet_link_close(node->links[i].link);
    }
    return NULL;
}

/* ---- nodes ---- */

static struct tls_context *make_context(enum tls_use use, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    struct tls_identity identity;
    expect(tls_identity_make("a host", &identity), "identity");
    struct tls_plan plan = {.use = use,
                            .certificate = {identity.certificate, strlen(identity.certificate)},
                            .key = {identity.key, strlen(identity.key)}};
    expect(tls_fingerprint_read(&plan.certificate, fingerprint), "fingerprint");
    struct tls_context *context = tls_context_new(&plan, &part, why);
    expect(context != NULL, why);
    tls_identity_fini(&identity);
    return context;
}

static void open_node(struct node *node, unsigned number, const char *folder)
{
    node->number = number;
    snprintf(node->name, sizeof node->name, "n%u", number);
    snprintf(node->state, sizeof node->state, "%s/%s", folder, node->name);
    expect(mkdir(node->state, 0700) == 0, node->state);
    node->server = make_context(TLS_USE_PINNED_SERVER, node->server_print);
    node->client = make_context(TLS_USE_PINNED_CLIENT, node->client_print);
    node->store = bundle_store_new(node->state);
    node->wants = peer_wants_new();
    node->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    expect(porter_open(&(struct porter_options){.clock = &machine, .ways = {node, ask, give}},
                       &node->porter) == 0,
           "porter");
    porter_use(node->porter, node->store);
    struct fleet *fleet;
    expect(fleet_open(&(struct fleet_options){.clock = &machine,
                                              .server = node->name,
                                              .hooks = {.context = node,
                                                        .alive = on_alive,
                                                        .came = on_came,
                                                        .left = on_left,
                                                        .serials = on_serials,
                                                        .wanted = on_wanted,
                                                        .given = on_given,
                                                        .tick = on_tick}},
                      &fleet) == 0,
           "fleet");
    node->fleet = fleet;
}

static void listen_to_all(struct node *node)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    struct fleet_member members[NODES_MAX];
    memset(members, 0, sizeof members);
    for (unsigned i = 0; i < node_count; i++) {
        members[i].number = (uint8_t)(i + 1);
        members[i].is_enrolled = true;
        snprintf(members[i].name, sizeof members[i].name, "node:%s", nodes[i].name);
        memcpy(members[i].fingerprint, nodes[i].client_print, sizeof members[i].fingerprint);
    }
    fleet_set_members(node->fleet, members, node_count);
    int fd = fleet_bind(&(struct addr_port){.addr = {ADDR_V4, {127, 0, 0, 1}}});
    expect(fd >= 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0, "listen");
    addr_from_sockaddr((const struct sockaddr *)&at, &node->at);
    fleet_listen(node->fleet, &fd, 1, node->server);
}

static void start_node(struct node *node)
{
    const struct timeval every = {.tv_usec = LINE_EVERY_MS * 1000};
    node->base = event_base_new();
    node->wake = event_new(node->base, node->wake_fd, EV_READ | EV_PERSIST, on_wake, node);
    node->timer = event_new(node->base, -1, EV_PERSIST, on_time, node);
    expect(event_add(node->wake, NULL) == 0 && event_add(node->timer, &every) == 0, "events");
    expect(pthread_create(&node->thread, NULL, run, node) == 0, "thread");
}

static void stop_node(struct node *node)
{
    node->ends = true;
    expect(write(node->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) > 0, "wake");
    pthread_join(node->thread, NULL);
}

/* ---- the bundle ---- */

/* One file has half of it, the rest is in many. */
static void write_files(const char *folder, uint64_t size)
{
    struct random random;
    char path[8192];
    random_init(&random, 1);
    uint64_t *octets = memory_alloc(BUNDLE_BLOCK_SIZE);
    for (unsigned i = 0; i <= FILES; i++) {
        uint64_t left = i == 0 ? size / 2 : size / 2 / FILES;
        snprintf(path, sizeof path, "%s/file%u", folder, i);
        FILE *file = fopen(path, "we");
        expect(file != NULL, path);
        while (left != 0) {
            for (size_t k = 0; k < BUNDLE_BLOCK_SIZE / sizeof *octets; k++) {
                octets[k] = random_next(&random);
            }
            size_t len = left < BUNDLE_BLOCK_SIZE ? (size_t)left : BUNDLE_BLOCK_SIZE;
            expect(fwrite(octets, 1, len, file) == len, path);
            left -= len;
        }
        expect(fclose(file) == 0, path);
    }
    free(octets);
}

static uint64_t put_bundle(const char *folder, uint64_t size, char id[BUNDLE_ID_SIZE])
{
    char why[BUNDLE_WHY_SIZE], source[4096];
    struct bundle *bundle;
    struct bundle_part *part;
    snprintf(source, sizeof source, "%.4000s/source", folder);
    expect(mkdir(source, 0700) == 0, source);
    write_files(source, size);
    expect(bundle_scan(source, NULL, &bundle, NULL, why) == 0, why);
    memcpy(id, bundle->id, BUNDLE_ID_SIZE);
    expect(bundle_part_begin(nodes[0].store, bundle, NULL, &part, why) == 0, why);
    uint8_t *octets = memory_alloc(BUNDLE_BLOCK_SIZE);
    uint64_t whole = bundle->size;
    for (uint32_t i = 0; i < bundle_count_blocks(whole); i++) {
        expect(bundle_read_block(source, bundle, i, octets, why) == 0, why);
        expect(bundle_part_put(part, i, octets, bundle_block_len(whole, i), why) == 0, why);
    }
    expect(bundle_part_end(part, why) == 0, why);
    bundle_part_close(part);
    free(octets);
    return whole;
}

/* ---- what came of it ---- */

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static void tell_delays(const char *what, struct delays *delays)
{
    size_t count = delays->count < LINES_MAX ? delays->count : LINES_MAX;
    if (count != 0) {
        size_t middle = count / 2, late = count * 99 / 100;
        qsort(delays->us, count, sizeof *delays->us, compare);
        printf("  %-36s p50 %8.2f ms, p99 %8.2f ms, longest %8.2f ms (%zu)\n", what, delays->us[middle] / 1e3,
               delays->us[late] / 1e3, delays->us[count - 1] / 1e3, count);
    }
    delays->count = 0;
}

static void sleep_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static double used_s(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static bool is_everywhere(const char *id)
{
    bool is = true;
    for (unsigned i = 0; i < node_count; i++) {
        struct porter_status status;
        porter_get_status(nodes[i].porter, id, &status);
        if (status.is == PORTER_FAILED) {
            fprintf(stderr, "%s: %s\n", nodes[i].name, status.why);
            exit(1);
        }
        is = is && status.is == PORTER_HERE;
    }
    return is;
}

static void tell_sent(uint64_t size)
{
    uint64_t most = 0, total = 0, refused = 0, vain = 0;
    for (unsigned i = 0; i < node_count; i++) {
        struct fleet_stats sent;
        struct porter_stats stats;
        fleet_get_stats(nodes[i].fleet, &sent);
        porter_get_stats(nodes[i].porter, &stats);
        most = sent.sent > most ? sent.sent : most;
        total += sent.sent;
        refused += stats.refused;
        vain += stats.damaged;
    }
    struct fleet_stats first;
    fleet_get_stats(nodes[0].fleet, &first);
    printf("  sent, in times the size: most %.3f, the first node %.3f, on average %.3f; blocks refused %llu, "
           "in vain %llu\n",
           (double)most / (double)size, (double)first.sent / (double)size,
           (double)total / (double)size / node_count, (unsigned long long)refused, (unsigned long long)vain);
}

static void spread(const char *id, uint64_t size)
{
    int64_t since_ms = clock_now_ms(&machine);
    double since_s = used_s();
    for (unsigned i = 0; i < node_count; i++) {
        porter_fetch(nodes[i].porter, id);
    }
    while (!is_everywhere(id)) {
        sleep_ms(LOOK_MS);
    }
    double took_s = (double)(clock_now_ms(&machine) - since_ms) / 1e3, cpu_s = used_s() - since_s;
    printf("%u nodes, %.0f MiB: %.1f s, %.1f s of processor, which is %.2f s for each GiB and node\n",
           node_count, (double)size / (1 << 20), took_s, cpu_s,
           cpu_s / node_count / ((double)size / (1 << 30)));
    tell_sent(size);
}

int main(int argc, char **argv)
{
    char id[BUNDLE_ID_SIZE];
    if (argc != 4 || strtoul(argv[2], NULL, 10) < 2 || strtoul(argv[2], NULL, 10) > NODES_MAX) {
        fprintf(stderr, "usage: bench_bundle FOLDER NODES MIB\n");
        return 2;
    }
    clock_init(&machine);
    node_count = (unsigned)strtoul(argv[2], NULL, 10);
    for (unsigned i = 0; i < node_count; i++) {
        open_node(&nodes[i], i, argv[1]);
    }
    uint64_t size = put_bundle(argv[1], strtoull(argv[3], NULL, 10) << 20, id);
    for (unsigned i = 0; i < node_count; i++) {
        listen_to_all(&nodes[i]);
    }
    for (unsigned i = 0; i < node_count; i++) {
        start_node(&nodes[i]);
    }
    for (unsigned i = 0; i < node_count; i++) {
        while (nodes[i].up != node_count - 1) {
            sleep_ms(LOOK_MS);
        }
    }
    up_lines.count = down_lines.count = 0;
    sleep_ms(IDLE_MS);
    printf("before:\n");
    tell_delays("to a server (as health)", &up_lines);
    tell_delays("from a server (as answers to orders)", &down_lines);
    spread(id, size);
    tell_delays("to a server (as health)", &up_lines);
    tell_delays("from a server (as answers to orders)", &down_lines);
    for (unsigned i = 0; i < node_count; i++) {
        stop_node(&nodes[i]);
    }
    return 0; /* the rest goes with the process */
}
