/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A writer of MaxMind databases for tests: any networks, either layout, all record sizes, with or without the
 * aliases of the IPv4 part; and, on purpose, broken ones. contrib/mkgeo writes databases through MaxMind's
 * own writer, so that this one is not the only witness. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mmdb_network {
    struct addr_prefix prefix; /* IPv4 prefixes go to ::/96 of an IPv6 tree */
    char country[3];           /* "" leaves it out, as NULL and 0 do below */
    char continent[3];
    const char *subdivision_codes[2]; /* not in the flat layout */
    const char *subdivision_names[2];
    const char *city;
    uint32_t city_id; /* not in the flat layout */
    uint32_t asn;
    bool has_location;
    double latitude, longitude; /* floats in the flat layout */
};

struct mmdb_plan {
    unsigned ip_version, record_size;    /* 4 or 6; 24, 28 or 32 */
    bool flat;                           /* country_code instead of country.iso_code …; no continents */
    bool aliases;                        /* 2002::/16 and ::ffff:0:0/96 lead to the IPv4 part */
    const struct mmdb_network *networks; /* a later one replaces what it overlaps */
    size_t network_count;
    const uint8_t *data; /* if set: the data section, and every network points to its beginning */
    size_t data_len;
};

struct mmdb_file {
    uint8_t *bytes; /* owned */
    size_t len;
    size_t node_count, data_at; /* where the data section begins */
};

struct mmdb_file mmdb_make(const struct mmdb_plan *plan);

/* A path under which the bytes can be opened, valid as long as *fd stays open. */
enum { MMDB_PATH_SIZE = 32 };
const char *mmdb_path(const uint8_t *bytes, size_t len, int *fd, char path[MMDB_PATH_SIZE]);
