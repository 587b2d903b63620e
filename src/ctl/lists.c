/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Zones, names and geo databases as tables. */
#include "config.h"

#include "ctl/template.h"

#include <string.h>

/* ---- zones and names ---- */

/* How many of a zone's secondaries have said that they know its serial. */
static bool write_secondaries(const json_t *zone, struct buffer *to)
{
    const json_t *secondaries = json_object_get(zone, "secondaries"), *one;
    size_t i, know = 0;
    json_array_foreach(secondaries, i, one)
    {
        know += strcmp(text_of(one, "state"), "acknowledged") == 0;
    }
    buffer_print(to, "%zu of %zu know", know, json_array_size(secondaries));
    return json_array_size(secondaries) != 0;
}

const struct template_row zone_columns[] = {ROW("ZONE", "{origin}"),
                                            ROW_STATE("STATE", "{state}"),
                                            ROW("SERIAL", "{serial}"),
                                            ROW("NAMES", "{names}"),
                                            ROW("RECORDS", "{records}"),
                                            ROW("STEERED", "{steered}"),
                                            ROW_OF("SECONDARIES", write_secondaries),
                                            ROW("FILE", "{file}"),
                                            ROW_END};

const struct template_row name_columns[] = {ROW("NAME", "{name}"),
                                            ROW("ZONE", "{zone}"),
                                            ROW("TYPES", "{types: }"),
                                            ROW("TTL", "{ttl}"),
                                            ROW("POLICY", "{policy}"),
                                            ROW("PICK", "{pick}"),
                                            ROW("MEMBERS", "{members}"),
                                            ROW("TIERS",
                                                "[{tiers: > }][, else pool {pool}][, else {fallback}]"
                                                "[!classes=1|[; {classes:-1} other class{classes:-1es}]]"),
                                            ROW_END};

/* ---- geo ---- */

const struct template_row geo_columns[] = {ROW("FILE", "{file}"),
                                           ROW_STATE("STATE", "{state}"),
                                           ROW("TYPE", "{type}"),
                                           ROW("BUILT", "{built:age} ago"),
                                           ROW("NETWORKS", "{networks}"),
                                           ROW("KNOWS", "{knows:, }"),
                                           ROW_END};
