/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See peers_orders.h. */
#include "config.h"

#include "daemon/peers_orders.h"

#include "base/log.h"
#include "base/memory.h"
#include "fleet/link.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AGAIN_MS = 2000 };

struct told {
    char node[CONF_NODE_NAME_MAX + 1];
    enum peer_order_state state;
    uint64_t connection;
    int64_t sent_ms; /* monotonic */
};

struct order {
    struct order *next;
    uint64_t mark;
    char *text;
    int64_t born_ms;
    struct told told[CONF_CLUSTER_PEERS_MAX];
    size_t told_count;
};

struct peer_orders {
    int fd;
    pthread_mutex_t lock; /* guards what follows */
    struct order *first, **last;
};

struct peer_orders *peer_orders_new(int fd)
{
    struct peer_orders *orders = memory_alloc(sizeof *orders);
    *orders = (struct peer_orders){.fd = fd, .last = &orders->first};
    pthread_mutex_init(&orders->lock, NULL);
    return orders;
}

void peer_orders_free(struct peer_orders *orders)
{
    if (orders != NULL) {
        peer_orders_drop_all(orders);
        pthread_mutex_destroy(&orders->lock);
        free(orders);
    }
}

/* ---- under the lock ---- */

static struct order *find(const struct peer_orders *orders, uint64_t mark)
{
    struct order *order = orders->first;
    while (order != NULL && order->mark != mark) {
        order = order->next;
    }
    return order;
}

static struct told *find_told(struct order *order, const char *node)
{
    size_t i = 0;
    while (i < order->told_count && strcmp(order->told[i].node, node) != 0) {
        i++;
    }
    return i < order->told_count ? &order->told[i] : NULL;
}

/* NULL: there are more nodes than there can be. */
static struct told *get_told(struct order *order, const char *node)
{
    struct told *told = find_told(order, node);
    if (told == NULL && order->told_count < CONF_CLUSTER_PEERS_MAX) {
        told = &order->told[order->told_count++];
        *told = (struct told){.state = PEER_ORDER_UNTOLD};
        snprintf(told->node, sizeof told->node, "%s", node);
    }
    return told;
}

static void drop_at(struct peer_orders *orders, struct order **at)
{
    struct order *order = *at;
    *at = order->next;
    orders->last = *at == NULL ? at : orders->last;
    free(order->text);
    free(order);
}

/* ---- what is to be told ---- */

void peer_orders_put(struct peer_orders *orders, uint64_t mark, const char *text, int64_t born_ms)
{
    pthread_mutex_lock(&orders->lock);
    if (find(orders, mark) == NULL) {
        struct order *order = memory_alloc(sizeof *order);
        *order = (struct order){.mark = mark, .text = memory_copy_text(text), .born_ms = born_ms};
        *orders->last = order;
        orders->last = &order->next;
    }
    pthread_mutex_unlock(&orders->lock);
}

void peer_orders_drop(struct peer_orders *orders, uint64_t mark)
{
    pthread_mutex_lock(&orders->lock);
    struct order **at = &orders->first;
    while (*at != NULL && (*at)->mark != mark) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        drop_at(orders, at);
    }
    pthread_mutex_unlock(&orders->lock);
}

void peer_orders_drop_all(struct peer_orders *orders)
{
    pthread_mutex_lock(&orders->lock);
    while (orders->first != NULL) {
        drop_at(orders, &orders->first);
    }
    pthread_mutex_unlock(&orders->lock);
}

bool peer_orders_get(struct peer_orders *orders, uint64_t mark, const char *node,
                     enum peer_order_state *state)
{
    pthread_mutex_lock(&orders->lock);
    struct order *order = find(orders, mark);
    const struct told *told = order == NULL ? NULL : find_told(order, node);
    *state = told == NULL ? PEER_ORDER_UNTOLD : told->state;
    pthread_mutex_unlock(&orders->lock);
    return order != NULL;
}

/* ---- the link ---- */

/* Clocks of nodes may differ: by its age the other one knows when it was given by its own. Owned. */
static char *write_aged(const struct order *order, int64_t now_ms)
{
    return order->born_ms == 0
               ? memory_copy_text(order->text)
               : memory_print("{\"age_ms\":%" PRId64 ",%s", now_ms - order->born_ms, order->text + 1);
}

/* In their order: a later one may be laid over an earlier one. What there is no room for now goes the next
 * time, and all behind it. */
void peer_orders_tell(struct peer_orders *orders, const char *node, struct fleet_link *link, int64_t now_ms)
{
    uint64_t connection = fleet_link_connection(link);
    bool fits = true;
    pthread_mutex_lock(&orders->lock);
    for (struct order *order = orders->first; order != NULL && fits; order = order->next) {
        struct told *told = get_told(order, node);
        bool is_answered = told == NULL || told->state == PEER_ORDER_HOLDS ||
                           (told->connection == connection &&
                            (told->state == PEER_ORDER_REFUSED || now_ms - told->sent_ms < AGAIN_MS));
        if (is_answered) {
            continue;
        }
        char *text = write_aged(order, now_ms);
        fits = fleet_link_answer(link,
                                 &(struct fleet_message){.kind = FLEET_ORDER, .order = {order->mark, text}});
        free(text);
        if (fits) {
            told->state = PEER_ORDER_TOLD;
            told->connection = connection;
            told->sent_ms = now_ms;
        }
    }
    pthread_mutex_unlock(&orders->lock);
}

void peer_orders_hear(struct peer_orders *orders, const char *node, uint64_t mark, const char *why)
{
    pthread_mutex_lock(&orders->lock);
    struct order *order = find(orders, mark);
    struct told *told = order == NULL ? NULL : find_told(order, node);
    if (told != NULL) {
        told->state = why[0] == '\0' ? PEER_ORDER_HOLDS : PEER_ORDER_REFUSED;
    }
    pthread_mutex_unlock(&orders->lock);
    if (told == NULL) {
        return;
    }
    if (why[0] != '\0') {
        log_warning("order refused by a node node=%s mark=%016" PRIx64 " why=\"%s\"", node, mark, why);
    }
    ssize_t written = write(orders->fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when it rings already */
}
