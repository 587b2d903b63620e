/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See additional.h. Owners are pointers to where the names stand in the RRset, as long as a pointer gets
 * there (RFC 1035 section 4.1.4: 14 bits). Behind that, which takes a large answer over TCP with several
 * members in it, each owner is written out up to the apex. */
#include "config.h"

#include "answer/additional.h"

/* Where the pointers of everything in a block fit, wherever in it they lead to (zone.h). */
enum { NEAR_MAX = REPLY_POINTER_MAX - ZONE_LINK_MAX };

/* ---- records that were rendered with the RRset ---- */

/* A record of a block: how long its owner and the whole of it are. */
struct record {
    size_t owner_len, len;
    bool ends_in_link; /* the owner does */
};

static struct record measure(const uint8_t *record)
{
    size_t at = 0;
    while (record[at] != 0 && record[at] <= DNS_LABEL_MAX) {
        at += record[at] + 1u;
    }
    bool linked = record[at] != 0; /* links are no labels */
    at += linked ? 2 : 1;
    return (struct record){at, at + 10 + (size_t)(record[at + 8] << 8 | record[at + 9]), linked};
}

static bool is_same_rrset(const uint8_t *a, const uint8_t *b)
{
    struct record first = measure(a), second = measure(b);
    return first.owner_len == second.owner_len && memcmp(a, b, first.owner_len + 2) == 0;
}

/* How many octets of the additional records fit into room: whole RRsets. */
static size_t fit_rrsets(const uint8_t *records, const struct zone_extra *extra, size_t room, uint16_t *count)
{
    size_t at = 0, fits = 0;
    *count = 0;
    for (uint16_t i = 1; at < room; i++) {
        size_t next = at + measure(records + at).len;
        if (next > room) {
            break;
        }
        if (next == extra->len || !is_same_rrset(records + at, records + next)) {
            fits = next;
            *count = i;
        }
        at = next;
    }
    return fits;
}

/* An RRset and where it stands in the reply. */
struct source {
    const struct zone *zone;
    const struct zone_rrset *rrset;
    const struct zone_extra *extra;
    struct reply_place place;
    uint16_t block_at;
};

static bool add_near(struct reply *reply, const struct source *source)
{
    const struct zone_extra *extra = source->extra;
    const uint8_t *records = source->zone->blob + source->rrset->block + source->rrset->len;
    size_t room = reply->limit - reply->at, len = extra->len;
    uint16_t count = extra->count;
    if (len > room) {
        len = fit_rrsets(records, extra, room, &count);
    }
    if (len < extra->need_len) {
        return false;
    }
    memcpy(reply->out + reply->at, records, len);
    reply_resolve_links(reply, &(struct reply_piece){.extra = extra,
                                                     .from = source->rrset->len,
                                                     .len = len,
                                                     .place = source->place,
                                                     .block_at = source->block_at});
    reply->at += len;
    reply->counts[REPLY_ADDITIONAL] = (uint16_t)(reply->counts[REPLY_ADDITIONAL] + count);
    return true;
}

/* ---- owners that no pointer leads to ---- */

/* An owner in wire format. */
struct owner {
    uint8_t bytes[DNS_NAME_MAX + 2];
    size_t len;
};

/* Append what stands at a place of the reply: a pointer to it, or else its labels and one to the apex, which
 * all names that come along end in. */
static void append_name(struct owner *owner, const struct reply *reply, const struct source *source,
                        uint16_t name_at)
{
    uint8_t name[DNS_NAME_MAX + 1];
    unsigned target = name_at;
    if (target > REPLY_POINTER_MAX) {
        size_t below = reply_copy_name(reply, name_at, sizeof name, name) - source->zone->apex_len;
        memcpy(owner->bytes + owner->len, name, below);
        owner->len += below;
        target = source->place.apex_at;
    }
    reply_put_pointer(owner->bytes + owner->len, target);
    owner->len += 2;
}

static uint16_t resolve(const struct reply *reply, const struct source *source, unsigned link)
{
    return reply_resolve_link(reply, source->place, source->block_at, (uint16_t)link);
}

static bool add_record(struct reply *reply, const struct source *source, const uint8_t *from,
                       const struct record *record)
{
    struct owner owner = {.len = record->owner_len - (record->ends_in_link ? 2 : 0)};
    memcpy(owner.bytes, from, owner.len);
    if (record->ends_in_link) {
        const uint8_t *link = from + owner.len;
        append_name(&owner, reply, source, resolve(reply, source, (unsigned)(link[0] << 8 | link[1])));
    }
    size_t rest = record->len - record->owner_len;
    if (reply->at + owner.len + rest > reply->limit) {
        return false;
    }
    memcpy(reply->out + reply->at, owner.bytes, owner.len);
    memcpy(reply->out + reply->at + owner.len, from + record->owner_len, rest);
    reply->at += owner.len + rest;
    return true;
}

static bool add_far(struct reply *reply, const struct source *source)
{
    const struct zone_extra *extra = source->extra;
    const uint8_t *records = source->zone->blob + source->rrset->block + source->rrset->len;
    size_t begin = reply->at, kept = begin, taken = 0;
    uint16_t count = 0, kept_count = 0;
    for (size_t at = 0; at < extra->len;) {
        struct record record = measure(records + at);
        if (!add_record(reply, source, records + at, &record)) {
            break;
        }
        size_t next = at + record.len;
        count++;
        if (next == extra->len || !is_same_rrset(records + at, records + next)) {
            kept = reply->at;
            kept_count = count;
            taken = next;
        }
        at = next;
    }
    bool suffices = taken >= extra->need_len;
    reply->at = suffices ? kept : begin;
    reply->counts[REPLY_ADDITIONAL] =
        (uint16_t)(reply->counts[REPLY_ADDITIONAL] + (suffices ? kept_count : 0));
    return suffices;
}

/* Put a name in the place of the pointer that each record from `from` on has as its owner. Returns false if
 * that does not fit. */
static bool set_owner(struct reply *reply, size_t from, const struct owner *owner)
{
    size_t count = 0, len = reply->at - from;
    for (size_t at = from; at < reply->at; count++) {
        at += 12u + (size_t)(reply->out[at + 10] << 8 | reply->out[at + 11]);
    }
    size_t growth = count * (owner->len - 2);
    if (reply->at + growth > reply->limit) {
        return false;
    }
    uint8_t *to = reply->out + from, *record = to + growth, *end = record + len;
    memmove(record, to, len);
    while (record < end) {
        size_t rest = 10u + (size_t)(record[10] << 8 | record[11]);
        memcpy(to, owner->bytes, owner->len);
        memmove(to + owner->len, record + 2, rest);
        to += owner->len + rest;
        record += 2 + rest;
    }
    reply->at += growth;
    return true;
}

/* ---- steered names ---- */

/* RFC 7871 section 7.3.1: no network is attached to additional records, so none depend on one. */
static bool is_tied_to_network(const struct work *w, const struct zone *zone, const struct zone_rrset *rrset)
{
    const struct zone_steered *steered = zone_get_steered(zone, rrset);
    const struct steer_policy *policy = steer_set_get(w->context->view->steer, steered->policy);
    return w->query.has_ecs && !policy->ignores_subnet &&
           (policy->geo != NULL || policy->pick == STEER_PICK_STICKY);
}

/* A name in the additional section: where it stands, and if no pointer leads there the name itself, else
 * NULL. */
struct target_name {
    const struct zone_node *node;
    struct reply_place place;
    const struct owner *owner;
};

static enum rrset_outcome put_address(struct work *w, const struct zone *zone, const struct target_name *name,
                                      const struct zone_rrset *rrset)
{
    struct listed_crowd crowd;
    enum rrset_outcome outcome = rrset_add(w, zone, name->node, rrset, name->place);
    return outcome == RRSET_LISTED ? listed_add(w, zone, rrset, name->place, &crowd) : outcome;
}

/* The addresses of one type, all or none. */
static void add_address(struct work *w, const struct zone *zone, const struct target_name *name,
                        uint16_t type)
{
    struct reply *reply = &w->reply;
    const struct zone_rrset *rrset = zone_find_rrset(name->node, type);
    if (rrset == NULL || ((rrset->flags & ZONE_RRSET_STEERED) != 0 && is_tied_to_network(w, zone, rrset))) {
        return;
    }
    size_t at = reply->at;
    uint16_t answers = reply->counts[REPLY_ANSWER];
    uint8_t mark = w->mark;
    const struct work_chosen chosen = w->chosen;
    if (put_address(w, zone, name, rrset) == RRSET_DONE &&
        (name->owner == NULL || set_owner(reply, at, name->owner))) {
        reply->counts[REPLY_ADDITIONAL] =
            (uint16_t)(reply->counts[REPLY_ADDITIONAL] + reply->counts[REPLY_ANSWER] - answers);
    } else {
        reply->at = at;
    }
    reply->counts[REPLY_ANSWER] = answers;
    w->mark = mark; /* these tell about the answer */
    w->chosen = chosen;
}

/* Somebody wants to know who is in the answer. */
__attribute__((noinline)) static void add_told_address(struct work *w, const struct zone *zone,
                                                       const struct target_name *name, uint16_t type)
{
    uint16_t members[STEER_ANSWERS_MAX];
    memcpy(members, w->members, sizeof members);
    add_address(w, zone, name, type);
    memcpy(w->members, members, sizeof members);
}

static void add_target(struct work *w, const struct source *source, const struct zone_target *target)
{
    struct owner owner;
    uint16_t at = resolve(&w->reply, source, target->link);
    struct target_name name = {zone_get_node(source->zone, target->node), {at, source->place.apex_at}, NULL};
    if (at > REPLY_POINTER_MAX) {
        owner.len = 0;
        append_name(&owner, &w->reply, source, at);
        name.owner = &owner;
        name.place.owner = REPLY_QUESTION_AT; /* until it is replaced */
    }
    if (__builtin_expect((w->context->view->guards & VIEW_GUARD_TAP) != 0, 0)) {
        add_told_address(w, source->zone, &name, DNS_TYPE_A);
        add_told_address(w, source->zone, &name, DNS_TYPE_AAAA);
        return;
    }
    add_address(w, source->zone, &name, DNS_TYPE_A);
    add_address(w, source->zone, &name, DNS_TYPE_AAAA);
}

bool additional_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                    struct reply_place place, uint16_t block_at)
{
    const struct source source = {zone, rrset, zone_get_extra(zone, rrset), place, block_at};
    if (!(block_at <= NEAR_MAX ? add_near(&w->reply, &source) : add_far(&w->reply, &source))) {
        return false;
    }
    const struct zone_target *targets = zone_get_targets(source.extra);
    for (size_t i = 0; i < source.extra->target_count; i++) {
        add_target(w, &source, &targets[i]);
    }
    return true;
}

/* ---- RRsets with what they bring along ---- */

/* Does this answer bring nothing along that it can do without? */
static bool is_minimal(const struct work *w)
{
    return w->query.qtype == DNS_TYPE_ANY /* RFC 8482 */ || w->context->view->server->minimal_responses;
}

static void add_wanted(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                       struct reply_place place, size_t block_at)
{
    if ((rrset->flags & ZONE_RRSET_ADDITIONAL) != 0 && !is_minimal(w)) {
        (void)additional_add(w, zone, rrset, place, (uint16_t)block_at);
    }
}

void additional_add_static(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                           struct reply_place place)
{
    size_t at = w->reply.at;
    if (!rrset_put(w, zone, rrset, place)) {
        work_truncate(w);
        return;
    }
    add_wanted(w, zone, rrset, place, at);
}

/* Once more over the records of a crowd; each target brings its addresses along once. */
static void add_for_crowd(struct work *w, const struct zone *zone, const struct listed_crowd *crowd,
                          struct reply_place place)
{
    struct listed_numbers seen, targets;
    size_t at = crowd->from;
    listed_clear(&seen, crowd->listed->single_count);
    listed_clear(&targets, crowd->listed->single_count);
    for (size_t i = 0; i < crowd->count; i++) {
        const struct zone_set *set = zone_get_set(zone, crowd->listed, crowd->members[i]);
        const uint16_t *singles = set == NULL ? NULL : zone_get_singles(zone, set);
        for (unsigned k = 0; set != NULL && k < set->rrset.count; k++) {
            const struct zone_single *single = zone_get_single(zone, crowd->listed, singles[k]);
            if (!listed_note(&seen, singles[k])) {
                continue;
            }
            if ((single->rrset.flags & ZONE_RRSET_ADDITIONAL) != 0 && listed_note(&targets, single->target)) {
                (void)additional_add(w, zone, &single->rrset, place, (uint16_t)at);
            }
            at += single->rrset.len;
        }
    }
}

enum rrset_outcome additional_add_listed(struct work *w, const struct zone *zone,
                                         const struct zone_node *node, const struct zone_rrset *rrset,
                                         struct reply_place place)
{
    struct listed_crowd crowd;
    enum rrset_outcome outcome = listed_add(w, zone, rrset, place, &crowd);
    if (outcome == RRSET_USE_STATIC) {
        return rrset_add_stand_in(w, zone, node, rrset, place);
    }
    if (outcome == RRSET_DONE && crowd.count == 1) {
        add_wanted(w, zone, crowd.rrset, place, crowd.from);
    } else if (outcome == RRSET_DONE && !is_minimal(w)) {
        add_for_crowd(w, zone, &crowd, place);
    }
    return outcome;
}
