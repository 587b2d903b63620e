/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records -> struct zone. Checks what makes a zone (SOA, NS, CNAME and other data, data outside the zone,
 * duplicates, TTLs of an RRset, missing addresses), renders the answers and builds the hash. */
#pragma once

#include "base/report.h"
#include "zone/reader.h"
#include "zone/zone.h"

struct zone_builder;

/* apex: lower case wire; file: for messages that have no line. Both copied. */
struct zone_builder *zone_builder_new(const uint8_t *apex, const char *file, struct report *report);
void zone_builder_free(struct zone_builder *builder);

/* RRsets of several records are to rotate from answer to answer (off at first): all but those whose clients
 * have rules of their own for choosing (NS, MX, SRV, SVCB, HTTPS). */
void zone_builder_set_rotate(struct zone_builder *builder, bool rotate);

/* A record of the master file; what is wrong goes to the report. Always returns 0, so it can be a zone_sink.
 */
int zone_builder_add(void *builder, const struct zone_record *record);

/* One address per member of a policy: rdata of rdata_len octets each (A: 4, AAAA: 16), all zero for members
 * without one. Static records of the same name and type stay behind it as last resort. */
struct zone_steered_plan {
    const uint8_t *owner; /* lower case wire, at or below the apex */
    uint16_t type, rdata_len, member_count;
    uint32_t ttl, policy, name;
    const uint8_t *rdata;
    bool has_hosts;        /* some members have the addresses of a host: records of theirs are only moulds */
    unsigned line, column; /* in the policy document, for messages */
    const char *file;
};
void zone_builder_add_steered(struct zone_builder *builder, const struct zone_steered_plan *plan);

/* Rdata as it goes on the wire, names uncompressed. */
struct zone_rdata {
    const uint8_t *bytes;
    uint16_t len;
    unsigned line, column; /* in the policy document */
};

/* What a member answers with. type: that of the RRset, or CNAME for an alias in its place (one item then). */
struct zone_list {
    const struct zone_rdata *items;
    uint16_t count; /* at least 1 */
    uint16_t type;
};

/* Any rdata, several records for a member. */
struct zone_listed_plan {
    const uint8_t *owner; /* lower case wire, at or below the apex */
    uint16_t type;
    uint16_t types; /* its bit among the types of the policy */
    uint16_t member_count, list_count;
    uint32_t ttl, policy, name;
    const struct zone_list *lists;
    const uint16_t *of_member; /* index of the member's list, or ZONE_NO_SET */
    unsigned line, column;
    const char *file;
};
void zone_builder_add_listed(struct zone_builder *builder, const struct zone_listed_plan *plan);

/* A name that tells who asks, by A, AAAA and TXT; in copies 0.0.0.0, :: and an empty text stand for that. The
 * zone file has to have none of these there, nor a CNAME. */
void zone_builder_add_whoami(struct zone_builder *builder, const uint8_t *owner,
                             const struct zone_whoami *whoami, const struct report_place *place);

/* The type of a static record at this owner that cannot stand beside a CNAME of its policy; 0: there is none.
 * Addresses can: they stand in where the policy has nothing. */
uint16_t zone_builder_find_obstacle(const struct zone_builder *builder, const uint8_t *owner);

/* Has the zone file a record of the type at this owner, as far as it was read? */
bool zone_builder_has_static(const struct zone_builder *builder, const uint8_t *owner, uint16_t type);

/* Not everything was read, and it is reported why: what seems to be missing is not complained about, and
 * there will be no zone. records: of the zone file, and not only of its policy. */
void zone_builder_set_partial(struct zone_builder *builder, bool records);

/* Build, unless the report has errors that this builder found: then NULL. Returns owned (one reference). */
struct zone *zone_builder_finish(struct zone_builder *builder);
