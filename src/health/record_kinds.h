/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The records of a machine, for record_write.c and record_read.c. All numbers are in network byte order;
 * times are 64-bit milliseconds. */
#pragma once

#include "health/record.h"

enum { HEALTH_RECORD_VERSION = 1 };

enum health_record_kind {
    /* u8 version, u32 regions, azs, endpoints, monitors, u8 is there a brake, u32 control targets: first */
    HEALTH_RECORD_MACHINE = 1,
    HEALTH_RECORD_REGION,   /* f64 lost_at, name: these follow by number */
    HEALTH_RECORD_AZ,       /* u32 region, f64 lost_at, name */
    HEALTH_RECORD_ENDPOINT, /* u32 az, u64 addressed, name */
    HEALTH_RECORD_MONITOR,  /* u32 endpoint, u64 identity, subject, check, u16 rise, fall, u8 families | role
                               << 2,  family of the brake */
    HEALTH_RECORD_CONTROL,  /* u64 identity, u8 family */
    /* u8 kind, u32 index, i64 since, u8 state, u8 resolved families or was it lost, u8 which outages follow
     * (1 << family), each 4 x u64, and of an az or region that stays down how */
    HEALTH_RECORD_NODE,
    /* u32 index, i64 checked, judged, suspected, answered, u32 duration, u16 detail, streak, u8 flags,
     * verdict, outcome, says; and where there is more: u64 the latest results, how it stays down */
    HEALTH_RECORD_RESULT,
    /* u32 endpoint, u8 source, f64 value, i64 reported, begun, ttl, until when, u8 level, told, u8 length of
     * the actor, actor, peer */
    HEALTH_RECORD_LOAD,
    /* i64 now, per side: u8 flags, i64 engaged, until, freed, window, u64 engagements; per control: u8
     * answers, i64 at */
    HEALTH_RECORD_BRAKE,
    HEALTH_RECORD_AGES, /* u32 first, i64 wall, i64 now, u16 seconds for each */
    HEALTH_RECORD_NEED, /* u32 endpoint, u16 at least, u8 together: after its plan, if it is not {0} */
    /* u8 kind, u32 from, to, u8 source, unit, stage that was said, RPO and stage as judged, f64 value, i64
     * reported, begun, ttl, time, u64 seq, i64 since; u8 length of the actor, actor, likewise peer */
    HEALTH_RECORD_LAG,
    /* u8 kind, u32 index, i64 begun, u8 families that ramp, that are out, u8 percent of weight that is
     * withheld: how the weight of what came back returns */
    HEALTH_RECORD_RAMP,
    /* u32 monitor, i64 until when its latest report counts, i64 its time (wall), u64 its seq */
    HEALTH_RECORD_PUSH,
    /* u8 kind, u32 index, u64 when an order came or went, 3 x u64 when it fell (guard.h): numbers */
    HEALTH_RECORD_FALL,
    HEALTH_RECORD_RULE, /* u8 rule, its name: one that may forbid, by number */
    /* u32 region, u32 the region where that leads or UINT32_MAX, u64 the latest number, u64 since when it is
     * forbidden, since when and until when it was, u64 rules that say so, and of a region: u64 rules that are
     * released, u64 since when falls are counted, i64 since when it is held; and since when and until when it
     * was before that, as often as is known */
    HEALTH_RECORD_BAN,
    HEALTH_RECORD_MOVE, /* i64 when a region moved last */
};

enum health_record_flag {
    HEALTH_FLAG_FAILING = 1,
    HEALTH_FLAG_IDLE = 2,
    HEALTH_FLAG_INHERITED = 4,
    HEALTH_FLAG_UNTRIED = 8,
    HEALTH_FLAG_RESTORED = 16,
    HEALTH_FLAG_LEFT_UNHEALTHY = 32,
    HEALTH_FLAGS_RESULT = 63,
    HEALTH_FLAG_OWN_SHIFT = 6, /* two bits: what its own results say, if a quorum judges */
};

/* How something stays down: u8 flags, i64 down, i64 ready, i64 penalised, f64 penalty. */
enum health_record_stay_flag {
    HEALTH_FLAG_DOWN = 1,
    HEALTH_FLAG_READY = 2,
    HEALTH_FLAG_SUPPRESSED = 4,
    HEALTH_FLAG_RELEASED = 8,
    HEALTH_FLAGS_STAY = 15,
};

enum { HEALTH_RECORD_STAY = 33, HEALTH_RECORD_ROLE_SHIFT = 2 };

enum health_record_brake_flag {
    HEALTH_FLAG_ENGAGED = 1,
    HEALTH_FLAG_WALKS = 2,
};

enum { HEALTH_AGE_UNKNOWN = UINT16_MAX };
