/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whose drill a query belongs to: prefixes are ranges of addresses that do not touch each other, in order, so
 * that halving finds the one that an address may be in. */
#include "config.h"

#include "answer/shadow.h"

#include "answer/copy.h"
#include "base/hash.h"
#include "base/memory.h"
#include "dns/tsig.h"
#include "dns/types.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { RANGES_MAX = ANSWER_SHADOWS_MAX * ANSWER_SHADOW_PREFIXES_MAX, V4_BITS = 32, V6_BITS = 128 };

/* An address as a number: its high and its low half; of IPv4 the low one alone. */
struct place {
    uint64_t high, low;
};

struct range {
    struct place first, last;
    const struct answer_shadow *shadow;
    uint8_t len; /* of the prefix */
};

/* Those of one family. */
struct ranges {
    size_t count;
    struct range items[RANGES_MAX]; /* by first */
};

struct answer_shadows {
    struct shadow_gate gate;
    size_t key_count;
    const struct answer_shadow *keys[ANSWER_SHADOWS_MAX];
    struct ranges sources[2], subnets[2];                        /* IPv4, IPv6 */
    const struct answer_shadow *live;                            /* NULL: there is none */
    const struct answer_shadow *listeners[ANSWER_LISTENERS_MAX]; /* by number; likewise */
};

/* ---- prefixes ---- */

static struct place find_place(const struct addr *addr)
{
    struct place place = {.high = 0};
    uint32_t v4;
    if (addr->family == ADDR_V4) {
        memcpy(&v4, addr->bytes, sizeof v4);
        place.low = be32toh(v4);
    } else {
        memcpy(&place, addr->bytes, sizeof place);
        place.high = be64toh(place.high);
        place.low = be64toh(place.low);
    }
    return place;
}

static bool is_before(const struct place *a, const struct place *b)
{
    return a->high != b->high ? a->high < b->high : a->low < b->low;
}

/* The last address of a prefix whose other bits are 0. */
static struct place find_last(const struct addr_prefix *prefix)
{
    struct place place = find_place(&prefix->addr);
    unsigned bits = (prefix->addr.family == ADDR_V4 ? V4_BITS : V6_BITS) - prefix->len;
    place.low |= bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    place.high |= bits <= 64 ? 0 : bits == V6_BITS ? UINT64_MAX : (UINT64_C(1) << (bits - 64)) - 1;
    return place;
}

static void add(struct ranges ranges[2], const struct addr_prefix *prefix, const struct answer_shadow *shadow)
{
    struct ranges *to = &ranges[prefix->addr.family != ADDR_V4];
    struct range range = {
        .first = find_place(&prefix->addr), .last = find_last(prefix), .shadow = shadow, .len = prefix->len};
    size_t at = to->count++;
    for (; at > 0 && is_before(&range.first, &to->items[at - 1].first); at--) {
        to->items[at] = to->items[at - 1];
    }
    to->items[at] = range;
}

static const struct range *find(const struct ranges ranges[2], const struct addr *addr)
{
    const struct ranges *of = &ranges[addr->family != ADDR_V4];
    struct place place = find_place(addr);
    size_t low = 0, high = of->count;
    while (low < high) { /* the first that begins behind it */
        size_t middle = low + (high - low) / 2;
        if (is_before(&place, &of->items[middle].first)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low == 0 || is_before(&of->items[low - 1].last, &place) ? NULL : &of->items[low - 1];
}

/* ---- sets ---- */

static void add_all(struct ranges ranges[2], const struct addr_prefix *prefixes, size_t count,
                    const struct answer_shadow *shadow)
{
    for (size_t i = 0; i < count; i++) {
        add(ranges, &prefixes[i], shadow);
    }
}

static void set_bit(uint64_t *bits, uint32_t at)
{
    bits[at / 64] |= UINT64_C(1) << at % 64;
}

/* Addresses of IPv4 may come in those of IPv6, which begin with zeros. */
static void open_gate(struct shadow_gate *gate, const struct addr_prefix *prefix)
{
    enum { HASHED_V4 = 12, HASHED_V6 = 32 };
    uint32_t first;
    memcpy(&first, prefix->addr.bytes, sizeof first);
    if (prefix->addr.family == ADDR_V4) {
        uint32_t from = shadow_hash_v4(first);
        for (uint32_t i = 0; i < 1u << (prefix->len < HASHED_V4 ? HASHED_V4 - prefix->len : 0); i++) {
            set_bit(gate->v4, from + i);
        }
        set_bit(gate->v6, shadow_hash_v6(0));
    } else if (prefix->len < HASHED_V6) {
        memset(gate->v6, UINT8_MAX, sizeof gate->v6);
    } else {
        set_bit(gate->v6, shadow_hash_v6(first));
    }
}

static void make_gate(struct answer_shadows *shadows, const struct answer_clients *clients)
{
    shadows->gate.has_subnets |= clients->subnet_count != 0;
    shadows->gate.has_keys |= clients->key != NULL;
    shadows->gate.open |= clients->listeners;
    for (size_t i = 0; i < clients->source_count; i++) {
        open_gate(&shadows->gate, &clients->sources[i]);
    }
}

struct answer_shadows *answer_shadows_new(const struct answer_shadow *const *drills, size_t count)
{
    struct answer_shadows *shadows = count == 0 ? NULL : memory_alloc(sizeof *shadows);
    for (size_t i = 0; i < count; i++) {
        const struct answer_clients *clients = &drills[i]->clients;
        make_gate(shadows, clients);
        add_all(shadows->sources, clients->sources, clients->source_count, drills[i]);
        add_all(shadows->subnets, clients->subnets, clients->subnet_count, drills[i]);
        for (unsigned number = 1; number < ANSWER_LISTENERS_MAX; number++) {
            bool is_own = (clients->listeners >> number & 1) != 0;
            shadows->listeners[number] = is_own ? drills[i] : shadows->listeners[number];
        }
        if (clients->key != NULL) {
            shadows->keys[shadows->key_count++] = drills[i];
        }
        if (drills[i]->is_live) {
            shadows->live = drills[i];
            shadows->gate.live_below = drills[i]->below;
            shadows->gate.open = UINT64_MAX;
        }
    }
    return shadows;
}

static bool have_common(const struct addr_prefix *a, size_t a_count, const struct addr_prefix *b,
                        size_t b_count)
{
    for (size_t i = 0; i < a_count * b_count; i++) {
        const struct addr_prefix *one = &a[i / b_count], *other = &b[i % b_count];
        if (addr_in_prefix(&one->addr, other) || addr_in_prefix(&other->addr, one)) {
            return true;
        }
    }
    return false;
}

bool answer_clients_overlap(const struct answer_clients *a, const struct answer_clients *b)
{
    bool same_key = a->key != NULL && b->key != NULL && a->key_len == b->key_len &&
                    memcmp(a->key, b->key, a->key_len) == 0;
    return same_key || (a->listeners & b->listeners) != 0 ||
           have_common(a->sources, a->source_count, b->sources, b->source_count) ||
           have_common(a->subnets, a->subnet_count, b->subnets, b->subnet_count);
}

/* ---- shares ---- */

uint32_t answer_find_share(const struct addr *addr, unsigned len)
{
    enum { V4_LEN = 24, V6_LEN = 48, LONGEST = V6_LEN / 8 };
    unsigned most = addr->family == ADDR_V4 ? V4_LEN : V6_LEN, bits = len < most ? len : most;
    uint8_t prefix[2 + LONGEST] = {(uint8_t)addr->family, (uint8_t)bits};
    memcpy(prefix + 2, addr->bytes, (bits + 7) / 8);
    if (bits % 8 != 0) {
        prefix[2 + bits / 8] &= (uint8_t)(0xff << (8 - bits % 8));
    }
    return (uint32_t)(hash_finish(hash_bytes(HASH_START, prefix, sizeof prefix)) >> 32);
}

/* Of a live drill that not everybody sees. */
static bool is_below(uint64_t below, const struct answer_request *request, const struct dns_query *query)
{
    struct addr_port client;
    if (query->has_ecs && query->ecs.source_len != 0) {
        return answer_find_share(&query->ecs.addr, query->ecs.source_len) < below;
    }
    if (request->client == NULL) {
        return false;
    }
    addr_from_sockaddr(request->client, &client);
    return answer_find_share(&client.addr, V6_BITS) < below;
}

static bool is_on(const struct answer_shadow *shadow)
{
    return !atomic_load_explicit(&shadow->is_over, memory_order_relaxed);
}

static const struct answer_shadow *find_live(const struct answer_shadows *shadows,
                                             const struct answer_request *request,
                                             const struct dns_query *query)
{
    uint64_t below = shadows->gate.live_below;
    bool sees = below == ANSWER_SHARE_ALL || (below != 0 && is_below(below, request, query));
    return sees && is_on(shadows->live) ? shadows->live : NULL;
}

/* ---- queries ---- */

/* Whether the signature is good is judged when it is answered: by the drill, as it would be without. */
static __attribute__((noinline)) const struct answer_shadow *find_key(const struct answer_shadows *shadows,
                                                                      const struct answer_request *request,
                                                                      const struct dns_query *query)
{
    struct dns_tsig tsig;
    if (!dns_tsig_parse(&tsig, request->bytes, request->len, query->tsig_at)) {
        return NULL;
    }
    for (size_t i = 0; i < shadows->key_count; i++) {
        const struct answer_clients *clients = &shadows->keys[i]->clients;
        if (clients->key_len == tsig.name_len && memcmp(clients->key, tsig.name, tsig.name_len) == 0) {
            return shadows->keys[i];
        }
    }
    return NULL;
}

const struct answer_shadow *shadow_find(const struct answer_shadows *shadows,
                                        const struct answer_request *request, const struct dns_query *query,
                                        uint8_t *scope)
{
    const struct range *range = NULL;
    struct addr_port client;
    *scope = 0;
    if (query->question_end == 0 || query->qclass != DNS_CLASS_IN || copy_is_asked(query)) {
        return NULL;
    }
    if (__builtin_expect((query->options & DNS_QUERY_TSIG) != 0 && shadows->key_count != 0, 0)) {
        const struct answer_shadow *shadow = find_key(shadows, request, query);
        if (shadow != NULL && is_on(shadow)) {
            return shadow;
        }
    }
    if (query->has_ecs && query->ecs.source_len != 0) {
        range = find(shadows->subnets, &query->ecs.addr);
        if (range != NULL && range->len <= query->ecs.source_len && is_on(range->shadow)) {
            *scope = range->len;
            return range->shadow;
        }
    }
    if (request->client != NULL) {
        addr_from_sockaddr(request->client, &client);
        range = find(shadows->sources, &client.addr);
        if (range != NULL && is_on(range->shadow)) {
            return range->shadow;
        }
    }
    const struct answer_shadow *here =
        request->listener < ANSWER_LISTENERS_MAX ? shadows->listeners[request->listener] : NULL;
    return here != NULL && is_on(here) ? here : find_live(shadows, request, query);
}

struct answer_context shadow_enter(const struct answer_context *context, const struct answer_shadow *shadow,
                                   uint8_t scope)
{
    struct answer_context inside = *context;
    inside.view = shadow->view;
    inside.table = shadow->view->table;
    inside.cache = shadow->view->caches[context->thread];
    inside.aside = NULL;
    if (shadow->is_live) {
        return inside;
    }
    inside.counters = &shadow->counters[context->thread];
    inside.sights = NULL;
    inside.below = 0;
    inside.tap = NULL;
    inside.in_shadow = true;
    inside.least_scope = scope;
    return inside;
}

/* ---- replies ---- */

/* Behind a name of a reply, or its end. */
static size_t skip_name(const uint8_t *reply, size_t len, size_t at)
{
    while (at < len && reply[at] != 0) {
        if (reply[at] >= 0xc0) {
            return at + 2;
        }
        at += reply[at] + 1u;
    }
    return at + 1;
}

static unsigned read16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void narrow(uint8_t *option, const uint8_t *end, uint8_t scope)
{
    enum { HEAD = 4, SOURCE_AT = HEAD + 2, SCOPE_AT = HEAD + 3 };
    for (; end - option > SCOPE_AT; option += HEAD + read16(option + 2)) {
        if (read16(option) == DNS_OPTION_ECS && option[SOURCE_AT] != 0 && option[SCOPE_AT] < scope) {
            option[SCOPE_AT] = scope;
        }
    }
}

void shadow_blank(uint8_t *reply, size_t len, uint8_t scope)
{
    enum { TTL_AT = 4, LEN_AT = 8, FIXED = 10 };
    if (len < DNS_HEADER_SIZE) {
        return;
    }
    size_t at = DNS_HEADER_SIZE;
    unsigned records = read16(reply + 6) + read16(reply + 8) + read16(reply + 10);
    for (unsigned i = read16(reply + 4); i > 0; i--) {
        at = skip_name(reply, len, at) + 4;
    }
    for (; records > 0; records--) {
        at = skip_name(reply, len, at);
        if (at + FIXED > len) {
            return;
        }
        unsigned type = read16(reply + at);
        size_t end = at + FIXED + read16(reply + at + LEN_AT);
        if (type == DNS_TYPE_OPT) {
            narrow(reply + at + FIXED, reply + (end < len ? end : len), scope);
        } else {
            memset(reply + at + TTL_AT, 0, 4);
        }
        at = end;
    }
}
