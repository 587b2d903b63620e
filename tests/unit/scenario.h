/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A scenario: a topology, what checks and vantages find out at which times, and what has to follow, as the
 * files in tests/data/scenarios have it (README.md there says how they are written). It is run in virtual
 * time by the code that serves: documents are read by conf, compiled by view, judged by health, and checks
 * come when probe/schedule.h says. Nothing here knows a rule. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SCENARIO_WORDS = 16, SCENARIO_WHY_SIZE = 400 };

struct scenario_step {
    int64_t at_ms;
    unsigned line;
    const char *words[SCENARIO_WORDS + 1]; /* NULL ends them */
    struct json_t *topology; /* of a reload: how it is from now on; NULL: nothing is said of it */
};

struct scenario {
    const char *name;                      /* borrowed */
    char *text;                            /* that words are in */
    const char *shows[SCENARIO_WORDS + 1]; /* without any of these it fails */
    struct json_t *topology, *server;      /* server: NULL: none */
    struct scenario_step *steps;
    size_t step_count, step_capacity;
};

/* NULL: it is not written as it should be, and `why` says where. Returns owned. */
struct scenario *scenario_read(const char *name, const char *text, char why[SCENARIO_WHY_SIZE]);
void scenario_free(struct scenario *scenario);
/* "250ms", "1.5s", "2m", "1h"; false: it is none. */
int scenario_read_time(const char *word, int64_t *ms);

enum scenario_end {
    SCENARIO_HOLDS,
    SCENARIO_FAILS,  /* something expected did not come about */
    SCENARIO_BROKEN, /* it makes no sense: an unknown word, name, or document */
};

/* without: a key of the documents, or a word, that is left out; NULL: nothing is. */
enum scenario_end scenario_run(const struct scenario *scenario, const char *without, uint64_t seed,
                               char why[SCENARIO_WHY_SIZE]);
