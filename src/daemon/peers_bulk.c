/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See peers_bulk.h. */
#include "config.h"

#include "daemon/peers_bulk.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer_wants {
    pthread_mutex_t lock; /* guards what follows */
    struct peer_want *first, **last;
};

struct peer_wants *peer_wants_new(void)
{
    struct peer_wants *wants = memory_alloc(sizeof *wants);
    wants->last = &wants->first;
    pthread_mutex_init(&wants->lock, NULL);
    return wants;
}

void peer_wants_free(struct peer_wants *wants)
{
    if (wants != NULL) {
        for (struct peer_want *want = wants->first, *next; want != NULL; want = next) {
            next = want->next;
            free(want);
        }
        pthread_mutex_destroy(&wants->lock);
        free(wants);
    }
}

bool peer_wants_put(struct peer_wants *wants, const char *node, uint64_t connection,
                    const struct fleet_message *message)
{
    const struct fleet_bulk *bulk = &message->bulk;
    struct peer_want *want = memory_alloc(sizeof *want + bulk->count * sizeof *want->items);
    want->connection = connection;
    want->message = *message;
    snprintf(want->node, sizeof want->node, "%s", node);
    snprintf(want->bundle, sizeof want->bundle, "%s", bulk->bundle);
    for (size_t i = 0; i < bulk->count; i++) {
        want->items[i] = bulk->items[i];
    }
    want->message.bulk.bundle = want->bundle;
    want->message.bulk.items = want->items;
    pthread_mutex_lock(&wants->lock);
    bool is_first = wants->first == NULL;
    *wants->last = want;
    wants->last = &want->next;
    pthread_mutex_unlock(&wants->lock);
    return is_first;
}

struct peer_want *peer_wants_take(struct peer_wants *wants)
{
    pthread_mutex_lock(&wants->lock);
    struct peer_want *first = wants->first;
    wants->first = NULL;
    wants->last = &wants->first;
    pthread_mutex_unlock(&wants->lock);
    return first;
}

/* ---- blocks ---- */

void peer_block_drop(struct peer_block *coming)
{
    free(coming->octets);
    *coming = (struct peer_block){.have = 0};
}

static void begin(struct peer_block *coming, const struct fleet_piece *piece)
{
    peer_block_drop(coming);
    coming->piece = *piece;
    snprintf(coming->bundle, sizeof coming->bundle, "%s", piece->bundle);
    coming->piece.bundle = coming->bundle;
    coming->octets = memory_alloc(piece->of);
}

static bool is_next(const struct peer_block *coming, const struct fleet_piece *piece)
{
    return coming->octets != NULL && piece->from == coming->have && piece->of == coming->piece.of &&
           piece->number == coming->piece.number && piece->part == coming->piece.part &&
           strcmp(piece->bundle, coming->bundle) == 0;
}

uint8_t *peer_block_add(struct peer_block *coming, const struct fleet_piece *piece,
                        struct fleet_message *block)
{
    if (piece->from == 0) {
        begin(coming, piece);
    }
    if (!is_next(coming, piece)) {
        peer_block_drop(coming);
        return NULL;
    }
    memcpy(coming->octets + coming->have, piece->octets, piece->len);
    coming->have += piece->len;
    if (coming->have < piece->of) {
        return NULL;
    }
    uint8_t *octets = coming->octets;
    *block = (struct fleet_message){.kind = FLEET_BLOCK, .piece = coming->piece};
    coming->octets = NULL;
    return octets;
}
