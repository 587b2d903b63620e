/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "static" of a policy: its texts become records of the zone by the reader of master files, which knows where
 * in the document each stands. Called while the zone is read, behind its master file; what does not go with
 * the other records of the zone is found where that is built. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/buffer.h"
#include "base/error.h"
#include "conf/policy.h"
#include "dns/types.h"
#include "zone/reader.h"

#include <string.h>

struct adding {
    struct zone_builder *builder;
    const struct report_place *place;
    size_t count; /* of records that a text turned out to be */
};

static int add_record(void *context, const struct zone_record *record)
{
    struct adding *adding = context;
    struct zone_record at = *record;
    at.file = adding->place->file;
    at.line = adding->place->line;
    at.column = adding->place->column;
    adding->count++;
    return zone_builder_add(adding->builder, &at);
}

/* What the reader says of its text is said of the value in the document. */
static int read_static(const struct conf_policy *policy, const struct conf_static *from,
                       struct adding *adding, struct report *report)
{
    char type[DNS_TYPE_TEXT_SIZE];
    const struct zone_reader_options options = {.origin = policy->origin};
    const struct zone_sink sink = {.context = adding, .record = add_record};
    struct report *found = report_new();
    struct buffer line;
    buffer_init(&line);
    buffer_print(&line, "%s %u IN %s ", from->owner, from->ttl, dns_write_type(from->type, type));
    buffer_add_text(&line, from->rdata.text);
    int error = zone_read_text(policy->path, line.bytes, line.len, &options, &sink, found);
    for (size_t i = 0; i < report_count(found); i++) {
        const struct report_item *item = report_get(found, i);
        report_add(report, item->severity, adding->place, "%s", item->message);
    }
    buffer_fini(&line);
    report_free(found);
    return error == 0 && adding->count == 1 ? 0 : ERROR_INVALID;
}

int compile_add_statics(const struct compile_zone *work, struct report *report)
{
    const struct conf_policy *policy = work->policy;
    int result = 0;
    for (size_t i = 0; i < policy->static_count && !report_is_cancelled(report); i++) {
        struct report_place place = policy->statics[i].rdata.place;
        struct adding adding = {.builder = work->builder, .place = &place};
        place.file = policy->path;
        int error = ERROR_INVALID;
        if (strpbrk(policy->statics[i].rdata.text, "\n\r") != NULL) {
            report_add(report, REPORT_ERROR, &place, "a line break, expected one record in one line");
        } else {
            error = read_static(policy, &policy->statics[i], &adding, report);
        }
        result = error != 0 ? error : result;
    }
    return result;
}
