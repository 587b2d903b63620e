/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An incident as an object of the store, "incident" / ID: {"target": "region:us-east", "failing": …, "lost":
 * …, "back": …, "overridden": true, "ttl_s": 60, "names": 12, "endpoints": 4, "unhealthy": 4, "outcome":
 * "timeout", "rto_ms": 30000, "copies": [{"to": …, "lag": 3.2, "unit": "s", "stage": "real_time", "rpo":
 * "kept"}]}; what is not there is left out. Pure. Private to src/daemon. */
#pragma once

#include "operate/incident.h"

char *incident_write_json(const struct incident *incident); /* owned (free) */
/* 0, or ERROR_SYNTAX and what is wrong with it in *why (static). */
int incident_read_json(const char *id, const char *text, struct incident *incident, const char **why);
