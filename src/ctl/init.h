/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `steerctl init` was told: the five answers from which a first configuration is made. */
#pragma once

#include "base/addr.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { INIT_LISTEN_MAX = 16, INIT_REGIONS_MAX = 32, INIT_ENDPOINTS_MAX = 1024, INIT_NAME_SIZE = 64 };

struct init_endpoint {
    struct addr addresses[2]; /* IPv4 and IPv6; family ADDR_NONE: it has none */
    unsigned region;
};

struct init_answers {
    struct addr_port listen[INIT_LISTEN_MAX];
    unsigned listen_count;
    char zone[1024]; /* absolute, in lower case */
    const char *name;
    char label[INIT_NAME_SIZE]; /* of it: what endpoints are called by */
    char regions[INIT_REGIONS_MAX][INIT_NAME_SIZE];
    unsigned region_count;
    struct init_endpoint endpoints[INIT_ENDPOINTS_MAX];
    unsigned endpoint_count;
    const char *check_type; /* NULL: they are not checked */
    uint16_t check_port;    /* 0: it has none */
    const char *check_path; /* NULL: it has none */
};

/* From what was typed; false, and why is on stderr. Texts are borrowed. */
bool init_parse_listen(struct init_answers *answers, const char *text);
bool init_parse_zone(struct init_answers *answers, const char *text);
bool init_parse_name(struct init_answers *answers, const char *text);
bool init_parse_endpoints(struct init_answers *answers, const char *text);
bool init_parse_check(struct init_answers *answers, const char *text);

/* Write the documents to the folder, which is made if it is not there; the configuration that is there is
 * replaced only if that is said, and its files are renamed then. Appends the paths of what was written to
 * `files`. False, and why is on stderr; what was written by then stays. */
bool init_write(const struct init_answers *answers, const char *folder, bool replaces, json_t *files);
