/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See peers.h. The control thread says who the others are, whoever changes our own opinion of something notes
 * that, and the thread of the peers looks at both when it is woken. */
#include "config.h"

#include "daemon/peers_bulk.h"
#include "daemon/peers_inside.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "daemon/server.h"
#include "daemon/targets.h"
#include "daemon/vantages_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    PEERS_MAX = CONF_CLUSTER_PEERS_MAX,
    NOTES_MAX = 4096, /* with more everything is looked at */
    LOOK_MS = 500,    /* how old what is shown may be */
};

struct node {
    struct peer peer; /* name and addresses: of this struct */
    char name[CONF_NODE_NAME_MAX + 1];
    struct addr_port addresses[FLEET_PLACES_MAX];
};

/* Who is to be reached, and as whom. */
struct peers_plan {
    struct node nodes[PEERS_MAX];
    size_t count;
    char node[CONF_NODE_NAME_MAX + 1];
    struct tls_context *context; /* held; NULL: nobody is reached */
};

struct shown {
    char name[CONF_NODE_NAME_MAX + 1];
    struct peer_status status;
};

struct peers {
    struct server *server;
    struct peers_plan plan; /* of the control thread */
    bool is_begun, has_left, has_thread;
    pthread_t thread;
    int wake_fd, order_fd;
    struct peer_orders *orders;
    struct peer_wants *wants;
    /* Of the thread: */
    struct event_base *base;
    struct event *wake, *look;
    struct peer_world world;
    struct peer_link *links[PEERS_MAX];
    size_t link_count;
    uint64_t taken[NOTES_MAX];

    pthread_mutex_t lock;    /* guards what follows */
    struct peers_plan *next; /* for the thread; NULL: it has the latest */
    bool is_closing;
    bool looks_at_all;         /* there was more to note than there is room for, or another view */
    uint64_t notes[NOTES_MAX]; /* identities of what may be seen otherwise */
    size_t note_count;
    struct shown shown[PEERS_MAX];
    size_t shown_count;
};

static void wake(const struct peers *peers)
{
    ssize_t written = write(peers->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when it rings already */
}

static void free_plan(struct peers_plan *plan)
{
    if (plan != NULL) {
        tls_context_drop(plan->context);
        free(plan);
    }
}

/* ---- the thread ---- */

static void show(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    peers->shown_count = peers->link_count;
    for (size_t i = 0; i < peers->link_count; i++) {
        snprintf(peers->shown[i].name, sizeof peers->shown[i].name, "%s", peer_link_name(peers->links[i]));
        peer_link_get_status(peers->links[i], &peers->shown[i].status);
    }
    pthread_mutex_unlock(&peers->lock);
}

/* Those that may not go on as they are. */
static void close_others(struct peers *peers, const struct peers_plan *plan, bool is_same_key)
{
    size_t left = 0;
    for (size_t i = 0; i < peers->link_count; i++) {
        bool stays = false;
        for (size_t k = 0; is_same_key && plan->context != NULL && k < plan->count && !stays; k++) {
            stays = peer_link_adopt(peers->links[i], &plan->nodes[k].peer);
        }
        if (stays) {
            peers->links[left++] = peers->links[i];
        } else {
            peer_link_close(peers->links[i]);
        }
    }
    peers->link_count = left;
}

static bool is_reached(const struct peers *peers, const char *name)
{
    size_t i = 0;
    while (i < peers->link_count && strcmp(peer_link_name(peers->links[i]), name) != 0) {
        i++;
    }
    return i < peers->link_count;
}

static void use_plan(struct peers *peers, struct peers_plan *plan)
{
    struct peer_world *world = &peers->world;
    close_others(peers, plan, plan->context == world->context && strcmp(plan->node, world->node) == 0);
    if (plan->context != world->context) {
        tls_context_drop(world->context);
        world->context = tls_context_hold(plan->context);
    }
    snprintf(world->node, sizeof world->node, "%s", plan->node);
    for (size_t i = 0; world->context != NULL && i < plan->count; i++) {
        const struct peer *peer = &plan->nodes[i].peer;
        struct peer_link *link =
            !peer->has_fingerprint || is_reached(peers, peer->name) ? NULL : peer_link_open(world, peer);
        if (link != NULL) {
            peers->links[peers->link_count++] = link;
        }
    }
    show(peers);
}

static void tell(struct peers *peers, size_t count, bool looks_at_all)
{
    for (size_t i = 0; i < peers->link_count; i++) {
        struct peer_link *link = peers->links[i];
        for (size_t k = 0; k < count; k++) {
            peer_link_note(link, peers->taken[k]);
        }
        if (looks_at_all) {
            peer_link_note_all(link);
        }
        peer_link_tell(link);
    }
}

static void ask(struct peers *peers)
{
    for (struct peer_want *want = peer_wants_take(peers->wants), *next; want != NULL; want = next) {
        next = want->next;
        for (size_t i = 0; i < peers->link_count; i++) {
            if (strcmp(peer_link_name(peers->links[i]), want->node) == 0) {
                peer_link_ask(peers->links[i], want->connection, &want->message);
            }
        }
        free(want);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct peers *peers = context;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)got, (void)what;
    pthread_mutex_lock(&peers->lock);
    struct peers_plan *plan = peers->next;
    size_t count = peers->note_count;
    bool looks_at_all = peers->looks_at_all, is_closing = peers->is_closing;
    memcpy(peers->taken, peers->notes, count * sizeof *peers->taken);
    peers->next = NULL;
    peers->note_count = 0;
    peers->looks_at_all = false;
    pthread_mutex_unlock(&peers->lock);
    if (plan != NULL) {
        use_plan(peers, plan);
        free_plan(plan);
    }
    if (is_closing) {
        event_base_loopbreak(peers->base);
        return;
    }
    tell(peers, count, looks_at_all);
    ask(peers);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct peers *peers = context;
    (void)fd, (void)what;
    tell(peers, 0, false); /* what a node has not answered */
    show(peers);
}

static void *run(void *context)
{
    struct peers *peers = context;
    pthread_setname_np(pthread_self(), "peers");
    (void)event_base_dispatch(peers->base);
    while (peers->link_count != 0) {
        peer_link_close(peers->links[--peers->link_count]);
    }
    return NULL;
}

static int set_up(struct peers *peers)
{
    const struct timeval look = {.tv_usec = LOOK_MS * 1000};
    peers->base = event_base_new();
    if (peers->base == NULL) {
        return -ENOMEM;
    }
    peers->world.base = peers->base;
    peers->wake = event_new(peers->base, peers->wake_fd, EV_READ | EV_PERSIST, on_wake, peers);
    peers->look = event_new(peers->base, -1, EV_PERSIST, on_look, peers);
    if (peers->wake == NULL || peers->look == NULL || event_add(peers->wake, NULL) == -1 ||
        event_add(peers->look, &look) == -1) {
        return -ENOMEM;
    }
    return -thread_start(&peers->thread, run, peers);
}

/* ---- from other threads ---- */

void peers_saw(void *context, uint32_t monitor)
{
    struct peers *peers = context;
    const struct view *view = peers->server->view;
    uint64_t identity = monitor < view->monitor_count
                            ? view->monitors[monitor].identity
                            : targets_identify_control(view, monitor - view->monitor_count);
    pthread_mutex_lock(&peers->lock);
    bool rings = peers->note_count != 0 || peers->looks_at_all;
    if (peers->note_count < NOTES_MAX) {
        peers->notes[peers->note_count++] = identity;
    } else {
        peers->looks_at_all = true;
    }
    pthread_mutex_unlock(&peers->lock);
    if (!rings) {
        wake(peers);
    }
}

bool peers_get_status(struct peers *peers, const char *name, struct peer_status *status)
{
    bool found = false;
    if (peers == NULL) {
        return false;
    }
    pthread_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->shown_count && !found; i++) {
        found = strcmp(peers->shown[i].name, name) == 0;
        *status = found ? peers->shown[i].status : *status;
    }
    pthread_mutex_unlock(&peers->lock);
    return found;
}

void peers_tell_serials(struct peers *peers)
{
    if (peers != NULL) {
        wake(peers);
    }
}

void peers_ask(struct peers *peers, const char *node, uint64_t connection, const struct fleet_message *want)
{
    if (peers != NULL && peer_wants_put(peers->wants, node, connection, want)) {
        wake(peers);
    }
}

uint32_t peers_count_reached(struct peers *peers)
{
    uint32_t count = 0;
    if (peers == NULL) {
        return 0;
    }
    pthread_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->shown_count; i++) {
        count += peers->shown[i].status.state == FLEET_LINK_CONNECTED;
    }
    pthread_mutex_unlock(&peers->lock);
    return count;
}

/* ---- from the control thread ---- */

static void copy_node(struct node *to, const struct peer *from)
{
    to->peer = *from;
    snprintf(to->name, sizeof to->name, "%s", from->name);
    to->peer.address_count =
        from->address_count < FLEET_PLACES_MAX ? from->address_count : (size_t)FLEET_PLACES_MAX;
    for (size_t i = 0; i < to->peer.address_count; i++) {
        to->addresses[i] = from->addresses[i];
    }
    to->peer.name = to->name;
    to->peer.addresses = to->addresses;
}

static struct peers_plan *copy_plan(const struct peers_plan *from, bool reaches)
{
    struct peers_plan *plan = memory_alloc(sizeof *plan);
    plan->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        copy_node(&plan->nodes[i], &from->nodes[i].peer);
    }
    memcpy(plan->node, from->node, sizeof plan->node);
    plan->context = reaches ? tls_context_hold(from->context) : NULL;
    return plan;
}

/* Where there is nobody to be reached there is no thread for it. */
static bool has_thread(struct peers *peers)
{
    if (!peers->has_thread && peers->plan.count != 0 && peers->is_begun && !peers->has_left) {
        int error = set_up(peers);
        peers->has_thread = error == 0;
        if (error != 0) {
            log_error("nodes are not reached why=\"no thread for it: %s\"", error_text(error));
        }
    }
    return peers->has_thread;
}

static void send_plan(struct peers *peers)
{
    if (!has_thread(peers)) {
        return;
    }
    struct peers_plan *plan = copy_plan(&peers->plan, peers->is_begun && !peers->has_left);
    pthread_mutex_lock(&peers->lock);
    struct peers_plan *old = peers->next;
    peers->next = plan;
    pthread_mutex_unlock(&peers->lock);
    free_plan(old);
    wake(peers);
}

static void set_nodes(struct peers *peers, const struct peer *nodes, size_t count)
{
    peers->plan.count = count < PEERS_MAX ? count : (size_t)PEERS_MAX;
    for (size_t i = 0; i < peers->plan.count; i++) {
        copy_node(&peers->plan.nodes[i], &nodes[i]);
    }
    vantages_set_nodes(peers->server->vantages, nodes, peers->plan.count);
}

void peers_set(struct peers *peers, const struct peer *nodes, size_t count)
{
    set_nodes(peers, nodes, count);
    send_plan(peers);
}

void peers_learn(struct peers *peers, const struct view *view)
{
    const struct conf_cluster *cluster = view->server->cluster;
    struct peer nodes[PEERS_MAX];
    if (peers == NULL) {
        return;
    }
    snprintf(peers->plan.node, sizeof peers->plan.node, "%s", cluster == NULL ? "" : cluster->node);
    vantages_weigh_nodes(peers->server->vantages, view->server->vantages.local_weight);
    if (cluster != NULL && cluster->etcd_count != 0) {
        return; /* who they are is in there */
    }
    size_t count = cluster == NULL ? 0 : cluster->peer_count;
    for (size_t i = 0; i < count; i++) {
        const struct conf_peer *from = &cluster->peers[i];
        nodes[i] = (struct peer){.name = from->name,
                                 .addresses = from->at,
                                 .address_count = from->at_count,
                                 .has_fingerprint = true};
        memcpy(nodes[i].fingerprint, from->fingerprint, sizeof nodes[i].fingerprint);
    }
    set_nodes(peers, nodes, count);
}

void peers_follow(struct peers *peers, struct tls_context *context)
{
    if (peers == NULL) {
        return;
    }
    if (context != peers->plan.context) {
        tls_context_drop(peers->plan.context);
        peers->plan.context = tls_context_hold(context);
    }
    pthread_mutex_lock(&peers->lock);
    peers->looks_at_all = true;
    pthread_mutex_unlock(&peers->lock);
    send_plan(peers);
}

void peers_begin(struct peers *peers)
{
    if (peers != NULL) {
        peers->is_begun = true;
        send_plan(peers);
    }
}

void peers_leave(struct peers *peers)
{
    if (peers != NULL) {
        peers->has_left = true;
        send_plan(peers);
    }
}

void peers_get_own(const struct peers *peers, struct peer_own *own)
{
    const struct server *server = peers->server;
    const struct conf_cluster *cluster = server->view == NULL ? NULL : server->view->server->cluster;
    *own = (struct peer_own){.listen_count = 0};
    own->has_fingerprint = vantages_get_fingerprint(server->vantages, own->fingerprint);
    if (cluster != NULL) {
        own->listen = cluster->listen;
        own->listen_count = cluster->listen_count;
    }
}

/* ---- orders ---- */

void peers_put_order(struct peers *peers, uint64_t mark, const char *text, int64_t born_ms)
{
    if (peers != NULL) {
        peer_orders_put(peers->orders, mark, text, born_ms);
        wake(peers);
    }
}

void peers_drop_order(struct peers *peers, uint64_t mark)
{
    if (peers != NULL) {
        peer_orders_drop(peers->orders, mark);
    }
}

void peers_drop_orders(struct peers *peers)
{
    if (peers != NULL) {
        peer_orders_drop_all(peers->orders);
    }
}

int peers_get_order_fd(const struct peers *peers)
{
    return peers == NULL ? -1 : peers->order_fd;
}

const char *peers_look_at_order(struct peers *peers, size_t number, uint64_t mark,
                                struct peer_order_status *status, bool *is_known)
{
    struct peer_status link;
    if (peers == NULL || number >= peers->plan.count) {
        return NULL;
    }
    const char *name = peers->plan.nodes[number].name;
    *is_known = peer_orders_get(peers->orders, mark, name, &status->state);
    status->is_linked = peers_get_status(peers, name, &link) && link.state == FLEET_LINK_CONNECTED;
    return name;
}

/* ---- life ---- */

int peers_open(struct server *server, struct peers **opened)
{
    struct peers *peers = memory_alloc(sizeof *peers);
    peers->server = server;
    peers->world.server = server;
    random_make_secret(&peers->world.run, sizeof peers->world.run);
    pthread_mutex_init(&peers->lock, NULL);
    peers->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    peers->order_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    peers->orders = peers->world.orders = peer_orders_new(peers->order_fd);
    peers->wants = peer_wants_new();
    *opened = peers;
    return peers->wake_fd == -1 || peers->order_fd == -1 ? -errno : 0;
}

void peers_stop(struct peers *peers)
{
    if (peers != NULL && peers->has_thread) {
        pthread_mutex_lock(&peers->lock);
        peers->is_closing = true;
        pthread_mutex_unlock(&peers->lock);
        wake(peers);
        pthread_join(peers->thread, NULL);
        peers->has_thread = false;
        peers->has_left = true;
    }
}

void peers_close(struct peers *peers)
{
    if (peers == NULL) {
        return;
    }
    if (peers->wake != NULL) {
        event_free(peers->wake);
    }
    if (peers->look != NULL) {
        event_free(peers->look);
    }
    if (peers->base != NULL) {
        event_base_free(peers->base);
    }
    if (peers->wake_fd != -1) {
        close(peers->wake_fd);
    }
    if (peers->order_fd != -1) {
        close(peers->order_fd);
    }
    peer_orders_free(peers->orders);
    peer_wants_free(peers->wants);
    free_plan(peers->next);
    tls_context_drop(peers->plan.context);
    tls_context_drop(peers->world.context);
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}
