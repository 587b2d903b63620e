/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The time in which an override takes something away, cut where overrides start or end: in each span other
 * ones hold together. Pure. */
#pragma once

#include "health/health.h"

/* With more spans than these, neighbours are taken together. */
enum { MOMENTS_MAX = 16 };

struct moments_span {
    int64_t from_ms, until_ms; /* wall */
};

struct moments {
    struct moments_span spans[MOMENTS_MAX];
    size_t count;
};

/* Of putting `wish` (AUTO: of removing) where `old` is now (AUTO: nothing), beside `others`, which are of
 * other targets. From now on, and only while less is wished than there is: an end of a drain, or what is up,
 * is what somebody wants back. */
void moments_find(struct moments *moments, const struct health_spell *wish, const struct health_spell *old,
                  const struct health_spell *others, size_t count, int64_t now_ms);
/* All of the future, cut where any of these starts or ends. */
void moments_find_all(struct moments *moments, const struct health_spell *before, size_t before_count,
                      const struct health_spell *after, size_t after_count, int64_t now_ms);
/* What of it is in force in a span: all, or nothing is desired. Of neighbours that were taken together: at
 * its best, or its worst. */
struct health_spell moments_get(const struct health_spell *spell, struct moments_span span, bool at_best);
