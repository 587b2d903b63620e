/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests that change what all nodes of a cluster share (doc/cluster.md): each is handled when it has the
 * turn, and answered when enough nodes have it in force. Internal to the folder. */
#pragma once

#include <stdbool.h>

struct call;
struct call_answer;

/* Has the call to wait for its turn? Then what it holds is taken, and it is handled, or refused, later. */
bool turns_begin(struct call *call, void (*handle)(struct call *call));
/* It is being answered, and gives back its turn. Has the answer to wait for other nodes? Then its body is
 * taken, and it is sent later. */
bool turns_hold(struct call *call, const struct call_answer *answer);
