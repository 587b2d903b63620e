/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a finding is about: the names, endpoints or places, and how much. Somebody who accepts a finding
 * accepts that and no more, so it is kept as text beside the name of the finding, and what is found later is
 * held to it. Up to SUBJECT_PARTS_MAX parts are told apart, so that fewer of them are no news; of more than
 * that any other set is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUBJECT_PARTS_MAX = 32, SUBJECT_TEXT_SIZE = SUBJECT_PARTS_MAX * 9 + 32 };

struct subject {
    uint32_t parts[SUBJECT_PARTS_MAX]; /* hashes; the first ones */
    size_t count;                      /* of all, each as often as it was added beyond the first ones */
    uint32_t whole;                    /* of all of them, in any order */
    double amount;                     /* how bad it is: of shares, places, capacity … */
};

/* A part by up to three words; NULL: that is none. */
void subject_add(struct subject *subject, const char *first, const char *second, const char *third);
/* "1f0c…+9ab2…@2.5" */
void subject_write(const struct subject *subject, char text[SUBJECT_TEXT_SIZE]);
/* Is it no more than what was written: no other part, and hardly more of it (by a quarter at most)? */
bool subject_is_within(const struct subject *subject, const char *text);
