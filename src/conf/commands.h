/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a configuration runs or reads beyond DNS: exec checks and hooks run commands as the user of the
 * server, file checks read any file that it may. A change that brings one gives whoever makes it the rights
 * of the server, so it needs the highest role, whichever way it comes. Pure; called once per configuration
 * that is compiled. */
#pragma once

#include "base/report.h"
#include "conf/roles.h"
#include "conf/topology.h"

struct conf_server;

/* What a configuration consists of; each may be NULL. */
struct commands_place {
    const struct conf_topology *topology;
    const struct conf_server *server;
};

/* The role that `role` lacks to replace one configuration by another: ADMIN if `next` has an exec or file
 * check that is not in `before` just as it is written, or a hook whose command is none of a hook there; each
 * is an error in the report then. NONE: it lacks nothing, or is NONE itself: the server's own doing. */
enum role commands_find_lacking(const struct commands_place *before, const struct commands_place *next,
                                enum role role, struct report *report);
/* "commands": "never", as `who` has it: each exec check, file check and hook is an error. False: there is
 * one. */
bool commands_refuse(const struct commands_place *place, const char *who, struct report *report);
