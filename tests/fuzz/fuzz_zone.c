/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any octets as a master file. What comes out must be whole names and rdata, and each record, written in the
 * form of RFC 3597 or in that of its type, must be read back as it was. If the records make a zone, walking
 * it gives records of that zone again, and none that was not there. Nothing can be included: the root for
 * that does not exist. */
#include "config.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/report.h"
#include "dns/name.h"
#include "dns/types.h"
#include "zone/builder.h"
#include "zone/reader.h"
#include "zone/walk.h"
#include "zone/writer.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 2000, CHECKED_MAX = 50, ENOUGH = 1 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const uint8_t apex[] = "\7example\3com";
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

struct run {
    size_t count;
    struct zone_builder *builder;
};

static int check(void *context, const struct zone_record *record)
{
    struct run *run = context;
    expect(dns_name_len(record->owner, record->owner_len) == record->owner_len && record->owner_len != 0);
    expect(record->rclass == DNS_CLASS_IN && record->ttl <= 0x7fffffff && record->type != 0 &&
           record->file != NULL);
    expect(record->line != 0 && record->column != 0);
    if (run->count < CHECKED_MAX) {
        write_and_read(record);
    }
    zone_builder_add(run->builder, record);
    return ++run->count == RECORDS_MAX ? ENOUGH : 0;
}

static int count_record(void *context, const struct zone_record *record)
{
    expect(dns_name_len(record->owner, record->owner_len) == record->owner_len);
    expect(dns_name_is_under(record->owner, apex));
    ++*(size_t *)context;
    return 0;
}

static void build(struct run *run)
{
    struct zone *zone = zone_builder_finish(run->builder);
    size_t count = 0;
    if (zone != NULL) {
        expect(zone_walk(zone, &(struct zone_visitor){.context = &count, .record = count_record}) == 0);
        expect(count >= 2 && count <= run->count); /* SOA and NS; duplicates are gone */
    }
    zone_release(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct report *report = report_new(), *complaints = report_new();
    struct run run = {.builder = zone_builder_new(apex, "fuzz.zone", complaints)};
    const struct zone_sink sink = {.context = &run, .record = check};
    int code = zone_read_text("fuzz.zone", (const char *)bytes, len, &options, &sink, report);
    expect(code == 0 || code == ENOUGH || code == ERROR_SYNTAX || code == ERROR_NOT_FOUND ||
           code == ERROR_TOO_LARGE);
    expect(code == ENOUGH || (code != 0) == (report_errors(report) != 0));
    build(&run);
    zone_builder_free(run.builder);
    report_free(complaints);
    report_free(report);
    return 0;
}
