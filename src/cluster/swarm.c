/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See swarm.h. What is missing is a list in an order of its own (drawn by the seed), of which the rarest is
 * taken, from a random place on: so that nodes which know the same choose differently. A peer of whom there
 * is nothing to be had is not looked at again before something is heard that could change that. */
#include "config.h"

#include "cluster/swarm.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum {
    NOBODY = UINT8_MAX,
    BITS = 64,
    SPARES_PEERS = 3, /* with fewer nobody gives more than twice */
    SPARES_ASKED = 4,
};

struct swarm_peer {
    bool is_here, is_dry; /* dry: there is nothing to ask it for */
    uint64_t *has, *refuses;
    uint64_t *may_come;    /* what it was asked for since that was lost: it may come late */
    uint32_t count, asked; /* blocks that it has; that it was asked for */
    int64_t heard_ms;      /* it gave something, or was asked after a while */
    int64_t until_ms;      /* it was silent: it is not asked until then */
};

struct swarm {
    uint32_t blocks;
    struct random random;
    struct swarm_peer peers[SWARM_PEERS_MAX];
    uint32_t asked, asked_max;        /* of all; of one */
    unsigned peer_count, whole;       /* who is here; who has all */
    uint32_t *missing, missing_count; /* in the order of looking */
    uint32_t *place;                  /* in that, by block; UINT32_MAX: it is here */
    uint8_t *asked_of;                /* by block: a peer, or NOBODY */
    uint8_t *holders, *willing;       /* by block: peers that have it, … and have not refused it */
    int64_t *refused_ms;              /* by block: the last time */
    int64_t scarce_ms;                /* when the next one is scarce that nobody gives */
};

static bool get_bit(const uint64_t *bits, uint32_t block)
{
    return (bits[block / BITS] >> block % BITS & 1) != 0;
}

static void set_bit(uint64_t *bits, uint32_t block, bool value)
{
    uint64_t mask = UINT64_C(1) << block % BITS;
    bits[block / BITS] = value ? bits[block / BITS] | mask : bits[block / BITS] & ~mask;
}

static size_t count_words(const struct swarm *swarm)
{
    return (swarm->blocks + BITS - 1) / BITS;
}

/* There may be this one to ask for. */
static void wet(struct swarm *swarm, uint32_t block)
{
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        struct swarm_peer *peer = &swarm->peers[i];
        peer->is_dry = peer->is_dry && !get_bit(peer->has, block);
    }
}

static void wet_all(struct swarm *swarm)
{
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        swarm->peers[i].is_dry = false;
    }
    swarm->scarce_ms = INT64_MAX;
}

/* ---- what is missing ---- */

static void add_missing(struct swarm *swarm, uint32_t block)
{
    swarm->place[block] = swarm->missing_count;
    swarm->missing[swarm->missing_count++] = block;
}

static void remove_missing(struct swarm *swarm, uint32_t block)
{
    uint32_t last = swarm->missing[--swarm->missing_count];
    swarm->missing[swarm->place[block]] = last;
    swarm->place[last] = swarm->place[block];
    swarm->place[block] = UINT32_MAX;
}

/* It can be asked for again. */
static void stop_asking(struct swarm *swarm, uint32_t block)
{
    uint8_t peer = swarm->asked_of[block];
    if (peer != NOBODY) {
        swarm->asked_of[block] = NOBODY;
        swarm->peers[peer].asked--;
        swarm->asked--;
        wet(swarm, block);
    }
}

static void stop_asking_all(struct swarm *swarm, unsigned peer)
{
    for (uint32_t i = 0; i < swarm->missing_count && swarm->peers[peer].asked != 0; i++) {
        if (swarm->asked_of[swarm->missing[i]] == peer) {
            stop_asking(swarm, swarm->missing[i]);
        }
    }
}

/* ---- who has what ---- */

static void set_has(struct swarm *swarm, unsigned number, uint32_t block, bool value)
{
    struct swarm_peer *peer = &swarm->peers[number];
    if (get_bit(peer->has, block) == value) {
        return;
    }
    bool refuses = get_bit(peer->refuses, block);
    unsigned whole = swarm->whole - (peer->count == swarm->blocks);
    peer->count += value ? 1 : UINT32_MAX;
    whole += peer->count == swarm->blocks;
    if (whole != swarm->whole) {
        swarm->whole = whole;
        wet_all(swarm);
    }
    set_bit(peer->has, block, value);
    swarm->holders[block] = (uint8_t)(swarm->holders[block] + (value ? 1 : -1));
    if (!refuses) {
        swarm->willing[block] = (uint8_t)(swarm->willing[block] + (value ? 1 : -1));
    }
}

static void set_refuses(struct swarm *swarm, unsigned number, uint32_t block, bool value)
{
    struct swarm_peer *peer = &swarm->peers[number];
    if (get_bit(peer->refuses, block) == value) {
        return;
    }
    set_bit(peer->refuses, block, value);
    if (get_bit(peer->has, block)) {
        swarm->willing[block] = (uint8_t)(swarm->willing[block] + (value ? -1 : 1));
    }
}

static void forget_all(struct swarm *swarm, unsigned number)
{
    for (uint32_t block = 0; block < swarm->blocks; block++) {
        set_has(swarm, number, block, false);
        set_refuses(swarm, number, block, false);
    }
    wet_all(swarm); /* what others refuse may be scarce now */
}

static void share(struct swarm *swarm)
{
    swarm->peer_count = 0;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        swarm->peer_count += swarm->peers[i].is_here;
    }
    uint32_t each = swarm->peer_count == 0 ? SWARM_ASKED_MAX : SWARM_WAITS_MAX / swarm->peer_count;
    swarm->asked_max = each > SWARM_ASKED_MAX     ? SWARM_ASKED_MAX
                       : each < SWARM_ASKED_LEAST ? SWARM_ASKED_LEAST
                                                  : each;
}

void swarm_come(struct swarm *swarm, unsigned number)
{
    struct swarm_peer *peer = &swarm->peers[number];
    swarm_leave(swarm, number);
    size_t words = count_words(swarm);
    *peer = (struct swarm_peer){.is_here = true,
                                .has = memory_alloc_array(words, sizeof *peer->has),
                                .refuses = memory_alloc_array(words, sizeof *peer->refuses),
                                .may_come = memory_alloc_array(words, sizeof *peer->may_come)};
    share(swarm);
}

void swarm_leave(struct swarm *swarm, unsigned number)
{
    struct swarm_peer *peer = &swarm->peers[number];
    if (peer->is_here) {
        stop_asking_all(swarm, number);
        forget_all(swarm, number);
        free(peer->has);
        free(peer->refuses);
        free(peer->may_come);
        *peer = (struct swarm_peer){.is_here = false};
        share(swarm);
    }
}

void swarm_hear_has(struct swarm *swarm, unsigned number, uint32_t first, uint32_t count)
{
    struct swarm_peer *peer = &swarm->peers[number];
    if (!peer->is_here || first >= swarm->blocks) {
        return;
    }
    count = count < swarm->blocks - first ? count : swarm->blocks - first;
    for (uint32_t i = 0; i < count; i++) {
        set_has(swarm, number, first + i, true);
    }
    peer->is_dry = false;
}

void swarm_hear_anew(struct swarm *swarm, unsigned number)
{
    if (swarm->peers[number].is_here) {
        stop_asking_all(swarm, number);
        forget_all(swarm, number);
    }
}

static void note_sign(struct swarm *swarm, unsigned number, int64_t now_ms)
{
    swarm->peers[number].heard_ms = now_ms;
    swarm->peers[number].until_ms = 0;
}

void swarm_hear_none(struct swarm *swarm, unsigned number, uint32_t block, bool is_gone, int64_t now_ms)
{
    if (!swarm->peers[number].is_here || block >= swarm->blocks) {
        return;
    }
    if (swarm->asked_of[block] == number) {
        note_sign(swarm, number, now_ms);
        stop_asking(swarm, block);
    }
    if (is_gone) {
        set_has(swarm, number, block, false);
    } else {
        set_refuses(swarm, number, block, true);
        swarm->refused_ms[block] = now_ms;
    }
    wet(swarm, block);
}

/* ---- what comes ---- */

void swarm_set(struct swarm *swarm, uint32_t block)
{
    if (block < swarm->blocks && !swarm_has(swarm, block)) {
        stop_asking(swarm, block);
        remove_missing(swarm, block);
    }
}

bool swarm_hear_block(struct swarm *swarm, unsigned number, uint32_t block, int64_t now_ms)
{
    const struct swarm_peer *peer = &swarm->peers[number];
    if (block >= swarm->blocks || !peer->is_here || !get_bit(peer->may_come, block)) {
        return false;
    }
    note_sign(swarm, number, now_ms);
    set_bit(peer->may_come, block, false);
    bool is_new = !swarm_has(swarm, block);
    swarm_set(swarm, block);
    return is_new;
}

/* Who has it: from the one on whose turn it is. -1: nobody. */
static int find_holder(const struct swarm *swarm, uint32_t block, unsigned turn)
{
    unsigned here[SWARM_PEERS_MAX] = {0}, count = 0;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        if (swarm->peers[i].is_here) {
            here[count++] = i;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned number = here[(turn + i) % count];
        if (get_bit(swarm->peers[number].has, block)) {
            return (int)number;
        }
    }
    return -1;
}

void swarm_lose(struct swarm *swarm, uint32_t block, unsigned turn)
{
    if (block >= swarm->blocks || !swarm_has(swarm, block)) {
        return;
    }
    add_missing(swarm, block);
    swarm->refused_ms[block] = -SWARM_SCARCE_MS; /* by nobody: it is not waited for */
    int holder = find_holder(swarm, block, turn);
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        if (swarm->peers[i].is_here) {
            set_refuses(swarm, i, block, (int)i != holder);
            set_bit(swarm->peers[i].may_come, block, false);
        }
    }
    wet(swarm, block);
}

/* ---- what to ask for ---- */

/* Nobody gives it, and that has been so for a while. */
static bool is_scarce(struct swarm *swarm, uint32_t block, int64_t now_ms)
{
    int64_t due_ms = swarm->refused_ms[block] + SWARM_SCARCE_MS;
    bool waits = swarm->willing[block] == 0 && now_ms < due_ms;
    swarm->scarce_ms = waits && due_ms < swarm->scarce_ms ? due_ms : swarm->scarce_ms;
    return swarm->willing[block] == 0 && !waits;
}

static bool can_ask(struct swarm *swarm, const struct swarm_peer *peer, uint32_t block, int64_t now_ms)
{
    return swarm->asked_of[block] == NOBODY && get_bit(peer->has, block) &&
           (!get_bit(peer->refuses, block) || is_scarce(swarm, block, now_ms));
}

/* Who has all of it gives what nobody else has; the rest is to be had of those who have not given as much,
 * while there is enough that is awaited of them. */
static bool is_spared(const struct swarm *swarm, const struct swarm_peer *peer, uint32_t block)
{
    return swarm->peer_count >= SPARES_PEERS && swarm->asked >= SPARES_ASKED &&
           peer->count == swarm->blocks && swarm->holders[block] > swarm->whole;
}

/* UINT32_MAX: none. */
static uint32_t find_rarest(struct swarm *swarm, const struct swarm_peer *peer, int64_t now_ms)
{
    uint32_t best = UINT32_MAX, count = swarm->missing_count;
    uint32_t at = count == 0 ? 0 : (uint32_t)random_below(&swarm->random, count);
    unsigned rarity = UINT8_MAX;
    for (uint32_t i = 0; i < count && rarity > 1; i++) {
        uint32_t block = swarm->missing[at];
        at = at + 1 == count ? 0 : at + 1;
        if (swarm->holders[block] < rarity && !is_spared(swarm, peer, block) &&
            can_ask(swarm, peer, block, now_ms)) {
            best = block;
            rarity = swarm->holders[block];
        }
    }
    return best;
}

static bool is_free(const struct swarm *swarm, const struct swarm_peer *peer, int64_t now_ms)
{
    return peer->is_here && !peer->is_dry && peer->asked < swarm->asked_max && now_ms >= peer->until_ms;
}

/* Who has the least to do for us, and among those anybody. -1: nobody. */
static int find_free(struct swarm *swarm, int64_t now_ms)
{
    int found = -1;
    unsigned equals = 0;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        const struct swarm_peer *peer = &swarm->peers[i];
        if (!is_free(swarm, peer, now_ms) || (found != -1 && peer->asked > swarm->peers[found].asked)) {
            continue;
        }
        equals = found == -1 || peer->asked < swarm->peers[found].asked ? 1 : equals + 1;
        found = random_below(&swarm->random, equals) == 0 ? (int)i : found;
    }
    return found;
}

bool swarm_next(struct swarm *swarm, int64_t now_ms, struct swarm_ask *ask)
{
    int number;
    if (now_ms >= swarm->scarce_ms) {
        wet_all(swarm);
    }
    while (swarm->asked < SWARM_WAITS_MAX && (number = find_free(swarm, now_ms)) != -1) {
        struct swarm_peer *peer = &swarm->peers[number];
        uint32_t block = find_rarest(swarm, peer, now_ms);
        if (block == UINT32_MAX) {
            peer->is_dry = true;
            continue;
        }
        peer->heard_ms = peer->asked == 0 ? now_ms : peer->heard_ms;
        peer->asked++;
        swarm->asked++;
        swarm->asked_of[block] = (uint8_t)number;
        set_bit(peer->may_come, block, true);
        *ask = (struct swarm_ask){(unsigned)number, block, get_bit(peer->refuses, block)};
        return true;
    }
    return false;
}

int64_t swarm_follow_time(struct swarm *swarm, int64_t now_ms)
{
    int64_t when = swarm->scarce_ms;
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        struct swarm_peer *peer = &swarm->peers[i];
        if (peer->asked != 0 && now_ms - peer->heard_ms >= SWARM_SILENT_MS) {
            stop_asking_all(swarm, i);
            peer->until_ms = now_ms + SWARM_SILENT_MS;
        }
        int64_t due = peer->asked != 0          ? peer->heard_ms + SWARM_SILENT_MS
                      : peer->until_ms > now_ms ? peer->until_ms
                                                : INT64_MAX;
        when = due < when ? due : when;
    }
    return when;
}

bool swarm_has(const struct swarm *swarm, uint32_t block)
{
    return block < swarm->blocks && swarm->place[block] == UINT32_MAX;
}

uint32_t swarm_count_missing(const struct swarm *swarm)
{
    return swarm->missing_count;
}

uint32_t swarm_count_asked(const struct swarm *swarm)
{
    return swarm->asked;
}

uint32_t swarm_count_blocks(const struct swarm *swarm)
{
    return swarm->blocks;
}

uint32_t swarm_count_unknown(const struct swarm *swarm)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < swarm->missing_count; i++) {
        count += swarm->holders[swarm->missing[i]] == 0;
    }
    return count;
}

/* ---- life ---- */

static void shuffle(struct swarm *swarm)
{
    for (uint32_t i = 0; i < swarm->blocks; i++) {
        add_missing(swarm, i);
    }
    for (uint32_t i = swarm->blocks; i > 1; i--) {
        uint32_t other = (uint32_t)random_below(&swarm->random, i), block = swarm->missing[i - 1];
        swarm->missing[i - 1] = swarm->missing[other];
        swarm->missing[other] = block;
        swarm->place[swarm->missing[i - 1]] = i - 1;
        swarm->place[block] = other;
    }
}

struct swarm *swarm_new(uint32_t blocks, uint64_t seed)
{
    struct swarm *swarm = memory_alloc(sizeof *swarm);
    blocks = blocks < SWARM_BLOCKS_MAX ? blocks : (uint32_t)SWARM_BLOCKS_MAX;
    *swarm = (struct swarm){.blocks = blocks,
                            .missing = memory_alloc_array(blocks, sizeof *swarm->missing),
                            .place = memory_alloc_array(blocks, sizeof *swarm->place),
                            .asked_of = memory_alloc_array(blocks, sizeof *swarm->asked_of),
                            .holders = memory_alloc_array(blocks, sizeof *swarm->holders),
                            .willing = memory_alloc_array(blocks, sizeof *swarm->willing),
                            .refused_ms = memory_alloc_array(blocks, sizeof *swarm->refused_ms),
                            .scarce_ms = INT64_MAX};
    random_init(&swarm->random, seed);
    memset(swarm->asked_of, NOBODY, blocks);
    for (uint32_t i = 0; i < blocks; i++) {
        swarm->refused_ms[i] = -SWARM_SCARCE_MS; /* never */
    }
    shuffle(swarm);
    return swarm;
}

void swarm_free(struct swarm *swarm)
{
    if (swarm == NULL) {
        return;
    }
    for (unsigned i = 0; i < SWARM_PEERS_MAX; i++) {
        free(swarm->peers[i].has);
        free(swarm->peers[i].refuses);
        free(swarm->peers[i].may_come);
    }
    free(swarm->missing);
    free(swarm->place);
    free(swarm->asked_of);
    free(swarm->holders);
    free(swarm->willing);
    free(swarm->refused_ms);
    free(swarm);
}
