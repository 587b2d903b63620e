/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last results of every monitor, of our own checks all, of other vantages those with which their opinion
 * or its reason turned; in memory that was sized beforehand: HEALTH_RESULTS_SIZE octets each. One writer at a
 * time, which waits for nobody; readers on any thread, without its lock, see each result whole or not at all.
 * Copies of a machine share what the live one writes. */
#pragma once

#include "health/outcome.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HEALTH_RESULTS_KEPT = 8,                             /* of each monitor */
    HEALTH_RESULTS_SIZE = 16 + 14 * HEALTH_RESULTS_KEPT, /* octets of each monitor */
};

enum health_vantage { HEALTH_VANTAGE_LOCAL = 0 }; /* ourselves; others have the numbers of opinion.h */
enum { HEALTH_RESULTS_SAME_NEXT = -1 };

struct health_result {
    int64_t ended_ms; /* wall */
    uint32_t duration_us;
    uint16_t detail; /* as the outcome has it: HTTP status … */
    uint8_t outcome; /* enum health_outcome */
    uint8_t vantage; /* enum health_vantage */
};

enum { HEALTH_TEXT_SIZE = 128 }; /* of what a check says for people, with its end */

struct health;

/* Room for the results of all monitors, of those who look at this machine later. Before it is used. */
void health_keep_results(struct health *health);
/* A copy of a machine shares the room with it. One that results are made for of its own has none of it. */
void health_drop_results(struct health *health);
/* Nothing, if no room was made. next_ms: wall time of the next check, as planned now; of ourselves, so
 * HEALTH_RESULTS_SAME_NEXT for what others have found. */
void health_note_result(struct health *health, uint32_t monitor, const struct health_result *result,
                        int64_t next_ms);
/* Up to `max` of them, the latest first. Returns how many. *next_ms: as noted last; 0: never. On any thread;
 * the machine has to stay. */
size_t health_read_results(const struct health *health, uint32_t monitor, struct health_result *results,
                           size_t max, int64_t *next_ms);
/* The latest word of a check, for people; what is too long is cut. NULL: it says nothing. By the writer. */
void health_note_text(struct health *health, uint32_t monitor, const char *text);
/* Likewise on any thread; "": nothing was said. */
const char *health_read_text(const struct health *health, uint32_t monitor, char text[HEALTH_TEXT_SIZE]);
