/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a live drill sees of failed requests, as others report them (daemon/errors.h). On the control thread.
 * Private to src/daemon. */
#pragma once

#include "drill/abort.h"
#include "operate/errors.h"

struct server;
struct shadow;

/* Who reports when it begins: those are missed when they are silent. The items are owned. */
struct errors_list live_list_reporters(const struct server *server);
/* Of what is not lost: whoever is silent of those, or else where the largest share fails. Names of the places
 * that are seen are in `seen`. */
void live_see_errors(const struct shadow *shadow, const struct errors_list *reporters,
                     struct errors_status *seen, struct drill_sight *sight);
