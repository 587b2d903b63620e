/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A configuration in a folder of its own, for tests of views: steerd.json and zones/. One at a time. */
#pragma once

#include "unit.h"

#include "view/view.h"

extern char folder[64];

/* Make it, with an empty zones/. */
void folder_open(void);
/* cmocka's tear-down: remove it with all that is in it. */
int folder_close(void **state);
void put(const char *name, const char *text);
void remove_file(const char *name); /* if it is there */
/* Compile what is there; fails unless the report says just this, a line each, without the folder. */
struct view *folder_compile(const char *expected);
