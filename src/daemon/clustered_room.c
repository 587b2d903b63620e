/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An etcd that is full takes no orders until its operator makes room, so `steerctl check` warns before that.
 * Each node asks etcd every ten seconds how full it is, which writes nothing. */
#include "config.h"

#include "daemon/clustered_inside.h"

enum { EVERY_MS = 10000, PATIENCE_MS = 5000 };

static void on_answer(void *context, const struct etcd_answer *answer)
{
    struct clustered_room *room = &((struct clustered *)context)->room;
    room->asked = 0;
    room->has = answer->room;
}

void clustered_room_go_on(struct clustered *clustered, int64_t now_ms)
{
    struct clustered_room *room = &clustered->room;
    if (room->asked == 0 && now_ms >= room->next_ms) {
        room->next_ms = now_ms + EVERY_MS;
        room->asked = etcd_look(clustered->etcd, PATIENCE_MS, on_answer, clustered);
    }
}
