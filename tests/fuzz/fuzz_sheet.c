/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of files in which others write what is up and what is down: the first octet says in which format.
 * Beyond not crashing: what is taken is found again under every name that it counts, what is refused has a
 * place within the file, and both are the same the second time. */
#include "config.h"

#include "sheet/parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

static unsigned count_lines(const char *bytes, size_t len)
{
    unsigned lines = 1;
    for (size_t i = 0; i < len; i++) {
        lines += bytes[i] == '\n';
    }
    return lines;
}

/* Of a file of one name that needs no escape the name is known. */
static void look_for_first(const struct sheet_table *table, enum sheet_format format, const char *bytes,
                           size_t len)
{
    struct sheet_entry entry;
    char key[8] = "";
    if (format == SHEET_GDNSD && len > 2 && bytes[0] >= 'a' && bytes[0] <= 'z' && bytes[1] == '=') {
        key[0] = bytes[0];
        demand(sheet_table_find(table, key, &entry) && entry.line == 1 && strcmp(entry.key, key) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sheet_fault fault, again;
    if (len == 0) {
        return 0;
    }
    enum sheet_format format = bytes[0] == 0xff    ? SHEET_DOCUMENT
                               : bytes[0] % 2 == 0 ? SHEET_JSON
                                                   : SHEET_GDNSD;
    char *copy = malloc(len); /* so that a sanitizer sees its end */
    demand(copy != NULL);
    memcpy(copy, bytes + 1, len - 1);
    struct sheet_table *table = sheet_parse(format, copy, len - 1, &fault);
    struct sheet_table *second = sheet_parse(format, copy, len - 1, &again);
    demand((table == NULL) == (second == NULL) && fault.line == again.line && fault.column == again.column &&
           strcmp(fault.why, again.why) == 0);
    if (table == NULL) {
        demand(fault.line >= 1 && fault.line <= count_lines(copy, len - 1) && fault.column >= 1 &&
               fault.column <= len && fault.why[0] != '\0');
    } else {
        demand(fault.line == 0 && sheet_table_count(table) == sheet_table_count(second) &&
               sheet_table_count(table) <= (format == SHEET_DOCUMENT ? 1 : len / 4));
        look_for_first(table, format, copy, len - 1);
    }
    sheet_table_free(table);
    sheet_table_free(second);
    free(copy);
    return 0;
}
