/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the depot share. Inside this folder only. */
#pragma once

#include "past/depot.h"

#define DEPOT_NEW ".new"

/* Where the content of this name is: returns owned. */
char *depot_path(const struct depot *depot, const char *name, const char *suffix);
/* Says why and returns the error. */
int depot_fail(struct depot *depot, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
int depot_fail_errno(struct depot *depot, const char *path, int number);
