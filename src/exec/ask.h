/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type exec runs, and what stands for what in its arguments. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum {
    EXEC_WORDS_MAX = 64,     /* the program and its arguments; and likewise variables */
    EXEC_TEXT_MAX = 16384,   /* octets of all of them together, with their ends */
    EXEC_OUTPUT_LEAST = 256, /* that may be asked for */
    EXEC_OUTPUT_MOST = 65536,
};
#define EXEC_KEEPS_END 0x80000000u /* with that: the last octets, not the first */

struct exec_ask {
    const char *const *words; /* the program by its absolute path, and its arguments */
    size_t word_count;
    const char *const *variables; /* "NAME=value": all of its environment */
    size_t variable_count;
    uint32_t output_max; /* octets of what it says that are kept */
    bool warning_fails;  /* exit code 1 */
    bool unknown_fails;  /* exit code 3 */
};

/* What %ADDRESS% and so on stand for in arguments; the text stays one argument whatever it holds. NULL: it
 * stays as it is. */
struct exec_names {
    const char *address, *family, *port, *endpoint, *host, *timeout;
};

void exec_fill(const char *word, const struct exec_names *names, struct buffer *out);
/* Does it stand in this argument? */
bool exec_has_name(const char *word, const char *name);
/* What looks like one of them (two capitals or more between percent signs) and is none: its beginning, and
 * its length with both signs; NULL: there is none. */
const char *exec_find_strange(const char *word, size_t *len);
