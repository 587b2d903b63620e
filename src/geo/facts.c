/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See facts.h. Pure. */
#include "config.h"

#include "geo/facts.h"

#include <math.h>
#include <string.h>

static const double DEGREE_PARTS = 10000;

uint32_t geo_code_read(const char *text, size_t len)
{
    if (len != 2) {
        return 0;
    }
    unsigned first = (unsigned)(text[0] | 0x20) - 'a', second = (unsigned)(text[1] | 0x20) - 'a';
    return first < 26 && second < 26 ? 1 + first * 26 + second : 0;
}

void geo_code_write(uint32_t code, char text[3])
{
    memset(text, 0, 3);
    if (code != 0) {
        text[0] = (char)('A' + (code - 1) / 26);
        text[1] = (char)('A' + (code - 1) % 26);
    }
}

bool geo_is_location(double latitude, double longitude)
{
    /* Also false for what is not a number. */
    return fabs(latitude) <= 90 && fabs(longitude) <= 180;
}

uint32_t geo_degrees_pack(double degrees, double lowest)
{
    return 1 + (uint32_t)lround((degrees - lowest) * DEGREE_PARTS);
}

double geo_degrees_unpack(uint32_t packed, double lowest)
{
    return lowest + (packed - 1) / DEGREE_PARTS;
}

size_t geo_fold(const char *text, char folded[GEO_TEXT_MAX + 1])
{
    size_t len = 0;
    for (; len < GEO_TEXT_MAX && text[len] != '\0'; len++) {
        char c = text[len];
        folded[len] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    folded[len] = '\0';
    return len;
}

unsigned geo_facts_known(const struct geo_facts *facts)
{
    unsigned known = 0;
    known |= (unsigned)(facts->continent != 0) << GEO_CONTINENT;
    known |= (unsigned)(facts->country != 0) << GEO_COUNTRY;
    known |= (unsigned)(facts->city != 0 || facts->city_id != 0) << GEO_CITY;
    known |= (unsigned)(facts->asn != 0) << GEO_ASN;
    known |= (unsigned)(facts->latitude != 0) << GEO_LOCATION;
    for (size_t i = 0; i < GEO_SUBDIVISIONS; i++) {
        known |= (unsigned)(facts->subdivision[i] != 0) << GEO_SUBDIVISION;
    }
    return known;
}

static void copy_if(struct geo_facts *facts, const struct geo_facts *more, unsigned kinds)
{
    if ((kinds & 1u << GEO_CONTINENT) != 0) {
        facts->continent = more->continent;
    }
    if ((kinds & 1u << GEO_COUNTRY) != 0) {
        facts->country = more->country;
    }
    if ((kinds & 1u << GEO_SUBDIVISION) != 0) {
        memcpy(facts->subdivision, more->subdivision, sizeof facts->subdivision);
    }
    if ((kinds & 1u << GEO_CITY) != 0) {
        facts->city = more->city;
        facts->city_id = more->city_id;
    }
    if ((kinds & 1u << GEO_ASN) != 0) {
        facts->asn = more->asn;
    }
    if ((kinds & 1u << GEO_LOCATION) != 0) {
        facts->latitude = more->latitude;
        facts->longitude = more->longitude;
    }
}

void geo_facts_fill(struct geo_facts *facts, const struct geo_facts *more)
{
    unsigned missing = geo_facts_known(more) & ~geo_facts_known(facts);
    if (facts->country != 0 && more->country != 0 && facts->country != more->country) {
        missing &= 1u << GEO_ASN;
    }
    copy_if(facts, more, missing);
}

void geo_facts_reduce(struct geo_facts *facts, unsigned needs)
{
    static const struct geo_facts nothing;
    copy_if(facts, &nothing, ~needs);
}
