/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Checks that come one by one, each as topology.json has it, without a topology around them: what a vantage
 * is told. The files that they name come with them, since they are on another host; the authorities of the
 * system are those of this one. */
#pragma once

#include "base/report.h"
#include "conf/topology.h"

/* The content of a file, as a definition names it. */
struct conf_given {
    const char *path, *content;
};

/* Room for so many checks. Returns owned: conf_free_topology(). */
struct conf_topology *conf_new_checks(size_t count);
/* The next one; false: it is not the configuration of a check, and the report says why. Its place is taken
 * all the same. */
bool conf_add_check(struct conf_topology *checks, const char *definition, const struct conf_given *given,
                    size_t given_count, struct report *report);
