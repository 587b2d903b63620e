/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See refusals.h. Twenty at once and one per second are told, so that whoever knocks all day long does not
 * fill the log, nor push out of the stream of events what others need to see. */
#include "config.h"

#include "daemon/refusals.h"

#include "daemon/changes.h"
#include "daemon/server.h"

enum { TOKENS_MAX = 20, REFILL_MS = 1000 };

static bool may_tell(struct refusals *refusals, int64_t now_ms)
{
    int64_t due = refusals->filled_ms == 0 ? TOKENS_MAX : (now_ms - refusals->filled_ms) / REFILL_MS;
    if (due > 0) {
        bool is_full = due >= (int64_t)(TOKENS_MAX - refusals->tokens);
        refusals->tokens = is_full ? TOKENS_MAX : refusals->tokens + (unsigned)due;
        refusals->filled_ms = now_ms;
    }
    if (refusals->tokens == 0) {
        return false;
    }
    refusals->tokens--;
    return true;
}

void server_note_refusal(void *context, const struct admin_refusal *refusal)
{
    struct server *server = context;
    struct refusals *refusals = &server->refusals;
    (void)atomic_fetch_add_explicit(&refusals->counts[refusal->cause], 1, memory_order_relaxed);
    if (!may_tell(refusals, clock_now_ms(&server->clock))) {
        refusals->untold++;
        return;
    }
    changes_tell_access(server->changes, refusal, refusals->untold);
    refusals->untold = 0;
}

void refusals_write_metrics(const struct server *server, struct buffer *out)
{
    buffer_add_text(out,
                    "# HELP steerd_admin_refused_total Requests that the admin API has refused, by cause.\n"
                    "# TYPE steerd_admin_refused_total counter\n");
    for (int i = 0; i < ADMIN_REFUSAL_CAUSES; i++) {
        uint64_t count = atomic_load_explicit(&server->refusals.counts[i], memory_order_relaxed);
        buffer_print(out, "steerd_admin_refused_total{cause=\"%s\"} %llu\n",
                     admin_refusal_text((enum admin_refusal_cause)i), (unsigned long long)count);
    }
}
