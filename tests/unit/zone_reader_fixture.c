/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One reading of a master file, as text. */
#include "config.h"

#include "unit.h"
#include "zone_reader_fixture.h"

#include "base/error.h"
#include "dns/name.h"
#include "dns/types.h"

#include <string.h>

int outcome_collect(void *context, const struct zone_record *record)
{
    struct outcome *outcome = context;
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    assert_int_equal(record->rclass, DNS_CLASS_IN);
    assert_int_equal(dns_name_len(record->owner, record->owner_len), record->owner_len);
    buffer_print(&outcome->records, "%s %u %s ", dns_name_write(record->owner, name), record->ttl,
                 dns_write_type(record->type, type));
    for (size_t i = 0; i < record->rdata_len; i++) {
        buffer_print(&outcome->records, "%02x", record->rdata[i]);
    }
    buffer_add_text(&outcome->records, "\n");
    const char *slash = strrchr(record->file, '/');
    buffer_print(&outcome->places, "%s:%u:%u\n", slash == NULL ? record->file : slash + 1, record->line,
                 record->column);
    return ++outcome->count == outcome->stop_at ? 77 : 0;
}

void outcome_begin(struct outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    buffer_add_text(&outcome->records, "");
    buffer_add_text(&outcome->places, "");
    outcome->report = report_new();
}

void outcome_end(struct outcome *outcome)
{
    buffer_fini(&outcome->records);
    buffer_fini(&outcome->places);
    report_free(outcome->report);
}

void outcome_read_bytes(struct outcome *outcome, const char *text, size_t len)
{
    const struct zone_reader_options options = {.origin = "example.com.", .include_root = "/nonexistent"};
    const struct zone_sink sink = {.context = outcome, .record = outcome_collect};
    outcome_begin(outcome);
    outcome->code = zone_read_text("test.zone", text, len, &options, &sink, outcome->report);
    assert_int_equal(outcome->code != 0, report_errors(outcome->report) != 0);
}

void outcome_read(struct outcome *outcome, const char *text)
{
    outcome_read_bytes(outcome, text, strlen(text));
}

void outcome_assert_item(const struct outcome *outcome, size_t index, unsigned line, unsigned column,
                         const char *text)
{
    assert_true(index < report_count(outcome->report));
    const struct report_item *item = report_get(outcome->report, index);
    if (item->place.line != line || item->place.column != column || strstr(item->message, text) == NULL) {
        fail_msg("expected %u:%u with \"%s\", got %u:%u %s", line, column, text, item->place.line,
                 item->place.column, item->message);
    }
}

void outcome_assert_good(const struct good *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome outcome;
        outcome_read(&outcome, cases[i].text);
        if (report_count(outcome.report) != 0) {
            fail_msg("%s: %s", cases[i].text, report_get(outcome.report, 0)->message);
        }
        assert_string_equal(outcome.records.bytes, cases[i].records);
        assert_int_equal(outcome.code, 0);
        outcome_end(&outcome);
    }
}

void outcome_assert_bad(const struct bad *one, const char *text)
{
    struct outcome outcome;
    outcome_read(&outcome, text);
    if (report_errors(outcome.report) == 0 || outcome.count != one->records) {
        fail_msg("%s: %zu errors, %zu records", text, report_errors(outcome.report), outcome.count);
    }
    outcome_assert_item(&outcome, 0, one->line, one->column, one->message);
    assert_true(outcome.code == ERROR_SYNTAX || outcome.code == ERROR_NOT_FOUND);
    outcome_end(&outcome);
}
