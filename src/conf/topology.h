/* SPDX-License-Identifier: BSD-3-Clause
 *
 * topology.json as checked structs: regions, azs, endpoints, checks. Everything refers to everything by
 * index. Objects are in the order of the document. Plain data in one arena; immutable after loading. */
#pragma once

#include "base/addr.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_check_type { CONF_CHECK_HTTP, CONF_CHECK_TCP };

struct keytable;

struct conf_check {
    const char *name;
    enum conf_check_type type;
    uint16_t port;
    uint32_t interval_ms; /* 50 ms .. 1 h; default 2 s */
    uint32_t timeout_ms;  /* 50 ms .. interval; default 1 s or the interval if that is shorter */
    uint16_t fall, rise;  /* consecutive results that change the verdict, 1..100; default 3 and 2 */
    const char *host;     /* http: Host header; NULL: the endpoint's address */
    const char *path;     /* http: request target, begins with "/"; default "/" */
    uint16_t status_low, status_high; /* http: accepted; default 200..299 ("status": 200 or [200, 399]) */
    const uint8_t *send, *expect;     /* tcp: octets to say, and that have to come then; NULL: none */
    uint32_t send_len, expect_len;
    const char *load; /* http: JSON pointer (RFC 6901) to a number in the body: the load; NULL: none */
};

/* When an endpoint sheds weight: from `low` on, all of it from `high` on. */
struct conf_load {
    bool is_given;
    double low, high;    /* 0 <= low < high */
    uint32_t max_age_ms; /* of a report that counts; default 1 min, also where none is given */
};

/* Degrees. No padding that bytes could differ in: locations are compared as bytes. */
struct conf_location {
    double latitude, longitude;
    uint64_t is_known;
};

struct conf_region {
    const char *name;
    double lost_at; /* share of lost azs from which the region is lost, 0 < x <= 1; default 1 */
    struct conf_location location;
};

struct conf_az {
    const char *name;
    uint32_t region;
    struct conf_location location; /* if it is not the region's */
    double lost_at;                /* share of unhealthy endpoints from which the az is lost; default 1 */
};

/* A host name whose addresses are looked up. Endpoints may share it. */
struct conf_host {
    const char *name;    /* presentation form without the final dot, lower case */
    const uint8_t *wire; /* the same */
    size_t wire_len;
    uint32_t index; /* in hosts */
};

struct conf_endpoint {
    const char *name;
    uint32_t az, region;
    struct addr v4,
        v6; /* family ADDR_NONE where there is none; at least one is there, unless there is a host */
    const struct conf_host *host; /* NULL: none */
    uint32_t weight;              /* 0..65535; default 1. 0 is never picked while others are available */
    uint32_t capacity;            /* requests per second, informational; 0 = not given */
    uint32_t *checks;             /* indices; empty: nothing is known about this endpoint, it is served */
    size_t check_count;
    struct conf_location location; /* if it is not the az's */
    struct conf_load load;
    bool together; /* "families": one that fails takes the other one along */
};

/* Endpoints that policies name together. */
struct conf_group {
    const char *name;
    uint32_t *endpoints; /* ascending, each once; at least 1 */
    size_t endpoint_count;
};

/* What is asked to learn whether steerd itself sees anything. */
struct conf_control {
    struct addr addr;
    uint32_t check;
};

/* When steerd distrusts its own sight: health/brake.h. */
struct conf_brake {
    bool is_on;
    double share;     /* default 1 */
    uint32_t targets; /* default 3 */
    uint32_t hold_ms; /* 1 s .. 1 h; default 1 min */
    struct conf_control *controls;
    size_t control_count;
};

struct conf_topology {
    const char *path;
    struct conf_region *regions;
    size_t region_count;
    struct conf_az *azs;
    size_t az_count;
    struct conf_endpoint *endpoints;
    size_t endpoint_count;
    const struct conf_host **hosts; /* each once */
    size_t host_count;
    struct conf_group *groups;
    size_t group_count;
    struct conf_check *checks;
    size_t check_count;
    bool together; /* "families" of endpoints that do not say */
    struct conf_brake brake;
    uint32_t rto_ms, rpo_ms; /* "objectives": {"rto": "30s", "rpo": "5s"}; 0 = not given */
    struct arena *arena;
    struct keytable *geo;         /* shared geo rules: name -> struct conf_geo (georule.h) */
    struct keytable *places;      /* private: name -> struct conf_place */
    struct keytable *check_names; /* private: name -> struct conf_check */
    struct keytable *host_names;  /* private: wire name -> struct conf_host */
};

/* Regions, azs, endpoints and groups share one name space, so that a bare name says which it is. */
enum conf_kind { CONF_REGION, CONF_AZ, CONF_ENDPOINT, CONF_GROUP };

struct conf_place {
    enum conf_kind kind;
    uint32_t index;
};

/* Load and check (topology_read.c); all errors go to the report. Returns owned, or NULL if there was any
 * error. */
struct conf_topology *conf_load_topology(const char *path, struct report *report);
/* The same from bytes (tests, fuzzers); path is for messages only. */
struct conf_topology *conf_parse_topology(const char *path, const char *text, size_t len,
                                          struct report *report);
void conf_free_topology(struct conf_topology *topology);

/* Index of an object by name, or -1. */
ptrdiff_t conf_find_region(const struct conf_topology *topology, const char *name);
ptrdiff_t conf_find_az(const struct conf_topology *topology, const char *name);
ptrdiff_t conf_find_endpoint(const struct conf_topology *topology, const char *name);
ptrdiff_t conf_find_check(const struct conf_topology *topology, const char *name);
/* What a name of any kind stands for: borrowed from the topology, or NULL. */
const struct conf_place *conf_find_place(const struct conf_topology *topology, const char *name);
const char *conf_kind_text(enum conf_kind kind); /* "a region" "an az" "an endpoint" "a group" */
