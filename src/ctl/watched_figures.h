/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `steerctl check` watches: figures, each read out of an answer of the API or of the metrics, with the
 * ranges that it has by default. Pure: whoever calls has asked, and says what time it is. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum watched_source {
    WATCHED_STATUS,
    WATCHED_METRICS,
    WATCHED_OVERRIDES,
    WATCHED_SWITCHOVERS,
    WATCHED_DRILLS,
    WATCHED_WEBHOOKS,
    WATCHED_CLUSTER,
    WATCHED_NODES,
    WATCHED_LATER, /* the metrics once more, a while later */
    WATCHED_SOURCES
};

struct watched_input {
    const json_t *documents[WATCHED_SOURCES]; /* NULL: there is none, or it is text */
    const char *metrics, *later;              /* NULL: they were not asked for */
    double between_s;                         /* from the one to the other */
    int64_t now_ms;                           /* wall time */
};

struct figure {
    const char *name, *what;        /* what: the group that it belongs to */
    const char *unit;               /* of the guidelines: "s", "%", "c" (counts up) or "" */
    const char *warning, *critical; /* ranges; NULL: none by default */
    const char *help;
    enum watched_source source;
    bool (*get)(const struct watched_input *in, const struct figure *figure, double *value);
    const char *path; /* where, for get */
};

size_t watched_figures_count(void);
const struct figure *watched_figures_get(size_t index);
/* Where its document is, "/v1/status"; NULL: it is no JSON. */
const char *watched_figures_path(enum watched_source source);
/* Is it a list, which comes in pages? */
bool watched_figures_is_list(enum watched_source source);
/* False: there is nothing of which this could be said. */
bool watched_figures_read(const struct watched_input *in, const struct figure *figure, double *value);
/* The sum of the samples of a metric that have this label ("" : of all), as `state="stale"`; false: there is
 * none. */
bool watched_figures_sum(const char *metrics, const char *name, const char *label, double *sum);
