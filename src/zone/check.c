/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What makes records a zone: RFC 1034 section 3.6.2 (CNAME), RFC 1035 section 5.2, RFC 2181 sections 5
 * (RRsets, TTLs, duplicates) and 10.3, RFC 1912. Also finds the cuts. */
#include "config.h"

#include "zone/builder_internal.h"

#include "base/memory.h"
#include "dns/name.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_SIZE = 2 * DNS_NAME_TEXT_SIZE + 160 };

static struct builder_record *record_at(const struct zone_builder *b, uint32_t index)
{
    return index == 0 ? NULL : &b->records[index - 1];
}

const char *builder_write_owner(const struct zone_builder *b, const struct builder_owner *owner, char *text)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    memcpy(wire, owner->name, owner->name_len);
    memcpy(wire + owner->name_len, b->apex.name, b->apex.len);
    return dns_name_write(wire, text);
}

const struct builder_owner *builder_find_name(const struct zone_builder *b, const uint8_t *name,
                                              bool *in_zone)
{
    struct dns_key key;
    *in_zone = false;
    if (dns_key_fill(&key, name, DNS_NAME_MAX) == 0 || !dns_name_is_under(key.name, b->apex.name)) {
        return NULL;
    }
    *in_zone = true;
    uint32_t owner = builder_find_owner(b, &key, 0);
    return owner == 0 ? NULL : &b->owners[owner - 1];
}

bool builder_has_type(const struct zone_builder *b, const struct builder_owner *owner, uint16_t type)
{
    for (const struct builder_record *r = record_at(b, owner->first); r != NULL; r = record_at(b, r->next)) {
        if (r->type == type && !r->duplicate) {
            return true;
        }
    }
    for (uint32_t s = owner->steered; s != 0; s = b->steered[s - 1].next) {
        if (b->steered[s - 1].type == type) {
            return true;
        }
    }
    return false;
}

/* DNSSEC records may stand beside a CNAME (RFC 4034, RFC 4035 section 2.5). */
static bool may_join_cname(uint16_t type)
{
    return type == DNS_TYPE_CNAME || type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == 25 /* KEY */;
}

static void check_cname(struct zone_builder *b, const struct builder_owner *owner)
{
    const struct builder_record *cname = NULL, *other = NULL;
    char name[DNS_NAME_TEXT_SIZE], message[MESSAGE_SIZE];
    for (const struct builder_record *r = record_at(b, owner->first); r != NULL; r = record_at(b, r->next)) {
        if (r->type == DNS_TYPE_CNAME && !r->duplicate && cname != NULL) {
            snprintf(message, sizeof message, "%s has more than one CNAME; remove all but one",
                     builder_write_owner(b, owner, name));
            builder_complain(b, REPORT_ERROR, &r->place, message);
        }
        cname = r->type == DNS_TYPE_CNAME && cname == NULL ? r : cname;
        other = !may_join_cname(r->type) ? r : other;
    }
    if (cname != NULL && (other != NULL || owner->steered != 0)) {
        char type[DNS_TYPE_TEXT_SIZE];
        snprintf(message, sizeof message, "%s has a CNAME and other data (%s); a CNAME has to be alone",
                 builder_write_owner(b, owner, name),
                 other != NULL ? dns_write_type(other->type, type) : "a policy that steers it");
        builder_complain(b, REPORT_ERROR, &cname->place, message);
    }
}

static int compare_records(const void *left, const void *right)
{
    const struct builder_record *a = *(struct builder_record *const *)left,
                                *b = *(struct builder_record *const *)right;
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (a->rdata_len != b->rdata_len) {
        return a->rdata_len < b->rdata_len ? -1 : 1;
    }
    int order = memcmp(a->rdata, b->rdata, a->rdata_len);
    return order != 0 ? order : a < b ? -1 : a > b;
}

static void judge_pair(struct zone_builder *b, const struct builder_owner *owner,
                       struct builder_record *first, struct builder_record *next)
{
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE], message[MESSAGE_SIZE];
    if (first->type != next->type) {
        return;
    }
    if (first->rdata_len == next->rdata_len && memcmp(first->rdata, next->rdata, first->rdata_len) == 0) {
        next->duplicate = true;
        snprintf(message, sizeof message, "duplicate %s record of %s ignored",
                 dns_write_type(next->type, type), builder_write_owner(b, owner, name));
        builder_complain(b, REPORT_WARNING, &next->place, message);
    } else if (first->ttl != next->ttl) {
        snprintf(message, sizeof message,
                 "the TTLs of the %s records of %s differ (%u and %u); the lower one is used",
                 dns_write_type(next->type, type), builder_write_owner(b, owner, name), first->ttl,
                 next->ttl);
        builder_complain(b, REPORT_WARNING, &next->place, message);
    }
}

/* Duplicates and differing TTLs, by sorting what one owner has. */
static void check_sets(struct zone_builder *b, const struct builder_owner *owner)
{
    if (owner->first == owner->last) {
        return;
    }
    size_t count = 0;
    for (const struct builder_record *r = record_at(b, owner->first); r != NULL; r = record_at(b, r->next)) {
        count++;
    }
    struct builder_record **sorted = memory_alloc_array(count, sizeof *sorted);
    count = 0;
    for (struct builder_record *r = record_at(b, owner->first); r != NULL; r = record_at(b, r->next)) {
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

static void check_soa(struct zone_builder *b)
{
    char name[DNS_NAME_TEXT_SIZE], message[MESSAGE_SIZE];
    const struct builder_place nowhere = {0};
    for (struct builder_record *r = record_at(b, b->owners[0].first); r != NULL; r = record_at(b, r->next)) {
        if (r->type != DNS_TYPE_SOA || r->duplicate) {
            continue;
        }
        if (b->soa != NULL) {
            builder_complain(b, REPORT_ERROR, &r->place, "a second SOA; a zone has exactly one");
        }
        b->soa = b->soa == NULL ? r : b->soa;
    }
    if (b->soa == NULL) {
        snprintf(message, sizeof message, "the zone %s has no SOA record",
                 dns_name_write(b->apex.name, name));
        builder_complain(b, REPORT_ERROR, &nowhere, message);
    }
    if (!builder_has_type(b, &b->owners[0], DNS_TYPE_NS)) {
        snprintf(message, sizeof message, "the zone %s has no NS records at its apex",
                 dns_name_write(b->apex.name, name));
        builder_complain(b, REPORT_ERROR, &nowhere, message);
    }
}

static void check_ns_target(struct zone_builder *b, const struct builder_record *r)
{
    char name[DNS_NAME_TEXT_SIZE], message[MESSAGE_SIZE];
    bool in_zone;
    const struct builder_owner *target = builder_find_name(b, r->rdata, &in_zone);
    if (!in_zone) {
        return;
    }
    if (target != NULL && builder_has_type(b, target, DNS_TYPE_CNAME)) {
        snprintf(message, sizeof message, "the name server %s is a CNAME (RFC 2181 section 10.3)",
                 dns_name_write(r->rdata, name));
        builder_complain(b, REPORT_WARNING, &r->place, message);
    } else if (target == NULL ||
               (!builder_has_type(b, target, DNS_TYPE_A) && !builder_has_type(b, target, DNS_TYPE_AAAA))) {
        snprintf(message, sizeof message, "the name server %s has no address (A or AAAA) in this zone",
                 dns_name_write(r->rdata, name));
        builder_complain(b, REPORT_WARNING, &r->place, message);
    }
}

static void check_records(struct zone_builder *b, struct builder_owner *owner, bool is_apex)
{
    for (struct builder_record *r = record_at(b, owner->first); r != NULL; r = record_at(b, r->next)) {
        if (r->type == DNS_TYPE_SOA && !is_apex) {
            builder_complain(b, REPORT_ERROR, &r->place, "a SOA below the apex of the zone");
        }
        if (r->type == DNS_TYPE_NS) {
            owner->is_cut = !is_apex;
        }
        if (r->type == DNS_TYPE_DNAME && !r->duplicate) {
            if (owner->has_dname) {
                builder_complain(b, REPORT_ERROR, &r->place, "a second DNAME; a name has at most one");
            }
            owner->has_dname = true;
        }
    }
}

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

static void judge_hidden(struct zone_builder *b, const struct builder_owner *owner)
{
    if (owner->cut == 0) {
        return;
    }
    if (owner->steered != 0) {
        builder_complain(b, REPORT_ERROR, &b->steered[owner->steered - 1].place,
                         "a steered name at or below a delegation or DNAME would never be answered");
    } else if (!b->owners[owner->cut - 1].is_cut && owner->first != 0) {
        builder_complain(b, REPORT_WARNING, &b->records[owner->first - 1].place,
                         "a name below a DNAME is never answered");
    }
}

void builder_check(struct zone_builder *b)
{
    bool any_cut = false;
    for (size_t i = 0; i < b->owner_count; i++) {
        check_sets(b, &b->owners[i]);
        check_cname(b, &b->owners[i]);
        check_records(b, &b->owners[i], i == 0);
        any_cut |= b->owners[i].is_cut || b->owners[i].has_dname;
    }
    check_soa(b);
    for (size_t i = 0; i < b->record_count; i++) {
        if (b->records[i].type == DNS_TYPE_NS && !b->records[i].duplicate) {
            check_ns_target(b, &b->records[i]);
        }
    }
    for (uint32_t i = 1; any_cut && i <= b->owner_count; i++) {
        find_cut(b, i);
        judge_hidden(b, &b->owners[i - 1]);
    }
}
