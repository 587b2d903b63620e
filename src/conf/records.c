/* SPDX-License-Identifier: BSD-3-Clause
 *
 * {"MX": {"us-east": "10 mx-a", "web-b": ["10 mx-b", "20 mx-c"]}}: type by type, which members answer with
 * what. Of the keys that match a member the narrowest wins: endpoint, pattern, group, az, region, "*"; of
 * equally narrow ones the last. Names that are written alike share the result. */
#include "config.h"

#include "conf/records.h"

#include "conf/selector_internal.h"
#include "conf/value.h"
#include "dns/types.h"

#include <string.h>

enum { TYPES_MAX = 14 }; /* besides A and AAAA: steer/steer.h has 16 bits for types */

void records_reader_init(struct records_reader *reader, const struct selector *selector, struct arena *arena)
{
    *reader = (struct records_reader){.selector = selector, .arena = arena, .known = keytable_new(arena)};
}

/* ---- types ---- */

/* What a zone is made of, and what signing makes, is the same for every client. */
static const char *find_obstacle(uint16_t type)
{
    switch (type) {
    case DNS_TYPE_SOA: return "a zone has one SOA for all";
    case DNS_TYPE_DNAME: return "a DNAME redirects other names than its own";
    case DNS_TYPE_DS:
    case DNS_TYPE_RRSIG:
    case DNS_TYPE_NSEC:
    case DNS_TYPE_DNSKEY:
    case 24: /* SIG */
    case 25: /* KEY */
    case 30: /* NXT */
    case 50: /* NSEC3 */
    case 51: /* NSEC3PARAM */
    case 59: /* CDS */
    case 60: /* CDNSKEY */
    case 62: /* CSYNC */ return "records of DNSSEC and of delegations are the same for every client";
    default:
        return type == 0 || type == DNS_TYPE_OPT || (type >= 128 && type <= 255)
                   ? "it is for messages, not for zones (RFC 6895)"
                   : NULL;
    }
}

static bool read_type(const struct doc_node *node, uint16_t *type)
{
    char text[DNS_TYPE_TEXT_SIZE];
    if (dns_parse_type(node->key, type) != 0) {
        doc_error_at_key(node, "\"%.100s\" is no record type, expected one such as \"MX\" or \"TYPE65534\"",
                         node->key);
        return false;
    }
    const char *obstacle = find_obstacle(*type);
    if (obstacle != NULL) {
        doc_error_at_key(node, "%s cannot be steered: %s", dns_write_type(*type, text), obstacle);
    }
    return obstacle == NULL;
}

/* ---- one type ---- */

/* How narrow a key is. */
enum rank { RANK_ALL, RANK_REGION, RANK_AZ, RANK_GROUP, RANK_PATTERN, RANK_ENDPOINT, RANK_COUNT };

static enum rank rank_of(const char *key, const struct conf_place *place)
{
    static const enum rank ranks[] = {[CONF_REGION] = RANK_REGION,
                                      [CONF_AZ] = RANK_AZ,
                                      [CONF_GROUP] = RANK_GROUP,
                                      [CONF_ENDPOINT] = RANK_ENDPOINT};
    if (place != NULL) {
        return ranks[place->kind];
    }
    return strcmp(key, "*") == 0 ? RANK_ALL : RANK_PATTERN;
}

static void read_list(struct records_reader *reader, const struct doc_node *node, struct conf_list *list)
{
    struct doc_node item = {0};
    list->items = arena_alloc(reader->arena, doc_count_texts(node) * sizeof *list->items);
    while (doc_next_text(node, "rdata or an array of rdata, each as in a zone file", &item)) {
        list->items[list->count++] =
            (struct conf_rdata){.text = arena_copy_text(reader->arena, doc_text(&item)),
                                .place = doc_keep_place(&item, reader->arena)};
    }
}

/* The list of a key, for those whose key so far is wider, or as wide. */
static void apply_list(const struct records_reader *reader, const struct doc_node *node,
                       const struct selector_members *members, const struct conf_record_type *type,
                       uint8_t *ranks)
{
    const struct conf_place *place = conf_find_place(reader->selector->topology, node->key);
    struct selector_walk walk = {.selector = reader->selector,
                                 .members = members,
                                 .item = {.text = node->key, .place = place},
                                 .spare = true};
    uint8_t rank = (uint8_t)rank_of(node->key, place);
    size_t matched = 0;
    for (struct conf_member *member; (member = selector_next_match(&walk)) != NULL; matched++) {
        size_t at = (size_t)(member - members->items);
        if (type->of_member[at] == CONF_NO_LIST || ranks[at] <= rank) {
            type->of_member[at] = (uint16_t)(type->list_count - 1);
            ranks[at] = rank;
        }
    }
    if (matched == 0 && members->complete) {
        doc_error_at_key(node,
                         "\"%.100s\" matches none of the name's endpoints, expected an endpoint, a "
                         "pattern of endpoints, a group, an az or a region of theirs",
                         node->key);
    }
}

static void read_lists(struct records_reader *reader, const struct doc_node *node,
                       const struct selector_members *members, struct conf_record_type *type)
{
    struct doc_node item = {0};
    uint8_t *ranks = arena_alloc(reader->arena, members->count);
    type->place = doc_keep_place(node, reader->arena);
    type->of_member = arena_alloc(reader->arena, members->count * sizeof *type->of_member);
    memset(type->of_member, 0xff, members->count * sizeof *type->of_member); /* CONF_NO_LIST */
    if (!doc_check_object(node, NULL)) {
        return;
    }
    if (doc_count(node) >= CONF_NO_LIST) {
        doc_error(node, "found %zu keys, expected less than %d", doc_count(node), CONF_NO_LIST);
        return;
    }
    type->lists = arena_alloc(reader->arena, doc_count(node) * sizeof *type->lists);
    while (doc_next(node, &item)) {
        read_list(reader, &item, &type->lists[type->list_count++]);
        apply_list(reader, &item, members, type, ranks);
    }
}

/* ---- all types ---- */

static bool is_repeated(const struct conf_records *records, uint16_t type)
{
    size_t i = 0;
    while (i < records->count && records->types[i].type != type) {
        i++;
    }
    return i < records->count;
}

static struct conf_records *read_types(struct records_reader *reader, const struct doc_node *node,
                                       const struct selector_members *members)
{
    struct conf_records *records = arena_alloc(reader->arena, sizeof *records);
    struct doc_node item = {0};
    size_t further = 0;
    if (!doc_check_object(node, NULL)) {
        return records;
    }
    records->types = arena_alloc(reader->arena, doc_count(node) * sizeof *records->types);
    while (doc_next(node, &item)) {
        uint16_t type;
        if (!read_type(&item, &type)) {
            continue;
        }
        if (is_repeated(records, type)) {
            doc_error_at_key(&item, "the type \"%.100s\" is there already", item.key);
            continue;
        }
        further += type != DNS_TYPE_A && type != DNS_TYPE_AAAA;
        struct conf_record_type *to = &records->types[records->count++];
        to->type = type;
        read_lists(reader, &item, members, to);
    }
    if (further > TYPES_MAX) {
        doc_error(node, "found %zu types, expected at most %d besides A and AAAA", further, TYPES_MAX);
    }
    return records;
}

static const struct conf_records *find_records(struct records_reader *reader, const struct doc_node *node,
                                               const struct selector_members *members)
{
    struct buffer key;
    buffer_init(&key);
    buffer_add(&key, &members, sizeof(const struct selector_members *));
    doc_dump(node, &key);
    struct conf_records *records = keytable_find(reader->known, key.bytes, key.len);
    if (records == NULL) {
        size_t issues = doc_count_issues(node->doc);
        records = read_types(reader, node, members);
        if (issues == doc_count_issues(node->doc)) {
            (void)keytable_add(reader->known, arena_copy(reader->arena, key.bytes, key.len), key.len,
                               records);
        }
    }
    buffer_fini(&key);
    return records;
}

/* A name that is an alias is nothing else (RFC 1034 section 3.6.2), and leads to one name. */
static void check_alias(const struct doc_node *node, bool is_apex, const struct conf_name *name)
{
    if (!is_repeated(name->records, DNS_TYPE_CNAME)) {
        return;
    }
    if (is_apex) {
        doc_error(node, "a CNAME at the apex, where SOA and NS stand; expected A and AAAA, or HTTPS in "
                        "AliasMode (\"0 target\")");
    } else if (name->records->count > 1 || name->addresses) {
        doc_error(node, "a CNAME beside %s; a CNAME has to be alone",
                  name->records->count > 1 ? "other types" : "\"addresses\"");
    } else if (name->answers > 1 || name->pick == CONF_PICK_ALL) {
        doc_error(node, "a CNAME leads to one name; expected \"answers\": 1, and no \"pick\": \"all\"");
    }
}

/* Why a host name cannot be answered as a CNAME; NULL: it can, for all that this document says. */
static const char *find_alias_obstacle(bool is_apex, const struct conf_name *name)
{
    return is_apex                       ? "at the apex, where SOA and NS stand"
           : name->records != NULL       ? "beside \"records\""
           : name->answers > 1           ? "with more than one of \"answers\""
           : name->pick == CONF_PICK_ALL ? "with \"pick\": \"all\""
                                         : NULL;
}

static void read_host_answer(const struct doc_node *node, bool is_apex, struct conf_name *name)
{
    static const char *const choices[] = {
        [CONF_HOST_AUTO] = "auto", [CONF_HOST_CNAME] = "cname", [CONF_HOST_ADDRESSES] = "addresses", NULL};
    struct doc_node answer;
    const char *obstacle = find_alias_obstacle(is_apex, name);
    name->host_answer = (enum conf_host_answer)doc_get_choice(node, "host_answer", choices, CONF_HOST_AUTO);
    name->may_alias = obstacle == NULL && name->host_answer != CONF_HOST_ADDRESSES;
    if (obstacle != NULL && name->host_answer == CONF_HOST_CNAME && doc_find(node, "host_answer", &answer)) {
        doc_error(&answer, "found \"cname\" %s; a CNAME has to be alone", obstacle);
    }
}

void records_read(struct records_reader *reader, const struct doc_node *node,
                  const struct selector_members *members, bool is_apex, struct conf_name *name)
{
    struct doc_node records, addresses;
    bool has_records = doc_find(node, "records", &records);
    name->addresses = doc_get_bool(node, "addresses", !has_records);
    if (has_records) {
        name->records = find_records(reader, &records, members);
        check_alias(&records, is_apex, name);
    } else if (!name->addresses && doc_find(node, "addresses", &addresses)) {
        doc_error(&addresses, "nothing is left to answer: expected \"records\" beside \"addresses\": false");
    }
    read_host_answer(node, is_apex, name);
}
