/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a configuration could do better for its clients, though nothing is wrong with it. For `steerd
 * --check`. */
#pragma once

#include "view/view.h"

#include <stddef.h>

struct operate_advice {
    /* Names that give a client one address although their first tier has several endpoints: who does not ask
     * again loses requests until a loss is seen and caches have forgotten it. */
    size_t lone;
    const char *first_lone; /* of the view; NULL: there is none */
};

void operate_advise(const struct view *view, struct operate_advice *advice);
