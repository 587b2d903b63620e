/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The loop over entries and the stack of sources (no recursion), and the head of a record: owner, TTL, class
 * and type in any legal order. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FALLBACK_TTL_S = 3600 }; /* after the error about missing TTLs, so that reading can go on */

/* The state before $INCLUDE or $GENERATE comes back; of the outermost source it does not matter. */
static void pop_source(struct zone_reader *reader)
{
    struct zone_source *source = reader->source;
    if (source->up != NULL) {
        reader->state = source->saved;
    }
    if (source->generate == NULL) {
        reader->depth--;
    }
    reader->source = source->up;
    zone_free_generate(source->generate);
    free(source->bytes);
    free(source);
}

static int read_owner(struct zone_reader *reader)
{
    struct zone_state *state = &reader->state;
    if (reader->is_blank) {
        if (state->owner_len == 0 && !state->owner_broken) {
            return zone_fail(reader, &reader->tokens[0],
                             "there is no owner name yet that this line could inherit; "
                             "expected a name or @ in the first column");
        }
        return 0;
    }
    state->owner_len = 0;
    state->owner_broken = true;
    int code = zone_parse_name(reader, &reader->tokens[reader->next++], state->owner, &state->owner_len);
    state->owner_broken = code != 0;
    return code;
}

/* [TTL] [class] type or [class] [TTL] type (RFC 1035 section 5.1). */
static int read_head(struct zone_reader *reader, bool *has_ttl, uint32_t *ttl)
{
    bool has_class = false;
    char shown[ZONE_SHOW_SIZE];
    *has_ttl = false;
    for (;;) {
        const struct zone_token *token = zone_next(reader, "a type");
        if (token == NULL) {
            return ERROR_SYNTAX;
        }
        int code = zone_read_ttl(reader, token, ttl);
        if (code == ERROR_SYNTAX) {
            return code;
        }
        if (code == 0) {
            if (*has_ttl) {
                return zone_fail(reader, token, "a second TTL, %s; expected a type", zone_show(token, shown));
            }
            *has_ttl = true;
            continue;
        }
        code = has_class ? ERROR_NOT_FOUND : zone_read_class(reader, token);
        if (code == ERROR_SYNTAX) {
            return code;
        }
        if (code == ERROR_NOT_FOUND) {
            return zone_parse_type(reader, token, &reader->type);
        }
        has_class = true;
    }
}

static int check_type(struct zone_reader *reader)
{
    uint16_t type = reader->type;
    char text[DNS_TYPE_TEXT_SIZE];
    if (type == 0 || type == DNS_TYPE_OPT || (type >= 128 && type <= 255)) {
        return zone_fail(reader, &reader->tokens[reader->next - 1],
                         "type %s cannot be stored in a zone (RFC 6895)", dns_write_type(type, text));
    }
    return 0;
}

/* RFC 2308 section 4, RFC 1035 section 5.1. A first SOA without TTL has its own minimum, which then counts as
 * if $TTL had stated it, as in BIND. */
static void find_ttl(struct zone_reader *reader, uint32_t *ttl)
{
    struct zone_state *state = &reader->state;
    if (state->has_default_ttl) {
        *ttl = state->default_ttl;
    } else if (state->has_last_ttl) {
        *ttl = state->last_ttl;
    } else if (reader->type == DNS_TYPE_SOA) {
        const uint8_t *p = reader->rdata + reader->out.at - 4;
        uint32_t minimum = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        *ttl = minimum > ZONE_TTL_MAX ? ZONE_TTL_MAX : minimum;
        state->default_ttl = *ttl;
        state->has_default_ttl = true;
        zone_warn(reader, &reader->tokens[0],
                  "the SOA record has no TTL and there is no $TTL; its minimum, %u, is used, and for further "
                  "records without a TTL as well",
                  *ttl);
    } else {
        *ttl = FALLBACK_TTL_S;
        if (!reader->has_ttl_error) {
            zone_fail(reader, &reader->tokens[0],
                      "this record has no TTL, and neither has a record before it or a "
                      "$TTL line; expected a TTL (not repeated for further records)");
        }
        reader->has_ttl_error = true;
    }
}

static int give_record(struct zone_reader *reader, uint32_t ttl)
{
    const struct zone_token *first =
        reader->source->generate != NULL ? &reader->source->generate_token : &reader->tokens[0];
    const struct zone_record record = {
        .owner = reader->state.owner,
        .owner_len = reader->state.owner_len,
        .type = reader->type,
        .rclass = DNS_CLASS_IN,
        .ttl = ttl,
        .rdata = reader->rdata,
        .rdata_len = (uint16_t)reader->out.at,
        .file = reader->source->file,
        .line = first->line,
        .column = first->column,
    };
    return reader->state.owner_broken || reader->state.origin_broken
               ? 0
               : reader->sink->record(reader->sink->context, &record);
}

/* Returns the sink's code. */
static int read_record(struct zone_reader *reader)
{
    bool has_ttl;
    uint32_t ttl = 0;
    int owner_code = read_owner(reader);
    if (owner_code != 0 || read_head(reader, &has_ttl, &ttl) != 0) {
        return 0;
    }
    if (has_ttl) { /* whatever becomes of the rdata, it was stated */
        reader->state.last_ttl = ttl;
        reader->state.has_last_ttl = true;
    }
    reader->out = cursor_init(reader->rdata, ZONE_RDATA_MAX);
    if (check_type(reader) != 0 || zone_read_rdata(reader) != 0) {
        return 0;
    }
    if (!has_ttl) {
        find_ttl(reader, &ttl);
        reader->state.last_ttl = ttl;
        reader->state.has_last_ttl = !reader->has_ttl_error;
    }
    return give_record(reader, ttl);
}

/* An entry that could not be cut into tokens may still have an owner, which the entries behind it inherit. */
static void recover_owner(struct zone_reader *reader)
{
    bool is_directive = reader->count != 0 && reader->tokens[0].text[0] == '$';
    if (reader->is_blank || is_directive) {
        return;
    }
    reader->state.owner_broken = true;
    reader->has_ttl_error |= !reader->state.has_last_ttl; /* it may have had one */
    if (reader->count != 0) {
        read_owner(reader);
    }
}

/* Returns the sink's code. */
static int read_entry(struct zone_reader *reader)
{
    if (reader->is_failed) {
        recover_owner(reader);
        return 0;
    }
    if (reader->count == 0) {
        return 0;
    }
    const struct zone_token *first = &reader->tokens[0];
    bool may_be_directive = reader->source->generate == NULL && !reader->is_blank;
    if (may_be_directive && (first->flags & ZONE_TOKEN_QUOTED) == 0 && first->text[0] == '$') {
        zone_read_directive(reader);
        return 0;
    }
    return read_record(reader);
}

static int read_sources(struct zone_reader *reader)
{
    while (reader->source != NULL) {
        struct zone_source *source = reader->source;
        if (report_is_cancelled(reader->report)) {
            return ERROR_CANCELLED;
        }
        if (reader->errors > ZONE_ERRORS_MAX) {
            reader->is_failed = false; /* of the entry before */
            zone_fail(reader, NULL, "too many errors: the rest of the zone is not read");
            return ERROR_TOO_LARGE;
        }
        bool is_generated = source->generate != NULL;
        if ((is_generated && source->at == source->end && !zone_next_generated(source)) ||
            !zone_read_entry(reader)) {
            pop_source(reader);
            continue;
        }
        int code = read_entry(reader);
        if (code != 0) {
            return code;
        }
        if (is_generated && reader->is_failed) {
            pop_source(reader); /* the other lines would only repeat the error */
        }
    }
    return reader->lacks_file ? ERROR_NOT_FOUND : reader->errors != 0 ? ERROR_SYNTAX : 0;
}

static int set_origin(struct zone_reader *reader, const char *path)
{
    const char *origin =
        reader->options != NULL && reader->options->origin != NULL ? reader->options->origin : ".";
    int len = dns_name_parse(origin, NULL, reader->state.origin);
    if (len < 0) {
        report_add(reader->report, REPORT_ERROR, &(struct report_place){.file = path},
                   "the origin \"%s\" is not a domain name", origin);
        return ERROR_SYNTAX;
    }
    reader->state.origin_len = (uint16_t)len;
    return 0;
}

/* Takes the source, whose bytes and end are set. */
static int read_zone(struct zone_source *source, const char *path, const struct zone_reader_options *options,
                     const struct zone_sink *sink, struct report *report)
{
    static const struct zone_reader_options none;
    struct zone_reader *reader = memory_alloc(sizeof *reader);
    reader->options = options != NULL ? options : &none;
    reader->sink = sink;
    reader->report = report;
    reader->arena = arena_new(1024);
    reader->rdata = memory_resize(NULL, ZONE_RDATA_MAX, 1);
    source->file = arena_copy_text(reader->arena, path);
    zone_push_source(reader, source);
    reader->depth = 1;
    int code = set_origin(reader, path);
    if (code == 0) {
        code = read_sources(reader);
    }
    while (reader->source != NULL) {
        pop_source(reader);
    }
    free(reader->tokens);
    free(reader->rdata);
    free(reader->root);
    arena_free(reader->arena);
    free(reader);
    return code;
}

int zone_read_file(const char *path, const struct zone_reader_options *options, const struct zone_sink *sink,
                   struct report *report)
{
    struct zone_source *source = memory_alloc(sizeof *source);
    struct zone_wrong wrong;
    int code = zone_load_file(path, NULL, report, source, &wrong);
    if (code != 0) {
        struct report_place place = {.file = path, .line = wrong.line, .column = wrong.column};
        if (code != ERROR_CANCELLED) { /* whoever called it off says why */
            report_add(report, REPORT_ERROR, &place, "%s%s",
                       wrong.line == 0 ? "cannot read the zone file: " : "", wrong.text);
        }
        free(source);
        return code == ERROR_SYNTAX ? ERROR_INVALID : code;
    }
    return read_zone(source, path, options, sink, report);
}

int zone_read_text(const char *path, const char *text, size_t len, const struct zone_reader_options *options,
                   const struct zone_sink *sink, struct report *report)
{
    struct zone_source *source = memory_alloc(sizeof *source);
    source->bytes = memory_alloc(len + 1);
    memcpy(source->bytes, text, len);
    source->end = source->bytes + len;
    return read_zone(source, path, options, sink, report);
}
