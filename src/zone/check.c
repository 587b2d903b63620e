/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What makes records a zone: RFC 1034 section 3.6.2 (CNAME), RFC 1035 section 5.2, RFC 2181 section 5
 * (RRsets, TTLs, duplicates), RFC 6672 section 2 (DNAME), RFC 4592 section 4 (wildcards). Also finds the
 * cuts. What needs the cuts is in check_target.c. */
#include "config.h"

#include "zone/builder_internal.h"

#include "base/memory.h"
#include "dns/name.h"

#include <stdlib.h>

/* The RRset that is steered besides a CNAME, or the steered CNAME itself. */
static const struct builder_steered *find_steered(const struct zone_builder *b,
                                                  const struct builder_owner *owner, bool is_cname)
{
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        if ((b->steered[s - 1].type == DNS_TYPE_CNAME) == is_cname) {
            return &b->steered[s - 1];
        }
    }
    return NULL;
}

/* A CNAME has to be alone, whether it is steered or stands in the zone file (it may be in both). Where a
 * policy answers with a CNAME or with addresses (of which those of the file are the last resort) it is, in
 * every answer. */
static void judge_alias(struct zone_builder *b, const struct builder_owner *owner,
                        const struct builder_record *cname, const struct builder_record *other)
{
    const struct builder_steered *alias = find_steered(b, owner, true),
                                 *beside =
                                     builder_has_aliases(b, owner) ? NULL : find_steered(b, owner, false);
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    if ((cname == NULL && alias == NULL) || (other == NULL && beside == NULL)) {
        return;
    }
    bool by_policy = other == NULL && alias == NULL;
    dns_write_type(other != NULL ? other->type : beside->type, type);
    builder_complain(b, REPORT_ERROR, alias != NULL ? &alias->place : &cname->place,
                     "%s has a CNAME and other data (%s); a CNAME has to be alone%s",
                     builder_write_owner(b, owner, name), by_policy ? "a policy that steers it" : type,
                     alias != NULL && owner == b->owners ? ", so there is none at the apex" : "");
}

static void check_cname(struct zone_builder *b, const struct builder_owner *owner)
{
    const struct builder_record *cname = NULL, *other = NULL;
    char name[DNS_NAME_TEXT_SIZE];
    bool has_aliases = builder_has_aliases(b, owner);
    for (const struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        bool joins = builder_may_join_cname(r->type) || (has_aliases && builder_is_address(r->type));
        if (r->type == DNS_TYPE_CNAME && !r->duplicate && cname != NULL) {
            builder_complain(b, REPORT_ERROR, &r->place, "%s has more than one CNAME; remove all but one",
                             builder_write_owner(b, owner, name));
        }
        cname = r->type == DNS_TYPE_CNAME && cname == NULL ? r : cname;
        other = !joins ? r : other;
    }
    judge_alias(b, owner, cname, other);
}

static void check_steered(struct zone_builder *b, const struct builder_owner *owner)
{
    char name[DNS_NAME_TEXT_SIZE];
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        const struct builder_steered *steered = &b->steered[s - 1];
        if (steered->type == DNS_TYPE_NS && owner != b->owners) {
            builder_complain(b, REPORT_ERROR, &steered->place,
                             "NS records of %s would delegate it; expected them in the zone file: a "
                             "delegation is the same for everybody, and NS is steered at the apex only",
                             builder_write_owner(b, owner, name));
        }
    }
}

/* ---- RRsets ---- */

static int compare_records(const void *left, const void *right)
{
    const struct builder_record *a = *(struct builder_record *const *)left,
                                *b = *(struct builder_record *const *)right;
    int order = builder_compare_records(a, b);
    return order != 0 ? order : a < b ? -1 : a > b;
}

static void judge_pair(struct zone_builder *b, const struct builder_owner *owner,
                       struct builder_record *first, struct builder_record *next)
{
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    if (first->type != next->type) {
        return;
    }
    if (builder_compare_records(first, next) == 0) {
        next->duplicate = true;
        builder_complain(b, REPORT_WARNING, &next->place, "duplicate %s record of %s ignored",
                         dns_write_type(next->type, type), builder_write_owner(b, owner, name));
    } else if (first->ttl != next->ttl) {
        builder_complain(b, REPORT_WARNING, &next->place,
                         "the TTLs of the %s records of %s differ (%u and %u); the lower one is used",
                         dns_write_type(next->type, type), builder_write_owner(b, owner, name), first->ttl,
                         next->ttl);
    }
}

/* Duplicates and differing TTLs, by sorting what one owner has. */
static void check_sets(struct zone_builder *b, const struct builder_owner *owner)
{
    if (owner->first == owner->last) {
        return;
    }
    size_t count = 0;
    for (const struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        count++;
    }
    struct builder_record **sorted = memory_alloc_array(count, sizeof *sorted);
    count = 0;
    for (struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        sorted[count++] = r;
    }
    qsort(sorted, count, sizeof *sorted, compare_records);
    for (size_t i = 1; i < count; i++) {
        struct builder_record *first = sorted[i - 1];
        judge_pair(b, owner, first, sorted[i]);
        sorted[i]->ttl =
            first->type == sorted[i]->type && first->ttl < sorted[i]->ttl ? first->ttl : sorted[i]->ttl;
    }
    for (size_t i = count; i-- > 1;) { /* the lowest TTL came up to the end of each set: carry it back */
        if (sorted[i - 1]->type == sorted[i]->type) {
            sorted[i - 1]->ttl = sorted[i]->ttl;
        }
    }
    free(sorted);
}

/* ---- the apex, DNAME, wildcards ---- */

static void check_soa(struct zone_builder *b)
{
    char name[DNS_NAME_TEXT_SIZE];
    const struct builder_place nowhere = {0};
    for (struct builder_record *r = builder_record_at(b, b->owners[0].first); r != NULL;
         r = builder_record_at(b, r->next)) {
        if (r->type != DNS_TYPE_SOA || r->duplicate) {
            continue;
        }
        if (b->soa != NULL) {
            builder_complain(b, REPORT_ERROR, &r->place, "a second SOA; a zone has exactly one");
        }
        b->soa = b->soa == NULL ? r : b->soa;
    }
    if (b->lacks_records) {
        return;
    }
    if (b->soa == NULL) {
        builder_complain(b, REPORT_ERROR, &nowhere, "the zone %s has no SOA record",
                         dns_name_write(b->apex.name, name));
    }
    if (!builder_has_static(b, b->owners, DNS_TYPE_NS)) {
        builder_complain(b, REPORT_ERROR, b->soa != NULL ? &b->soa->place : &nowhere,
                         "the zone %s has no NS records at its apex", dns_name_write(b->apex.name, name));
    }
}

static bool is_wildcard(const struct builder_owner *owner)
{
    return owner->name_len >= 2 && owner->name[0] == 1 && owner->name[1] == '*';
}

/* RFC 4592 sections 2.1.1 and 4: what a wildcard may not have, and asterisks that are none. */
static void check_wildcard(struct zone_builder *b, const struct builder_owner *owner)
{
    char name[DNS_NAME_TEXT_SIZE];
    for (const struct builder_record *r = builder_record_at(b, owner->first); r != NULL && is_wildcard(owner);
         r = builder_record_at(b, r->next)) {
        if (r->type == DNS_TYPE_NS) {
            builder_complain(
                b, REPORT_ERROR, &r->place,
                "NS records at the wildcard %s: what that means is not defined (RFC 4592 section "
                "4.2); expected the names to be delegated one by one",
                builder_write_owner(b, owner, name));
            return;
        }
        if (r->type == DNS_TYPE_DNAME) {
            builder_complain(b, REPORT_WARNING, &r->place,
                             "a DNAME at the wildcard %s: servers and resolvers do not agree on what that "
                             "means (RFC 4592 section 4.4)",
                             builder_write_owner(b, owner, name));
        }
    }
    for (unsigned at = 0; at < owner->name_len && owner->first != 0; at += owner->name[at] + 1u) {
        if (at != 0 && owner->name[at] == 1 && owner->name[at + 1] == '*') {
            builder_complain(
                b, REPORT_WARNING, &b->records[owner->first - 1].place,
                "an asterisk inside of %s; it is a wildcard as the first label only (RFC 4592 section 2.1.1)",
                builder_write_owner(b, owner, name));
            return;
        }
    }
}

/* RFC 6672 sections 2.3 and 2.4 */
static void check_dname(struct zone_builder *b, struct builder_owner *owner, const struct builder_record *r)
{
    char name[DNS_NAME_TEXT_SIZE];
    if (owner->has_dname) {
        builder_complain(b, REPORT_ERROR, &r->place, "a second DNAME; a name has at most one");
    } else if (owner != b->owners && builder_has_type(b, owner, DNS_TYPE_NS)) {
        builder_complain(b, REPORT_ERROR, &r->place,
                         "%s has a DNAME and NS records; only the apex may have both (RFC 6672 section 2.3)",
                         builder_write_owner(b, owner, name));
    }
    owner->has_dname = true;
}

static void check_ds(struct zone_builder *b, const struct builder_owner *owner,
                     const struct builder_record *r)
{
    if (owner == b->owners) {
        builder_complain(b, REPORT_WARNING, &r->place,
                         "DS records at the apex; they belong into the parent zone (RFC 4035 section 2.4)");
    } else if (!builder_has_type(b, owner, DNS_TYPE_NS)) {
        builder_complain(b, REPORT_WARNING, &r->place,
                         "DS records without NS records beside them (RFC 4035 section 2.4)");
    }
}

static void check_records(struct zone_builder *b, struct builder_owner *owner)
{
    bool has_ds = false;
    for (struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        if (r->type == DNS_TYPE_SOA && owner != b->owners) {
            builder_complain(b, REPORT_ERROR, &r->place, "a SOA below the apex of the zone");
        }
        if (r->type == DNS_TYPE_NS) {
            owner->is_cut = owner != b->owners;
        }
        if (r->type == DNS_TYPE_DNAME && !r->duplicate) {
            check_dname(b, owner, r);
        }
        if (r->type == DNS_TYPE_DS && !has_ds) {
            has_ds = true;
            check_ds(b, owner, r);
        }
    }
    if (owner->name_len >= 2 && memchr(owner->name, '*', owner->name_len) != NULL) {
        check_wildcard(b, owner);
    }
}

/* ---- cuts ---- */

/* A cut hides what is at and below it, a DNAME what is below it; the topmost of them counts. */
static void find_cut(struct zone_builder *b, uint32_t index)
{
    uint32_t cut = 0;
    for (uint32_t at = index; at != 0; at = b->owners[at - 1].parent) {
        const struct builder_owner *owner = &b->owners[at - 1];
        cut = owner->is_cut || (owner->has_dname && at != index) ? at : cut;
    }
    b->owners[index - 1].cut = cut;
}

/* What a delegation shows of its own name: RFC 1034 section 4.2.1, RFC 4035 section 2.4. */
static bool is_shown_at_cut(uint16_t type)
{
    return type == DNS_TYPE_NS || type == DNS_TYPE_DS || type == DNS_TYPE_NSEC || type == DNS_TYPE_RRSIG ||
           type == DNS_TYPE_DNAME /* an error of its own */;
}

static void judge_delegated(struct zone_builder *b, const struct builder_owner *owner,
                            const struct builder_owner *cut)
{
    char name[DNS_NAME_TEXT_SIZE], above[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    for (struct builder_record *r = builder_record_at(b, owner->first); r != NULL;
         r = builder_record_at(b, r->next)) {
        bool is_address = r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA;
        if (!is_address && (owner != cut || !is_shown_at_cut(r->type))) {
            builder_complain(b, REPORT_WARNING, &r->place,
                             "the %s record of %s is never answered: %s is delegated (further ones of this "
                             "name are not listed)",
                             dns_write_type(r->type, type), builder_write_owner(b, owner, name),
                             builder_write_owner(b, cut, above));
            return;
        }
    }
}

static void judge_hidden(struct zone_builder *b, const struct builder_owner *owner)
{
    char name[DNS_NAME_TEXT_SIZE], above[DNS_NAME_TEXT_SIZE];
    if (owner->cut == 0) {
        return;
    }
    const struct builder_owner *cut = &b->owners[owner->cut - 1];
    if (owner->steered != 0) {
        builder_complain(b, REPORT_ERROR, &b->steered[owner->steered - 1].place,
                         "a steered name at or below a delegation or DNAME would never be answered");
    } else if (cut->is_cut) {
        judge_delegated(b, owner, cut);
    } else if (owner->first != 0) {
        builder_complain(b, REPORT_ERROR, &b->records[owner->first - 1].place,
                         "%s stands below the DNAME %s and could never be answered; expected nothing there "
                         "(RFC 6672 section 2.4)",
                         builder_write_owner(b, owner, name), builder_write_owner(b, cut, above));
    }
}

void builder_check(struct zone_builder *b)
{
    bool any_cut = false;
    for (size_t i = 0; i < b->owner_count && builder_goes_on(b, i); i++) {
        check_sets(b, &b->owners[i]);
        check_cname(b, &b->owners[i]);
        check_records(b, &b->owners[i]);
        check_steered(b, &b->owners[i]);
        any_cut |= b->owners[i].is_cut || b->owners[i].has_dname;
    }
    check_soa(b);
    for (uint32_t i = 1; any_cut && i <= b->owner_count && builder_goes_on(b, i); i++) {
        find_cut(b, i);
        judge_hidden(b, &b->owners[i - 1]);
    }
    if (!b->lacks_names) {
        builder_check_targets(b);
    }
}
