/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the programs beside the server have in common, that it starts to do things for it: one channel to it,
 * and no use for anybody else. */
#pragma once

#include <stdbool.h>

/* Whether it is steerd that has started it: else what it is for was said on stderr. Nobody inherits the
 * channel from here on. */
bool part_begin(int argc, int channel, const char *usage);

/* What is meant for the server's group, or for who sits at its terminal, does not end it: the end of the
 * channel does. It gains no rights by what it may run. */
void part_ignore_signals(void);
