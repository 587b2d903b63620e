/* SPDX-License-Identifier: BSD-3-Clause
 *
 * {"mail": {"ttl": "1h", "records": {"MX": "10 mx1", "TXT": ["\"a\"", "\"b\""]}}}: name by name and type by
 * type what stands there, see statics.h. */
#include "config.h"

#include "conf/statics.h"

#include "base/arena.h"
#include "dns/types.h"

enum { TTL_DEFAULT_S = 300 };

static bool read_type(const struct doc_node *node, uint16_t *type)
{
    if (dns_parse_type(node->key, type) != 0) {
        doc_error_at_key(node, "\"%.100s\" is no record type, expected one such as \"MX\" or \"TYPE65534\"",
                         node->key);
        return false;
    }
    if (*type == DNS_TYPE_SOA) { /* the master file says how the zone is kept */
        doc_error_at_key(node, "SOA cannot stand here, expected it in the zone file");
    }
    return *type != DNS_TYPE_SOA;
}

static void read_records(const struct doc_node *node, const struct conf_static *like,
                         struct conf_policy *policy)
{
    struct doc_node item = {0};
    while (doc_next_text(node, "rdata or an array of rdata, each as in a zone file", &item)) {
        struct conf_static *to = &policy->statics[policy->static_count++];
        *to = *like;
        to->rdata = (struct conf_rdata){.text = arena_copy_text(policy->arena, doc_text(&item)),
                                        .place = doc_keep_place(&item, policy->arena)};
    }
}

void statics_read(const struct doc_node *node, const char *owner, struct conf_policy *policy)
{
    static const char *const keys[] = {"ttl", "records", NULL};
    struct doc_node records, item = {0};
    if (!doc_check_object(node, keys)) {
        return;
    }
    struct conf_static like = {.owner = owner, .ttl = doc_get_ttl(node, "ttl", TTL_DEFAULT_S)};
    if (!doc_require(node, "records", &records) || !doc_check_object(&records, NULL)) {
        return;
    }
    while (doc_next(&records, &item)) {
        if (read_type(&item, &like.type)) {
            read_records(&item, &like, policy);
        }
    }
}

size_t statics_count(const struct doc_node *node)
{
    struct doc_node records, item = {0};
    size_t count = 0;
    if (doc_is_object(node) && doc_find(node, "records", &records) && doc_is_object(&records)) {
        while (doc_next(&records, &item)) {
            count += doc_count_texts(&item);
        }
    }
    return count;
}
