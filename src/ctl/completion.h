/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Completion of the command line for shells. */
#pragma once

#include "ctl/verbs.h"

/* A script for bash, zsh or fish on stdout; another shell is a usage error, which was said. */
enum steerctl_exit completion_print(const char *shell, const struct verb *verbs, size_t count);
