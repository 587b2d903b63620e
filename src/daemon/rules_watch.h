/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Since when safety rules are kept or violated, and telling when that changes. On the control thread.
 * Private to src/daemon. */
#pragma once

#include "conf/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rules_watch;
struct server;

/* What was seen last, for whoever shows it. */
struct rules_seen {
    struct rules_seen_item {
        char name[64];
        bool is_violated;
        int64_t since_ms; /* wall */
    } items[CONF_RULES_MAX];
    size_t count;
};

struct rules_watch *rules_watch_new(struct server *server); /* NULL: no descriptor, or no memory */
void rules_watch_free(struct rules_watch *watch);           /* NULL is fine */
/* Look, and tell the health machine what rules forbid, if anything may have changed; at least once a second.
 * One walk over the words of the health table. */
void rules_watch_follow(struct rules_watch *watch); /* NULL is fine */
/* Wall time: when a region moved last (health_get_last_move()). Takes the health lock for a moment. */
int64_t rules_watch_get_last_move(const struct rules_watch *watch);             /* NULL: 0 */
void rules_watch_get(const struct rules_watch *watch, struct rules_seen *seen); /* NULL: nothing was seen */
