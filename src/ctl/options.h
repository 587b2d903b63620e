/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The options of steerctl, in one table: for parsing, for help, and for errors of the API, which name fields
 * of JSON that the operator never wrote. */
#pragma once

#include "ctl/steerctl.h"

/* "steerctl: …" and where to read on, on stderr; returns STEERCTL_USAGE. */
enum steerctl_exit steerctl_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fill ctl from the command line; options may stand anywhere. Returns STEERCTL_OK or STEERCTL_USAGE, and has
 * said why. */
enum steerctl_exit options_parse(struct steerctl *ctl, int argc, char **argv);
/* The first option that was given and is not allowed; NULL: there is none. */
const char *options_find_odd(const struct steerctl *ctl, option_set allowed);
struct options_item {
    const char *name, *value, *help; /* value NULL: it takes none */
};
#define OPTIONS_COMMON ((option_set)1 << 127) /* those of every verb */
#define OPTIONS_ALL    (~(option_set)0)
/* The next of these options from *at (0 at first) on, each once, with what it means to the verb (NULL: to
 * most); false at the end. */
bool options_next(size_t *at, const char *verb, option_set options, struct options_item *item);
/* "--until" for "expires": which of these options a field of the API comes from, first among those that were
 * given. NULL: none. */
const char *options_of_field(const struct steerctl *ctl, option_set options, const char *field);
/* Is the word among those, which are separated by spaces? *after: what stands behind it. */
bool options_has_word(const char *words, const char *word, const char **after);
