/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names that tell who asks, as the builder collects them: static records that stand for what is answered. */
#include "config.h"

#include "base/memory.h"
#include "dns/name.h"
#include "zone/builder_internal.h"

static void add_record(struct zone_builder *b, const struct dns_key *key, const struct builder_place *place,
                       uint16_t type, uint16_t len)
{
    static const uint8_t nothing[16]; /* of TXT: one empty string */
    struct zone_record record = {.owner = key->name,
                                 .owner_len = key->len,
                                 .type = type,
                                 .rclass = DNS_CLASS_IN,
                                 .rdata = nothing,
                                 .rdata_len = len,
                                 .file = place->file,
                                 .line = place->line,
                                 .column = place->column};
    (void)zone_builder_add(b, &record);
}

void zone_builder_add_whoami(struct zone_builder *b, const uint8_t *owner, const struct zone_whoami *whoami,
                             const struct report_place *place)
{
    static const uint16_t types[] = {DNS_TYPE_CNAME, DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_TXT},
                          lens[] = {0, 4, 16, 1};
    struct builder_place at = {builder_keep_file(b, place->file), place->line, place->column};
    struct dns_key key;
    char text[DNS_TYPE_TEXT_SIZE], name[DNS_NAME_TEXT_SIZE];
    if (dns_key_fill(&key, owner, DNS_NAME_MAX) == 0 || !builder_is_in_zone(b, &key)) {
        builder_complain(b, REPORT_ERROR, &at, "the name that tells who asks is outside the zone");
        return;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (zone_builder_has_static(b, owner, types[i])) {
            builder_complain(b, REPORT_ERROR, &at,
                             "%s tells who asks: found a record of type %s in the zone file, expected none",
                             dns_name_write(owner, name), dns_write_type(types[i], text));
            return;
        }
    }
    b->whoamis = memory_grow(b->whoamis, b->whoami_count, &b->whoami_capacity, sizeof *b->whoamis);
    b->whoamis[b->whoami_count++] = *whoami;
    for (size_t i = 1; i < sizeof types / sizeof *types; i++) {
        add_record(b, &key, &at, types[i], lens[i]);
    }
    b->owners[builder_get_owner(b, &key, 0) - 1].whoami = (uint16_t)b->whoami_count;
}
