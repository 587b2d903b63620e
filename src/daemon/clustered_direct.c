/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What holds at one node, and etcd does not know yet, goes to the other nodes over the links between them,
 * with its mark: so it holds there, too, and whoever reaches etcd first brings it. A node that reaches etcd
 * brings it before it holds there; where that takes too long, or etcd is away, it holds at once. Each passes
 * on what it was heard, in its order, so that links in one direction are enough; the mark ends that. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/peers.h"
#include "daemon/server.h"
#include "daemon/vantages.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SAID_MAX = 256,   /* that wait for the control thread; what is more is said again */
    BRING_MS = 200,   /* as long as an emergency here waits for its turn */
    HEARD_MAX = 1000, /* that are here and no entries yet */
};

enum stage { BRINGS, PUTS, HOLDS, SETTLED };

struct clustered_heard {
    struct clustered_heard *next;
    struct arena *arena;
    struct cluster_pending what;
    const char *text;
    enum stage stage;
    int64_t until_ms; /* monotonic: then it holds though it was not brought */
    uint32_t askers;  /* bits: numbers of vantages */
};

/* ---- heard ---- */

static void answer(const struct clustered *clustered, uint32_t askers, uint64_t mark, const char *why)
{
    for (unsigned number = 0; number < 32; number++) {
        if ((askers & (UINT32_C(1) << number)) != 0) {
            vantages_answer_order(clustered->server->vantages, number, mark, why);
        }
    }
}

static struct clustered_heard *find_heard(const struct clustered *clustered, uint64_t mark)
{
    struct clustered_heard *heard = clustered->heard;
    while (heard != NULL && heard->what.mark != mark) {
        heard = heard->next;
    }
    return heard;
}

static void refuse(struct clustered *clustered, const struct clustered_said *said, const char *why)
{
    clustered->refused_orders++;
    log_warning("order of a node refused node=%s mark=%016" PRIx64 " why=\"%s\"", said->node, said->mark,
                why);
    answer(clustered, UINT32_C(1) << said->number, said->mark, why);
}

/* ---- in force ---- */

static bool reaches_etcd(const struct clustered *clustered)
{
    struct cluster_status status;
    cluster_get_status(clustered->cluster, &status);
    return status.phase == CLUSTER_FOLLOWING || status.phase == CLUSTER_CATCHING;
}

static void pend(struct clustered *clustered, const struct clustered_heard *heard)
{
    cluster_pend(clustered->cluster, &heard->what);
    clustered_tell_peers(clustered, &heard->what, heard->text);
    clustered_poke(clustered);
}

static void note_put(struct clustered *clustered, uint64_t mark, bool is_in_force)
{
    struct clustered_heard *heard = find_heard(clustered, mark);
    if (heard != NULL && heard->stage == PUTS && is_in_force) {
        heard->stage = HOLDS;
        answer(clustered, heard->askers, mark, "");
        heard->askers = 0;
    }
}

static void put(struct clustered *clustered, struct clustered_heard *heard)
{
    bool is_new = heard->stage != BRINGS;
    heard->stage = PUTS;
    clustered_put_told(clustered, &heard->what, heard->text, note_put);
    if (is_new) {
        pend(clustered, heard);
    }
}

/* ---- told ---- */

static size_t count_heard(const struct clustered *clustered)
{
    size_t count = 0;
    for (const struct clustered_heard *heard = clustered->heard; heard != NULL; heard = heard->next) {
        count++;
    }
    return count;
}

static void free_heard(struct clustered_heard *heard)
{
    arena_free(heard->arena);
    free(heard);
}

/* NULL: *why. */
static struct clustered_heard *read_heard(struct clustered *clustered, const struct clustered_said *said,
                                          const char **why)
{
    struct clustered_heard *heard = memory_alloc(sizeof *heard);
    *heard = (struct clustered_heard){.arena = arena_new(0), .stage = HOLDS};
    int error = clustered_parse_pending(said->text, heard->arena, &heard->what, why);
    char *text = NULL;
    if (error == 0 && heard->what.mark != said->mark) {
        *why = "its mark is another one";
    } else if (error == 0 && heard->what.op_count == 0) {
        *why = "it changes nothing";
    } else if (error == 0) {
        heard->what.number = clustered->next_pending;
        heard->what.born_ms = clustered_find_birth(said->text, clock_now_ms(&clustered->server->clock));
        text = clustered_write_pending(&heard->what, heard->what.node);
        *why = text == NULL ? "it is too long" : "";
    }
    if (text == NULL) {
        free_heard(heard);
        return NULL;
    }
    clustered->next_pending++;
    heard->text = arena_copy_text(heard->arena, text);
    free(text);
    return heard;
}

static void begin(struct clustered *clustered, const struct clustered_said *said,
                  struct clustered_heard *heard)
{
    struct clustered_heard **last = &clustered->heard;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = heard;
    heard->askers = UINT32_C(1) << said->number;
    clustered->taken_orders++;
    bool brings = reaches_etcd(clustered);
    log_warning("order of a node kind=%s key=%s node=%s actor=\"%s\" effect=\"%s\"", heard->what.ops[0].kind,
                heard->what.ops[0].key, said->node,
                heard->what.cause.actor == NULL ? "" : heard->what.cause.actor,
                brings ? "etcd is told of it, which that node does not reach"
                       : "it holds here, too; the cluster is told as soon as etcd is back");
    if (!brings) {
        put(clustered, heard);
        return;
    }
    heard->stage = BRINGS;
    heard->until_ms = clock_now_ms(&clustered->server->clock) + BRING_MS;
    clustered_note_pending(clustered, heard->what.number, heard->text);
    pend(clustered, heard);
}

static void take(struct clustered *clustered, const struct clustered_said *said)
{
    struct clustered_heard *heard = find_heard(clustered, said->mark);
    const char *why = "";
    if (heard != NULL) {
        heard->askers |= UINT32_C(1) << said->number;
        if (heard->stage == HOLDS) {
            answer(clustered, heard->askers, said->mark, "");
            heard->askers = 0;
        }
    } else if (clustered->cluster == NULL) {
        refuse(clustered, said, "this is no node of a cluster now");
    } else if (cluster_knows_mark(clustered->cluster, said->mark)) {
        answer(clustered, UINT32_C(1) << said->number, said->mark, "");
    } else if (count_heard(clustered) >= HEARD_MAX) {
        refuse(clustered, said, "too many of them are here that etcd does not know yet");
    } else if ((heard = read_heard(clustered, said, &why)) == NULL) {
        refuse(clustered, said, why);
    } else {
        begin(clustered, said, heard);
    }
}

static void on_rung(evutil_socket_t fd, short what, void *argument)
{
    struct clustered *clustered = argument;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)got, (void)what;
    for (struct clustered_said *said = clustered_take_said(clustered), *next; said != NULL; said = next) {
        next = said->next;
        if (!clustered->server->is_frozen) { /* else the next process is told */
            take(clustered, said);
        }
        free(said);
    }
    if (clustered->cluster != NULL) {
        clustered_poke(clustered); /* somebody may wait for what was said */
    }
}

/* ---- going on ---- */

static void forget(struct clustered *clustered, struct clustered_heard **at)
{
    struct clustered_heard *heard = *at;
    *at = heard->next;
    answer(clustered, heard->askers, heard->what.mark, "");
    free_heard(heard);
}

void clustered_direct_go_on(struct clustered *clustered, int64_t now_ms)
{
    bool reaches = reaches_etcd(clustered);
    for (struct clustered_heard **at = &clustered->heard; *at != NULL;) {
        struct clustered_heard *heard = *at;
        if (heard->stage == BRINGS && (!reaches || now_ms >= heard->until_ms)) {
            put(clustered, heard);
        }
        if (heard->stage == SETTLED && clustered->settled == NULL) {
            forget(clustered, at); /* what the cluster has of it is in force */
        } else {
            at = &heard->next;
        }
    }
}

void clustered_direct_settle(struct clustered *clustered, uint64_t mark)
{
    struct clustered_heard *heard = find_heard(clustered, mark);
    if (heard != NULL) {
        heard->stage = SETTLED;
    }
    peers_drop_order(clustered->server->peers, mark);
}

/* ---- life ---- */

int clustered_direct_open(struct clustered *clustered)
{
    int fd = peers_get_order_fd(clustered->server->peers);
    if (fd == -1) {
        return 0; /* nobody is linked with this one, ever */
    }
    clustered->rung = event_new(clustered->server->base, fd, EV_READ | EV_PERSIST, on_rung, clustered);
    return clustered->rung != NULL && event_add(clustered->rung, NULL) == 0 ? 0 : -ENOMEM;
}

void clustered_direct_drop(struct clustered *clustered)
{
    while (clustered->heard != NULL) {
        struct clustered_heard *heard = clustered->heard;
        clustered->heard = heard->next;
        free_heard(heard);
    }
    peers_drop_orders(clustered->server->peers);
}

void clustered_direct_close(struct clustered *clustered)
{
    for (struct clustered_said *said = clustered_take_said(clustered), *next; said != NULL; said = next) {
        next = said->next;
        free(said);
    }
    if (clustered->rung != NULL) {
        event_free(clustered->rung);
    }
}
