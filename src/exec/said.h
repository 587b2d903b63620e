/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a command says, for people. Pure; it may be anything. */
#pragma once

#include <stddef.h>

/* The first line that is not empty, without what ends Nagios' text, `max` octets of it at most; what is not
 * printable ASCII is '?'. Returns owned. */
char *exec_find_first_line(const char *said, size_t len, size_t max);
