/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the programs say with their exit codes: one table for steerd and steerctl, as in steerd(8) and
 * steerctl(1). */
#pragma once

enum exits {
    EXITS_OK = 0,
    EXITS_REFUSED = 1,     /* errors in the configuration; the server said no, or did only a part */
    EXITS_USAGE = 2,       /* the command line is not understood */
    EXITS_UNREACHABLE = 3, /* no server, or not one that speaks the API */
    EXITS_NOT_FOUND = 4,   /* no such region, az, endpoint, zone */
    /* 5 was a drill that failed */
    EXITS_BROKEN = 6,       /* the journal, or a backup, is not what it was */
    EXITS_CHECK_FAILED = 7, /* a check that was asked for has failed */
};

/* Of drills, for pipelines. */
enum exits_drill {
    EXITS_DRILL_MET = 0,    /* all objectives */
    EXITS_DRILL_MISSED = 1, /* names were unserved, led to what is lost, or an objective was missed */
    EXITS_DRILL_NOT_RUN = 2,
};
