/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ldns writes the rdata. Not everything that it writes means what was there (it loses fractions of metres of
 * LOC, for one), so each line is read again before it is believed. */
#include "config.h"

#include "zone/writer.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

enum { SAME = 1 };

/* Of the record with the root as owner. Returns owned (by ldns' allocator, which is malloc), or NULL. */
static char *write_by_ldns(const struct zone_record *record)
{
    enum { HEAD = 11 };
    size_t len = HEAD + (size_t)record->rdata_len, at = 0;
    uint8_t *wire = memory_alloc(len);
    struct cursor out = cursor_init(wire, len);
    cursor_write_u8(&out, 0);
    cursor_write_u16(&out, record->type);
    cursor_write_u16(&out, DNS_CLASS_IN);
    cursor_write_u32(&out, record->ttl);
    cursor_write_u16(&out, record->rdata_len);
    cursor_write(&out, record->rdata, record->rdata_len);
    ldns_rr *rr = NULL;
    char *text = NULL;
    if (ldns_wire2rr(&rr, wire, len, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK && at == len) {
        text = ldns_rr2str(rr);
    }
    ldns_rr_free(rr);
    free(wire);
    return text;
}

static int compare(void *context, const struct zone_record *got)
{
    const struct zone_record *wanted = context;
    return got->type == wanted->type && got->rdata_len == wanted->rdata_len &&
                   memcmp(got->rdata, wanted->rdata, got->rdata_len) == 0
               ? SAME
               : SAME + 1;
}

static bool reads_back(const char *line, size_t len, const struct zone_record *record)
{
    struct zone_record wanted = *record;
    struct report *report = report_new();
    const struct zone_sink sink = {.context = &wanted, .record = compare};
    bool same =
        zone_read_text("", line, len, &(struct zone_reader_options){.origin = "."}, &sink, report) == SAME;
    report_free(report);
    return same;
}

/* What stands behind the fourth tab: behind owner, TTL, class and type. */
static const char *find_rdata(const char *line)
{
    for (int tabs = 0; tabs < 4 && line != NULL; tabs++) {
        line = strchr(line, '\t');
        line = line == NULL ? NULL : line + 1;
    }
    return line;
}

static void write_generic(struct buffer *to, const struct zone_record *record)
{
    buffer_print(to, "\\# %u", record->rdata_len);
    for (unsigned i = 0; i < record->rdata_len; i++) {
        buffer_print(to, "%s%02x", i == 0 ? " " : "", record->rdata[i]);
    }
}

/* Append the rdata as ldns writes it; false if it has no form of its own or one that does not read back. */
static bool write_own_form(struct buffer *to, size_t line_at, const struct zone_record *record)
{
    char *text = write_by_ldns(record);
    const char *rdata = text == NULL ? NULL : find_rdata(text);
    bool is_good = false;
    if (rdata != NULL) {
        size_t len = strcspn(rdata, "\n");
        while (len != 0 && rdata[len - 1] == ' ' && (len == 1 || rdata[len - 2] != '\\')) {
            len--;
        }
        buffer_add(to, rdata, len);
        is_good = reads_back(to->bytes + line_at, to->len - line_at, record);
    }
    free(text);
    return is_good;
}

/* Behind the line's head. */
static void write_rdata(struct buffer *to, size_t line_at, const struct zone_record *record)
{
    char type[DNS_TYPE_TEXT_SIZE];
    size_t rdata_at = to->len;
    bool has_mnemonic = strncmp(dns_write_type(record->type, type), "TYPE", 4) != 0;
    if (!has_mnemonic || !write_own_form(to, line_at, record)) {
        to->len = rdata_at;
        write_generic(to, record);
    }
}

/* Returns where the rdata begin. */
static size_t write_head(struct buffer *to, const struct zone_record *record)
{
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    buffer_print(to, "%s %u IN %s ", dns_name_write(record->owner, name), record->ttl,
                 dns_write_type(record->type, type));
    return to->len;
}

void zone_write_record(struct buffer *to, const struct zone_record *record)
{
    size_t line_at = to->len;
    (void)write_head(to, record);
    write_rdata(to, line_at, record);
    buffer_add_text(to, "\n");
}

void zone_write_rdata(struct buffer *to, const struct zone_record *record)
{
    struct buffer line;
    buffer_init(&line);
    size_t rdata_at = write_head(&line, record);
    write_rdata(&line, 0, record);
    buffer_add(to, line.bytes + rdata_at, line.len - rdata_at);
    buffer_fini(&line);
}
