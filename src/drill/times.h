/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How times are spread over users and over the moment of a loss. A time of an answer is the worst case; the
 * loss comes at any moment of the interval of the check that decides, all alike, so that it is that or up to
 * the interval less. Answers count as their users do. Inside of src/drill. */
#pragma once

#include "drill/document.h"
#include "drill/drill.h"

struct times_part {
    double weight;
    int64_t worst_ms, phase_ms; /* all alike from worst_ms - phase_ms to worst_ms */
};

/* The least times until which 50, 90, 99 and 100 % are through. The parts are sorted. */
struct drill_times drill_find_times(struct times_part *parts, size_t count);
/* Fill the report's detections and decisions. clients: who asks for what; NULL: all for all. */
void drill_spread_times(const struct drill_clients *clients, struct drill_report *report);
