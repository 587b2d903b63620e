/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any octets as a master file. What comes out must be whole names and rdata, and each record, written in the
 * form of RFC 3597 or in that of its type, must be read back as it was. Nothing can be included: the root for
 * that does not exist. */
#include "config.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/report.h"
#include "dns/name.h"
#include "dns/types.h"
#include "zone/reader.h"
#include "zone/writer.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 2000, CHECKED_MAX = 50, ENOUGH = 1 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct zone_reader_options options = {.origin = "example.com.", .include_root = "/nonexistent"};

static void expect(int is_true)
{
    if (!is_true) {
        abort();
    }
}

static int compare(void *context, const struct zone_record *record)
{
    const struct zone_record *wanted = context;
    expect(record->owner_len == wanted->owner_len &&
           memcmp(record->owner, wanted->owner, wanted->owner_len) == 0);
    expect(record->type == wanted->type && record->ttl == wanted->ttl &&
           record->rdata_len == wanted->rdata_len);
    expect(memcmp(record->rdata, wanted->rdata, wanted->rdata_len) == 0);
    return ENOUGH;
}

static void read_back(const struct zone_record *record, const struct buffer *text)
{
    struct zone_record wanted = *record;
    const struct zone_sink sink = {.context = &wanted, .record = compare};
    struct report *report = report_new();
    int code = zone_read_text("back.zone", text->bytes, text->len, &options, &sink, report);
    if (code != ENOUGH) {
        fprintf(stderr, "%s\n", text->bytes);
        report_write(report, stderr);
    }
    expect(code == ENOUGH);
    report_free(report);
}

static void write_and_read(const struct zone_record *record)
{
    char name[DNS_NAME_TEXT_SIZE];
    struct buffer text;
    buffer_init(&text);
    zone_write_record(&text, record);
    read_back(record, &text);
    text.len = 0;
    buffer_print(&text, "%s %u TYPE%u \\# %u ", dns_name_write(record->owner, name), record->ttl,
                 record->type, record->rdata_len);
    for (unsigned i = 0; i < record->rdata_len; i++) {
        buffer_print(&text, "%02x", record->rdata[i]);
    }
    read_back(record, &text);
    buffer_fini(&text);
}

static int check(void *context, const struct zone_record *record)
{
    size_t *count = context;
    expect(dns_name_len(record->owner, record->owner_len) == record->owner_len && record->owner_len != 0);
    expect(record->rclass == DNS_CLASS_IN && record->ttl <= 0x7fffffff && record->type != 0 &&
           record->file != NULL);
    expect(record->line != 0 && record->column != 0);
    if (*count < CHECKED_MAX) {
        write_and_read(record);
    }
    return ++*count == RECORDS_MAX ? ENOUGH : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t count = 0;
    const struct zone_sink sink = {.context = &count, .record = check};
    struct report *report = report_new();
    int code = zone_read_text("fuzz.zone", (const char *)bytes, len, &options, &sink, report);
    expect(code == 0 || code == ENOUGH || code == ERROR_SYNTAX);
    expect(code == ENOUGH || (code == ERROR_SYNTAX) == (report_errors(report) != 0));
    report_free(report);
    return 0;
}
