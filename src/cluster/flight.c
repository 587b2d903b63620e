/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The entry that is in flight, and what becomes of it. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void cluster_end_flight(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    cluster_call_off(cluster, &write->ask);
    free(write->text);
    write->text = NULL;
    write->flight = FLIGHT_NONE;
    write->owner = NULL;
}

/* The first of the queue, usually. */
void cluster_finish(struct cluster *cluster, struct cluster_write *done, int error)
{
    struct write *write = &cluster->write;
    struct cluster_write **at = &write->first;
    while (*at != done) {
        at = &(*at)->next;
    }
    *at = done->next;
    if (write->last == &done->next) {
        write->last = at;
    }
    done->next = NULL;
    done->error = error;
    write->losses += error != 0; /* what holds here by it will not */
    *write->finished_last = done;
    write->finished_last = &done->next;
    cluster_note(cluster);
}

/* A long order is one entry after the other, and what is behind it waits for all of them: as long as etcd
 * takes them nobody's time is over. */
static void begin_time_anew(struct write *write)
{
    for (struct cluster_write *one = write->first; one != NULL; one = one->next) {
        one->until_ms = UNTIMED;
    }
}

void cluster_write_won(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    struct cluster_write *owner = write->owner;
    cluster_pending_hear(cluster, &write->entry);
    write->wins++;
    cluster->at = cluster->follow.tail;
    owner->written += write->entry.op_count;
    owner->at = cluster->at;
    cluster->nodes.is_told = false;
    cluster->has_changed = true;
    cluster_end_flight(cluster);
    begin_time_anew(write);
    if (owner->written == owner->op_count) {
        cluster_finish(cluster, owner, 0);
    }
}

/* It is known that it was not written: by then nothing is under way any more that could. */
void cluster_lose_flight(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    struct cluster_write *owner = write->owner;
    bool is_late = owner != NULL && owner->until_ms <= cluster->now_ms;
    cluster_end_flight(cluster);
    if (is_late) {
        cluster_finish(cluster, owner, -ETIMEDOUT);
    }
    cluster_note(cluster);
}

enum write_fate cluster_write_judge(struct cluster *cluster, const struct cluster_entry *entry)
{
    struct write *write = &cluster->write;
    if (write->flight == FLIGHT_NONE || write->entry.seq != entry->seq) {
        return FATE_NONE;
    }
    if (memcmp(write->entry.hash, entry->hash, sizeof entry->hash) != 0) {
        cluster_lose_flight(cluster);
        return FATE_NONE;
    }
    if (write->owner == NULL) {
        cluster_end_flight(cluster); /* it comes to be applied like others */
        return FATE_NONE;
    }
    return FATE_WRITTEN_BY_OWNER;
}

void cluster_abandon_flight(struct cluster *cluster)
{
    struct write *write = &cluster->write;
    struct cluster_write *owner = write->owner;
    bool is_open = write->is_open || write->flight == FLIGHT_SENT;
    if (write->flight == FLIGHT_NONE) {
        return;
    }
    cluster_end_flight(cluster);
    if (owner != NULL) {
        cluster_finish(cluster, owner, is_open ? ERROR_CANCELLED : ERROR_CONFLICT);
    }
}
