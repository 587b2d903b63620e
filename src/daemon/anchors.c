/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See anchors.h. */
#include "config.h"

#include "daemon/anchors.h"

#include "base/hex.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>

#include <event2/event.h>

enum { AFTER_S = 5 };

void anchors_tell_of(struct anchors *anchors, const struct store_stats *stats)
{
    char hash[2 * STORE_HASH_SIZE + 1];
    if (stats->seq == anchors->told) {
        return;
    }
    log_info("journal anchor seq=%llu hash=%s", (unsigned long long)stats->seq,
             hex_write(stats->hash, STORE_HASH_SIZE, hash));
    anchors->told = stats->seq;
}

void anchors_tell(struct anchors *anchors)
{
    struct store_stats stats;
    store_get_stats(*anchors->store, &stats);
    anchors_tell_of(anchors, &stats);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    anchors_tell(argument);
}

void anchors_plan(const struct anchors *anchors, const struct store_stats *stats)
{
    const struct timeval after = {.tv_sec = AFTER_S};
    if (stats->seq != anchors->told && event_pending(anchors->timer, EV_TIMEOUT, NULL) == 0) {
        (void)event_add(anchors->timer, &after);
    }
}

int anchors_open(struct anchors *anchors, struct event_base *base, struct store *const *store)
{
    anchors->store = store;
    anchors->timer = evtimer_new(base, on_timer, anchors);
    return anchors->timer == NULL ? -ENOMEM : 0;
}

void anchors_stop(const struct anchors *anchors)
{
    (void)event_del(anchors->timer);
}

void anchors_close(const struct anchors *anchors)
{
    if (anchors->timer != NULL) {
        event_free(anchors->timer);
    }
}
