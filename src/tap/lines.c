/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sink of the query log: one line per record, as the log writes its own, into a file or among them. */
#include "config.h"

#include "tap/sink.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/log_record.h"
#include "base/log_text.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "tap/outlet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_AT = 64 << 10, HEADER_SIZE = 12, QUESTION_REST = 4, NUMBER_SIZE = 24, LIST_SIZE = 1024 };

struct lines {
    const struct tap_options *options; /* borrowed */
    struct tap_outlet outlet;          /* of a file */
    struct buffer text;
    uint64_t waiting, lost;
};

/* ---- a line ---- */

static void add_number(struct log_record *line, const char *key, uint64_t value)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%lu", (unsigned long)value);
    log_record_add(line, key, text, true);
}

static void add_client(struct log_record *line, const struct tap_record *record)
{
    char text[ADDR_TEXT_SIZE], subnet[ADDR_TEXT_SIZE + 8];
    if (record->client.addr.family != ADDR_NONE) {
        log_record_add(line, "client", addr_write_port(&record->client, text), false);
    }
    log_record_add(line, "protocol", record->is_tcp ? "tcp" : "udp", false);
    if (record->has_ecs && record->ecs.family != ADDR_NONE) {
        snprintf(subnet, sizeof subnet, "%s/%u", addr_write(&record->ecs, text), record->ecs_len);
        log_record_add(line, "ecs", subnet, false);
    }
}

static void add_question(struct log_record *line, const struct tap_record *record)
{
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    const uint8_t *query = tap_record_query(record);
    size_t end = record->question_end;
    if (end == 0) {
        return;
    }
    log_record_add(line, "name", dns_name_write(query + HEADER_SIZE, name), false);
    log_record_add(line, "type", dns_write_type(record->qtype, type), false);
    if (record->apex_len != 0 && end >= HEADER_SIZE + QUESTION_REST + (size_t)record->apex_len) {
        log_record_add(line, "zone", dns_name_write(query + end - QUESTION_REST - record->apex_len, name),
                       false);
    }
}

static void add_outcome(struct log_record *line, const struct tap_record *record)
{
    char text[NUMBER_SIZE];
    const char *rcode = dns_rcode_text(record->rcode);
    if (*rcode == '?') {
        snprintf(text, sizeof text, "RCODE%u", record->rcode);
        rcode = text;
    }
    log_record_add(line, "rcode", record->reply_len == 0 ? NULL : rcode, false);
    if (record->reply_len == 0) {
        log_record_add(line, "outcome", "dropped", false);
    }
    add_number(line, "octets", record->reply_len);
    add_number(line, "us", (record->response_ns - record->query_ns) / 1000);
}

/* Each region once, in the order of the answer. */
static void add_members(struct log_record *line, const struct tap_record *record, const char *last)
{
    char endpoints[LIST_SIZE] = "", regions[LIST_SIZE] = "";
    const char *seen[TAP_NAMED_MAX];
    unsigned places = 0;
    for (unsigned i = 0; i < record->named; i++) {
        const char *name = tap_record_next_text(record, last);
        const char *region = last = tap_record_next_text(record, name);
        size_t len = strlen(endpoints), at = strlen(regions);
        unsigned same = 0;
        snprintf(endpoints + len, sizeof endpoints - len, "%s%s", i == 0 ? "" : ",", name);
        while (same < places && strcmp(seen[same], region) != 0) {
            same++;
        }
        if (same == places) {
            snprintf(regions + at, sizeof regions - at, "%s%s", places == 0 ? "" : ",", region);
            seen[places++] = region;
        }
    }
    log_record_add(line, "regions", regions[0] == '\0' ? NULL : regions, false);
    log_record_add(line, "endpoints", endpoints[0] == '\0' ? NULL : endpoints, false);
    if (record->member_count > record->named) {
        add_number(line, "more", (uint64_t)(record->member_count - record->named));
    }
}

static void add_steering(struct log_record *line, const struct tap_record *record)
{
    const char *class = tap_record_next_text(record, NULL), *tier = tap_record_next_text(record, class);
    log_record_add(line, "class", class, false);
    log_record_add(line, "choice", steer_source_text((enum steer_source)record->source), false);
    log_record_add(line, "tier", *tier == '\0' ? NULL : tier, false);
    add_members(line, record, tier);
}

static void fill_line(struct log_record *line, const struct tap_record *record)
{
    log_record_begin(line, (int64_t)(record->query_ns / 1000000), LOG_LEVEL_INFO, "query");
    add_client(line, record);
    add_question(line, record);
    add_outcome(line, record);
    if (record->is_steered) {
        add_steering(line, record);
    }
}

/* ---- the sink ---- */

static void *make(const struct tap_options *options, struct tap_hurry hurry)
{
    struct lines *lines = memory_alloc(sizeof *lines);
    lines->options = options;
    buffer_init(&lines->text);
    tap_outlet_init(&lines->outlet, options, hurry, true);
    return lines;
}

static int open_lines(void *sink)
{
    struct lines *lines = sink;
    return lines->options->target == TAP_TARGET_LOG ? 0 : tap_outlet_open(&lines->outlet);
}

static int flush(void *sink)
{
    struct lines *lines = sink;
    int error =
        lines->text.len == 0 ? 0 : tap_outlet_write(&lines->outlet, lines->text.bytes, lines->text.len);
    lines->lost += error == 0 ? 0 : lines->waiting;
    lines->waiting = 0;
    lines->text.len = 0;
    return error;
}

static int take(void *sink, const struct tap_record *record)
{
    struct lines *lines = sink;
    struct log_record line;
    fill_line(&line, record);
    if (lines->options->target == TAP_TARGET_LOG) {
        log_add(&line);
        return 0;
    }
    lines->waiting++;
    if (lines->options->is_json) {
        log_write_json(&line, &lines->text);
    } else {
        log_write_text(&line, &lines->text);
    }
    return lines->text.len < FLUSH_AT ? 0 : flush(lines);
}

static bool has_moved(void *sink)
{
    return tap_outlet_has_moved(&((struct lines *)sink)->outlet);
}

static void close_lines(void *sink)
{
    struct lines *lines = sink;
    if (lines->outlet.fd != -1) {
        (void)flush(lines);
    }
    tap_outlet_close(&lines->outlet);
}

static uint64_t count_lost(void *sink)
{
    struct lines *lines = sink;
    uint64_t lost = lines->lost;
    lines->lost = 0;
    return lost;
}

static void free_lines(void *sink)
{
    struct lines *lines = sink;
    close_lines(lines);
    buffer_fini(&lines->text);
    free(lines);
}

const struct tap_sink tap_lines_sink = {.make = make,
                                        .open = open_lines,
                                        .take = take,
                                        .flush = flush,
                                        .has_moved = has_moved,
                                        .close = close_lines,
                                        .count_lost = count_lost,
                                        .free = free_lines};
