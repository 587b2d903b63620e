/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a database says of a network, packed so that equal knowledge is equal bytes: databases, the union of
 * several and rules all compare these. Numbers only; texts are numbers of a pool that whoever holds the facts
 * names. 0 always means "not known". */
#pragma once

#include "geo/geo.h"
#include "geo/pool.h"

enum { GEO_CODES = 26 * 26 + 1, GEO_SUBDIVISIONS = 4, GEO_TEXT_MAX = 255 };

/* Besides enum geo_kind, a bit of GEO_NEEDS. */
enum { GEO_LOCATION = GEO_KINDS };

struct geo_facts {
    uint32_t continent, country; /* two letters as 1..GEO_CODES - 1 */
    /* Texts "US-CA", "US-California": codes of two levels, then names of two levels. */
    uint32_t subdivision[GEO_SUBDIVISIONS];
    uint32_t city;    /* text */
    uint32_t city_id; /* of GeoNames */
    uint32_t asn;
    uint32_t latitude,
        longitude; /* ten-thousandths of a degree north of the south pole, east of 180 W, + 1 */
};

/* ---- codes and coordinates ---- */

/* Two letters as 1..GEO_CODES - 1, any case; 0 for anything else. */
uint32_t geo_code_read(const char *text, size_t len);
void geo_code_write(uint32_t code, char text[3]);

bool geo_is_location(double latitude, double longitude);
uint32_t geo_degrees_pack(double degrees, double lowest);
double geo_degrees_unpack(uint32_t packed, double lowest);

/* A point for a country that stands for its people: false if the code is none. */
bool geo_get_centroid(uint32_t country, double *latitude, double *longitude);

/* Lower case in ASCII, so that texts of databases and rules meet. Returns the length. */
size_t geo_fold(const char *text, char folded[GEO_TEXT_MAX + 1]);

/* ---- facts ---- */

/* Bits 1 << enum geo_kind and 1 << GEO_LOCATION of what is known. */
unsigned geo_facts_known(const struct geo_facts *facts);

/* Let `more` fill what `facts` does not know. What is finer than a country is taken only where both mean the
 * same country, or one does not say: a place never mixes two of them. */
void geo_facts_fill(struct geo_facts *facts, const struct geo_facts *more);

/* Forget what is not among `needs`. */
void geo_facts_reduce(struct geo_facts *facts, unsigned needs);
