/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whose turn it is to give orders, and who does the work. Both are keys that go with the session. Each taking
 * of the turn writes another text, so what was decided by one turn never passes by another. Whether a request
 * that was not answered has taken the turn is not asked: if it has, the turn is there, nobody here wants it,
 * and it is given back. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_MS = 300,  /* the watch may be deaf */
    SHARE_MS = 1000, /* after so long the turn is given back, even if somebody else here wants it */
    REST_MS = 50,    /* … so that other nodes come to it */
    STREAK_MS =
        100 /* taken again after less than this it has been had all the time, for who counts SHARE_MS */
};

void cluster_turn_init(struct cluster *cluster)
{
    cluster->turn.last = &cluster->turn.first;
}

/* ---- who waits ---- */

static void remove_waiting(struct turn *turn, struct waiting **at)
{
    struct waiting *waiting = *at;
    *at = waiting->next;
    if (turn->last == &waiting->next) {
        turn->last = at;
    }
    free(waiting);
}

static void tell(struct turn *turn, struct waiting **at, int error)
{
    struct waiting told = **at;
    remove_waiting(turn, at);
    told.taken(told.context, error);
}

uint64_t cluster_take_turn(struct cluster *cluster, uint32_t patience_ms, cluster_turn_fn *taken,
                           void *context)
{
    struct turn *turn = &cluster->turn;
    struct waiting *waiting = memory_alloc(sizeof *waiting);
    *waiting = (struct waiting){.number = ++turn->numbers,
                                .patience_ms = patience_ms,
                                .until_ms = UNTIMED,
                                .taken = taken,
                                .context = context};
    *turn->last = waiting;
    turn->last = &waiting->next;
    cluster_note(cluster);
    return waiting->number;
}

void cluster_call_off_turn(struct cluster *cluster, uint64_t number)
{
    struct turn *turn = &cluster->turn;
    if (number != 0 && turn->user == number) {
        cluster_give_turn(cluster);
        return;
    }
    for (struct waiting **at = &turn->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->number == number) {
            remove_waiting(turn, at);
            return;
        }
    }
}

void cluster_give_turn(struct cluster *cluster)
{
    cluster->turn.user = 0;
    cluster_note(cluster);
}

static void tell_all(struct cluster *cluster, int error)
{
    struct turn *turn = &cluster->turn;
    uint64_t last = turn->numbers; /* who comes while they are told waits for the next time */
    while (turn->first != NULL && turn->first->number <= last) {
        tell(turn, &turn->first, error);
    }
}

static void tell_late(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    struct waiting **at = &turn->first;
    while (*at != NULL) {
        if (cluster->now_ms < cluster_time(cluster, &(*at)->until_ms, (*at)->patience_ms)) {
            cluster_due(cluster, (*at)->until_ms);
            at = &(*at)->next;
        } else {
            tell(turn, at, cluster->is_reached ? ERROR_BUSY : -ENETUNREACH);
            at = &turn->first; /* who was told may have called others off */
        }
    }
}

/* ---- giving back ---- */

static void dropped(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct turn *turn = &cluster->turn;
    turn->drop.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard == HEARD_YES) {
        (void)cluster_set_held(&turn->seen, NULL, answer->revision);
    } else if (heard == HEARD_NO) {
        cluster_read_held(cluster, answer, "turn", &turn->seen);
    } else {
        turn->drop.has_failed = true;
    }
}

static void drop(struct cluster *cluster, const char *text)
{
    char key[KEY_SIZE], value[CLUSTER_HOLDER_SIZE];
    snprintf(value, sizeof value, "%s", text);
    (void)cluster_key(cluster, key, "turn");
    struct etcd_condition condition = {.kind = ETCD_IF_VALUE, .key = key, .value = value};
    struct etcd_op remove = {.kind = ETCD_DELETE, .key = key}, get = {.kind = ETCD_GET, .key = key};
    cluster->turn.drop.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = &condition,
                                                                               .condition_count = 1,
                                                                               .then = &remove,
                                                                               .then_count = 1,
                                                                               .otherwise = &get,
                                                                               .otherwise_count = 1,
                                                                               .deadline_ms = WRITE_MS,
                                                                               .done = dropped,
                                                                               .context = cluster});
}

static void give_back(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    bool is_stray = turn->state == TURN_NONE && cluster_is_ours(cluster, &turn->seen);
    if (is_stray && cluster_is_ready(cluster, &turn->drop)) {
        drop(cluster, turn->seen.text);
    }
}

/* ---- taking ---- */

static void taken(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    struct turn *turn = &cluster->turn;
    turn->ask.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    turn->state = TURN_NONE;
    if (heard == HEARD_YES) {
        struct etcd_kv kv = {.value = turn->mine, .value_len = strlen(turn->mine), .lease = turn->lease};
        (void)cluster_set_held(&turn->seen, &kv, answer->revision);
        cluster_follow_head(cluster, cluster_find(cluster, answer, "head"), answer->revision);
        /* the watch may have told already that it is gone again */
        turn->state = strcmp(turn->seen.text, turn->mine) == 0 ? TURN_HELD : TURN_NONE;
        turn->head_seq = cluster->follow.has_head ? cluster->follow.head.seq : 0;
        if (cluster->now_ms - turn->given_ms >= STREAK_MS) {
            turn->since_ms = cluster->now_ms;
        }
        cluster->follow.needs_fetch =
            cluster->follow.needs_fetch || turn->head_seq > cluster->follow.tail.seq;
    } else if (heard == HEARD_NO) {
        cluster_read_held(cluster, answer, "turn", &turn->seen);
        turn->ask.has_failed = !turn->seen.is_there; /* this node's name is not its own any more */
    } else {
        turn->ask.has_failed = true;
    }
}

static void ask(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    char keys[3][KEY_SIZE];
    struct cluster_holder who = {.run = cluster->run, .take = ++turn->takes};
    snprintf(who.node, sizeof who.node, "%s", cluster->node);
    (void)cluster_write_holder(&who, turn->mine);
    (void)cluster_key(cluster, keys[0], "turn");
    (void)cluster_key(cluster, keys[1], "claim/%s", cluster->node);
    (void)cluster_key(cluster, keys[2], "head");
    struct etcd_condition conditions[] = {
        {.kind = ETCD_IF_ABSENT, .key = keys[0]},
        {.kind = ETCD_IF_VALUE, .key = keys[1], .value = cluster->claim.mine}};
    turn->lease = cluster->session.id;
    struct etcd_op then[] = {{.kind = ETCD_PUT, .key = keys[0], .value = turn->mine, .lease = turn->lease},
                             {.kind = ETCD_GET, .key = keys[2]}};
    struct etcd_op otherwise = {.kind = ETCD_GET, .key = keys[0]};
    turn->state = TURN_ASKED;
    turn->ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                                      .condition_count = 2,
                                                                      .then = then,
                                                                      .then_count = 2,
                                                                      .otherwise = &otherwise,
                                                                      .otherwise_count = 1,
                                                                      .deadline_ms = WRITE_MS,
                                                                      .done = taken,
                                                                      .context = cluster});
}

static void take_if_wanted(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    if (turn->first == NULL || turn->user != 0 || !cluster->claim.is_mine || cluster->session.id == 0 ||
        cluster->pending.count > 0) {
        return;
    }
    if (turn->seen.is_there && cluster->now_ms < turn->retry_ms) {
        cluster_due(cluster, turn->retry_ms);
    } else if (cluster_is_ready(cluster, &turn->ask)) {
        turn->retry_ms = cluster->now_ms + RETRY_MS;
        ask(cluster);
    }
}

static void use(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    bool is_lost = cluster->session.id == 0 || cluster->session.id != turn->lease ||
                   strcmp(turn->seen.text, turn->mine) != 0;
    if (is_lost) {
        turn->state = TURN_NONE;
        cluster->has_changed = true;
        cluster_note(cluster);
        return;
    }
    if (turn->user != 0) {
        return;
    }
    bool is_long = cluster->now_ms - turn->since_ms >= SHARE_MS;
    if (turn->first == NULL || is_long) {
        turn->state = TURN_NONE; /* given back as one that nobody wants */
        turn->given_ms = cluster->now_ms;
        if (is_long) {
            turn->ask.not_before = turn->given_ms + REST_MS;
            turn->since_ms = turn->given_ms + REST_MS;
        }
        cluster_note(cluster);
    } else if (cluster_is_caught_up(cluster) && cluster->at.seq >= turn->head_seq &&
               cluster->pending.count == 0) {
        turn->user = turn->first->number;
        tell(turn, &turn->first, 0);
    }
}

void cluster_turn_step(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    if (turn->first != NULL) {
        if (cluster->follow.estranged != ESTRANGED_NOT || cluster->claim.is_refused) {
            tell_all(cluster, ERROR_CONFLICT);
        } else if (!cluster->is_reached) {
            tell_all(cluster, -ENETUNREACH);
        }
    }
    if (turn->seen.is_there && !cluster_is_ours(cluster, &turn->seen)) {
        turn->given_ms = cluster->now_ms - STREAK_MS; /* somebody else has come to it */
    }
    if (turn->state == TURN_HELD) {
        use(cluster);
    }
    tell_late(cluster);
    if (turn->state == TURN_NONE) {
        take_if_wanted(cluster);
    }
    give_back(cluster);
}

void cluster_turn_fini(struct cluster *cluster)
{
    struct turn *turn = &cluster->turn;
    tell_all(cluster, ERROR_CANCELLED);
    while (turn->first != NULL) {
        remove_waiting(turn, &turn->first);
    }
    cluster_call_off(cluster, &turn->ask);
    cluster_call_off(cluster, &turn->drop);
    cluster_call_off(cluster, &cluster->work_ask);
}

/* ---- the work ---- */

static void work_answered(void *context, const struct etcd_answer *answer)
{
    struct cluster *cluster = context;
    cluster->work_ask.number = 0;
    enum heard heard = cluster_hear(cluster, answer);
    if (heard == HEARD_NOTHING) {
        cluster->work_ask.has_failed = true;
        return;
    }
    cluster_read_held(cluster, answer, "work", &cluster->work);
    cluster->has_changed = true;
}

/* Takes it if nobody has it, or what of ours is left of another session or not wanted away. */
static void ask_work(struct cluster *cluster, bool takes)
{
    char keys[2][KEY_SIZE], mine[CLUSTER_HOLDER_SIZE];
    struct cluster_holder who = {.run = cluster->run};
    snprintf(who.node, sizeof who.node, "%s", cluster->node);
    (void)cluster_write_holder(&who, mine);
    (void)cluster_key(cluster, keys[0], "work");
    (void)cluster_key(cluster, keys[1], "claim/%s", cluster->node);
    struct etcd_condition conditions[] = {
        {.kind = takes ? ETCD_IF_ABSENT : ETCD_IF_VALUE, .key = keys[0], .value = mine},
        {.kind = ETCD_IF_VALUE, .key = keys[1], .value = cluster->claim.mine}};
    struct etcd_op then[] = {{.kind = takes ? ETCD_PUT : ETCD_DELETE,
                              .key = keys[0],
                              .value = takes ? mine : NULL,
                              .lease = takes ? cluster->session.id : 0},
                             {.kind = ETCD_GET, .key = keys[0]}};
    cluster->work_ask.number = etcd_ask(cluster->etcd, &(struct etcd_request){.conditions = conditions,
                                                                              .condition_count = 2,
                                                                              .then = then,
                                                                              .then_count = 2,
                                                                              .otherwise = &then[1],
                                                                              .otherwise_count = 1,
                                                                              .deadline_ms = WRITE_MS,
                                                                              .done = work_answered,
                                                                              .context = cluster});
}

void cluster_want_work(struct cluster *cluster, bool wants)
{
    if (cluster->wants_work != wants) {
        cluster->wants_work = wants;
        cluster_note(cluster);
    }
}

void cluster_work_step(struct cluster *cluster)
{
    bool is_ours = cluster_is_ours(cluster, &cluster->work);
    bool is_held = is_ours && cluster->work.lease == cluster->session.id;
    bool takes = cluster->wants_work && !cluster->work.is_there;
    bool leaves = is_ours && (!cluster->wants_work || !is_held);
    bool had_work = cluster->had_work;
    cluster->had_work = cluster_has_work(cluster);
    if (had_work != cluster->had_work) {
        cluster->has_changed = true;
        cluster->nodes.is_told = false;
        cluster_note(cluster);
    }
    if ((takes || leaves) && cluster->claim.is_mine && cluster->session.id != 0 &&
        cluster->follow.is_synced && cluster_is_ready(cluster, &cluster->work_ask)) {
        ask_work(cluster, takes);
    }
}
