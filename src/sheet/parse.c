/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See parse.h. Which format it is. */
#include "config.h"

#include "sheet/parse.h"

#include "sheet/text.h"

struct sheet_table *sheet_parse(enum sheet_format format, const char *bytes, size_t len,
                                struct sheet_fault *fault)
{
    struct text text = {
        .begin = bytes, .at = bytes, .end = bytes + len, .line_begin = bytes, .line = 1, .fault = fault};
    struct sheet_table *table = sheet_table_new();
    *fault = (struct sheet_fault){.line = 0};
    if (format == SHEET_GDNSD ? sheet_parse_gdnsd(&text, table) : sheet_parse_json(&text, table)) {
        return table;
    }
    sheet_table_free(table);
    return NULL;
}
