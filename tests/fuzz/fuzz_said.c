/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what commands of checks say. What is shown of it is short, printable, from where it first says
 * anything, and the same if it is all that was said. */
#include "config.h"

#include "exec/said.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 120 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Where it begins: behind empty lines and spaces. */
static size_t find_begin(const char *said, size_t len)
{
    size_t at = 0;
    while (at < len && strchr("\n\r ", said[at]) != NULL && said[at] != '\0') {
        at++;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *said = malloc(len + (len == 0)); /* so that a sanitizer sees its end */
    demand(said != NULL);
    memcpy(said, bytes, len);
    char *text = exec_find_first_line(said, len, MAX);
    size_t begin = find_begin(said, len), size = strlen(text);
    demand(size <= MAX && size <= len - begin);
    for (size_t i = 0; i < size; i++) {
        unsigned char is = (unsigned char)text[i], was = (unsigned char)said[begin + i];
        demand(was >= ' ' && was < 127 ? is == was : is == '?' && was != '\n' && was != '\r' && was != '\0');
    }
    bool is_cut = size == MAX || begin + size == len;
    demand(is_cut || memchr("\n\r", said[begin + size], 3) != NULL); /* with the end of the text */
    char *again = exec_find_first_line(text, size, MAX);
    demand(strcmp(text, again) == 0);
    free(again);
    free(text);
    free(said);
    return 0;
}
