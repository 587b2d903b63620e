/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See said.h. */
#include "config.h"

#include "exec/said.h"

#include "base/memory.h"

char *exec_find_first_line(const char *said, size_t len, size_t max)
{
    while (len != 0 && (*said == '\n' || *said == '\r' || *said == ' ')) {
        said++;
        len--;
    }
    size_t line = 0;
    while (line < len && line < max && said[line] != '\n' && said[line] != '\r' && said[line] != '\0') {
        line++;
    }
    char *text = memory_print("%.*s", (int)line, said);
    for (char *at = text; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || (unsigned char)*at >= 127 ? '?' : *at;
    }
    return text;
}
