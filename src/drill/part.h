/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An endpoint's part in an answer. Inside of src/drill. */
#pragma once

#include <stdint.h>

/* Of all records of an answer; those of an answer add up to 1. */
struct drill_part {
    uint32_t endpoint; /* of the report's */
    double share;
};
