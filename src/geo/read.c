/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an entry of a database says, as facts. Known are the layout of MaxMind (and DB-IP's own files), and
 * the flat one of ip-location-db and others. Where an entry says a thing twice, the path that comes first in
 * the table counts. What is no country code, no coordinate, no sound text is passed over: a database may know
 * more than we do. */
#include "config.h"

#include "geo/db.h"

#include <stdio.h>
#include <string.h>

enum field {
    FIELD_COUNTRY,
    FIELD_CONTINENT,
    FIELD_CITY,
    FIELD_CITY_ID,
    FIELD_ASN,
    FIELD_LATITUDE,
    FIELD_LONGITUDE,
    FIELD_SUBDIVISION, /* four: code and code of the second level, name and name of the second level */
    FIELD_COUNT = FIELD_SUBDIVISION + GEO_SUBDIVISIONS
};

/* By preference within each field: a network's country before the one where it is registered. */
static const char *const paths[][GEO_PATH_MAX] = {
    {"country", "iso_code"},
    {"country_code"},
    {"country"},
    {"registered_country", "iso_code"},
    {"continent", "code"},
    {"continent_code"},
    {"continent"},
    {"city", "names", "en"},
    {"city"},
    {"city", "geoname_id"},
    {"autonomous_system_number"},
    {"asn"},
    {"location", "latitude"},
    {"latitude"},
    {"location", "longitude"},
    {"longitude"},
    {"subdivisions", "#0", "iso_code"},
    {"subdivisions", "#1", "iso_code"},
    {"subdivisions", "#0", "names", "en"},
    {"state1"},
    {"subdivisions", "#1", "names", "en"},
    {"state2"},
};

static const uint8_t fields[] = {
    FIELD_COUNTRY,
    FIELD_COUNTRY,
    FIELD_COUNTRY,
    FIELD_COUNTRY,
    FIELD_CONTINENT,
    FIELD_CONTINENT,
    FIELD_CONTINENT,
    FIELD_CITY,
    FIELD_CITY,
    FIELD_CITY_ID,
    FIELD_ASN,
    FIELD_ASN,
    FIELD_LATITUDE,
    FIELD_LATITUDE,
    FIELD_LONGITUDE,
    FIELD_LONGITUDE,
    FIELD_SUBDIVISION,
    FIELD_SUBDIVISION + 1,
    FIELD_SUBDIVISION + 2,
    FIELD_SUBDIVISION + 2,
    FIELD_SUBDIVISION + 3,
    FIELD_SUBDIVISION + 3,
};

_Static_assert(sizeof paths / sizeof *paths == sizeof fields, "a field for each path");
_Static_assert(sizeof paths / sizeof *paths <= GEO_PATHS_MAX, "no more paths than a sink may have");

struct reader {
    struct geo_pool *texts;
    size_t path[FIELD_COUNT]; /* that the field came from, + 1; 0: not seen */
    struct geo_scalar scalars[FIELD_COUNT];
};

/* ---- which values are sound ---- */

/* How many octets a UTF-8 character has (RFC 3629) that begins here; 0: none, or a control character. */
static size_t character_len(const uint8_t *at, size_t left)
{
    static const uint32_t lowest[] = {0, ' ', 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > left) {
        return 0;
    }
    uint32_t code = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (at[i] >> 6 != 2) {
            return 0;
        }
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool is_control = code == 0x7f || (code >= 0x80 && code < 0xa0), is_half = code >> 11 == 0x1b;
    return code < lowest[len] || code > 0x10ffff || is_control || is_half ? 0 : len;
}

static bool is_sound_text(const struct geo_scalar *scalar)
{
    size_t at = 0, len = 1;
    while (at < scalar->len && len != 0) {
        len = character_len((const uint8_t *)scalar->text + at, scalar->len - at);
        at += len;
    }
    return scalar->type == GEO_SCALAR_TEXT && len != 0 && at != 0;
}

/* "AS64496", as some write it. */
static uint64_t read_asn(const struct geo_scalar *scalar)
{
    uint64_t asn = 0;
    if (scalar->type == GEO_SCALAR_WHOLE) {
        return scalar->whole;
    }
    if (scalar->type != GEO_SCALAR_TEXT || scalar->len < 3 || scalar->len > 12 ||
        memcmp(scalar->text, "AS", 2) != 0) {
        return 0;
    }
    for (size_t i = 2; i < scalar->len; i++) {
        if (scalar->text[i] < '0' || scalar->text[i] > '9') {
            return 0;
        }
        asn = asn * 10 + (uint64_t)(scalar->text[i] - '0');
    }
    return asn;
}

static bool is_acceptable(enum field field, const struct geo_scalar *scalar)
{
    switch (field) {
    case FIELD_COUNTRY:
    case FIELD_CONTINENT:
        return scalar->type == GEO_SCALAR_TEXT && geo_code_read(scalar->text, scalar->len) != 0;
    case FIELD_CITY_ID:
        return scalar->type == GEO_SCALAR_WHOLE && scalar->whole > 0 && scalar->whole <= UINT32_MAX;
    case FIELD_ASN: return read_asn(scalar) > 0 && read_asn(scalar) <= UINT32_MAX;
    case FIELD_LATITUDE: return scalar->type == GEO_SCALAR_REAL && geo_is_location(scalar->real, 0);
    case FIELD_LONGITUDE: return scalar->type == GEO_SCALAR_REAL && geo_is_location(0, scalar->real);
    case FIELD_CITY: return scalar->len <= GEO_TEXT_MAX && is_sound_text(scalar);
    default: return scalar->len <= GEO_TEXT_MAX - 3 && is_sound_text(scalar); /* room for "US-" */
    }
}

/* ---- the entry ---- */

static void take(void *context, size_t path, const struct geo_scalar *scalar)
{
    struct reader *reader = context;
    enum field field = (enum field)fields[path];
    size_t *from = &reader->path[field];
    if ((*from == 0 || *from > path + 1) && is_acceptable(field, scalar)) {
        *from = path + 1;
        reader->scalars[field] = *scalar;
    }
}

static uint32_t add_subdivision(struct reader *reader, enum field field, uint32_t country)
{
    char text[GEO_TEXT_MAX + 1], code[3];
    const struct geo_scalar *scalar = &reader->scalars[field];
    geo_code_write(country, code);
    int len = snprintf(text, sizeof text, "%s-%.*s", code, (int)scalar->len, scalar->text);
    return geo_pool_add(reader->texts, text, (size_t)len);
}

static uint32_t read_code(const struct reader *reader, enum field field)
{
    return reader->path[field] == 0 ? 0
                                    : geo_code_read(reader->scalars[field].text, reader->scalars[field].len);
}

static void write_facts(struct reader *reader, struct geo_facts *facts)
{
    const struct geo_scalar *scalars = reader->scalars;
    const size_t *is_set = reader->path;
    *facts = (struct geo_facts){.country = read_code(reader, FIELD_COUNTRY),
                                .continent = read_code(reader, FIELD_CONTINENT)};
    if (facts->continent == 0) {
        char country[3];
        geo_code_write(facts->country, country);
        const char *derived = geo_get_continent(country);
        facts->continent = geo_code_read(derived, strlen(derived));
    }
    /* A subdivision is one of a country: without it there is nothing to compare. */
    for (unsigned i = 0; facts->country != 0 && i < GEO_SUBDIVISIONS; i++) {
        if (is_set[FIELD_SUBDIVISION + i] != 0) {
            facts->subdivision[i] =
                add_subdivision(reader, (enum field)(FIELD_SUBDIVISION + i), facts->country);
        }
    }
    if (is_set[FIELD_CITY] != 0) {
        facts->city = geo_pool_add(reader->texts, scalars[FIELD_CITY].text, scalars[FIELD_CITY].len);
    }
    facts->city_id = is_set[FIELD_CITY_ID] == 0 ? 0 : (uint32_t)scalars[FIELD_CITY_ID].whole;
    facts->asn = is_set[FIELD_ASN] == 0 ? 0 : (uint32_t)read_asn(&scalars[FIELD_ASN]);
    if (is_set[FIELD_LATITUDE] != 0 && is_set[FIELD_LONGITUDE] != 0) {
        facts->latitude = geo_degrees_pack(scalars[FIELD_LATITUDE].real, -90);
        facts->longitude = geo_degrees_pack(scalars[FIELD_LONGITUDE].real, -180);
    }
}

const char *geo_read_facts(struct geo_data *data, size_t offset, struct geo_pool *texts,
                           struct geo_facts *facts)
{
    struct reader reader = {.texts = texts};
    struct geo_sink sink = {
        .paths = paths, .path_count = sizeof paths / sizeof *paths, .context = &reader, .take = take};
    const char *wrong = geo_data_check(data, offset, &sink);
    if (wrong == NULL) {
        write_facts(&reader, facts);
    }
    return wrong;
}
