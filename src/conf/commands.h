/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a configuration runs or reads beyond DNS: exec checks run commands as the user of the server, file
 * checks read any file that it may. A change that brings one gives whoever makes it the rights of the server,
 * so it needs the highest role, whichever way it comes. Commands of hooks stand in steerd.json, which no
 * change can bring. Pure; called once per configuration that is compiled. */
#pragma once

#include "base/report.h"
#include "conf/roles.h"
#include "conf/topology.h"

/* The role that is needed to replace one topology by another: ADMIN if `next` has an exec or file check that
 * is not in `before` just as it is written, else EDITOR. Both may be NULL. */
enum role commands_find_role(const struct conf_topology *before, const struct conf_topology *next);
/* "commands": "never": each exec and file check is an error. False: there is one. */
bool commands_refuse(const struct conf_topology *topology, struct report *report);
