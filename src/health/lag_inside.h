/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is known of copies, for the files of src/health only. */
#pragma once

#include "health/lag.h"
#include "health/machine.h"

/* What was said of one pair, and what is made of it. Times but reported, since and asked are monotonic. */
struct health_lag {
    double value;
    int64_t reported_ms, begun_ms; /* wall, and when it began to count */
    int64_t ttl_ms;                /* 0: as the plan says */
    int64_t time_ms;
    uint64_t seq;
    int64_t rpo_better_ms, stage_better_ms; /* since when; 0: it is not better than it is judged */
    int64_t since_ms, asked_ms;
    int64_t noted_ms;
    uint8_t unit, said, source; /* said: the stage */
    uint8_t rpo, stage;         /* as judged, and told */
    uint8_t outcome;
    bool had_value;
    bool is_news; /* not written yet */
    char actor[HEALTH_LAG_NAME_SIZE], peer[HEALTH_LAG_NAME_SIZE];
};

struct health_lags {
    const struct health_lag_plan *plans; /* of the frame */
    struct health_lag *items;
    uint32_t count;
    int64_t next_ms;  /* nothing happens before; 0: nothing ever */
    uint64_t changes; /* so far */
    uint64_t seen;    /* of the machine that these were taken over from */
};

void health_lags_add(struct health *health, const struct health_lags_plan *plan);
void health_lags_add_like(struct health *health, const struct health *from);

/* What `from` knows of the same pairs, which are known by name; unless `all`, only if something has changed
 * there since the last time. */
void health_lags_carry(struct health *to, const struct health *from, bool all);
/* Likewise, what it has heard later. */
void health_lags_adopt(struct health *to, const struct health *from);

static inline bool health_lag_is_said(const struct health_lag *lag)
{
    return lag->source != HEALTH_LAG_NONE;
}
