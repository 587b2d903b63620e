/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The file of daemon/last.h, and segments (segments.h) likewise: HEAD, the records of a machine, HOST of all
 * hosts, MOMENT, WHOLE; then for as long as the process lives what changes, and MOMENT. */
#pragma once

#include "health/record.h"

#define LAST_FILE  "last-health"
#define LAST_TITLE "steerd last health 1\n"

enum last_kind {
    LAST_HEAD = HEALTH_RECORD_KINDS, /* the boot, as the kernel calls it */
    LAST_MOMENT,                     /* i64 wall, monotonic, boot time: all before is from until then */
    /* u32 number, u8 length, name; per family: u8 state, i64 answered, u32 until, u8 count, addresses of 4 or
     * 16 octets */
    LAST_HOST,
    LAST_WHOLE, /* all that there was when the file was begun is there */
};
