/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Entries of the journal as lines of JSON, and all objects as those of past/lines.h. What an entry wrote
 * stands in its line as a text, since its hash is over those very octets. */
#include "config.h"

#include "past/backup_parts.h"

#include "base/error.h"
#include "base/sha2.h"
#include "past/lines.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

/* ---- writing ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* Octets that are no UTF-8 cannot be written: whoever reads the line says so. */
static void write_text(const char *text, struct buffer *to)
{
    buffer_add(to, "\"", 1);
    for (const char *at = text; *at != '\0';) {
        size_t len = 0;
        while (is_plain((unsigned char)at[len])) {
            len++;
        }
        buffer_add(to, at, len);
        at += len;
        if (*at == '"' || *at == '\\') {
            buffer_print(to, "\\%c", *at++);
        } else if (*at != '\0') {
            buffer_print(to, "\\u%04x", (unsigned)(unsigned char)*at++);
        }
    }
    buffer_add(to, "\"", 1);
}

static void write_field(const char *name, const char *text, struct buffer *to)
{
    buffer_print(to, ", \"%s\": ", name);
    if (text == NULL) {
        buffer_add_text(to, "null");
    } else {
        write_text(text, to);
    }
}

void backup_write_entry(const struct store_entry *entry, struct buffer *line)
{
    char hash[BACKUP_ID_SIZE];
    backup_write_hex(entry->hash, hash);
    buffer_print(line,
                 "{\"seq\": %" PRIu64 ", \"wall_ms\": %" PRId64 ", \"expires_ms\": %" PRId64
                 ", \"revision_before\": %" PRIu64,
                 entry->seq, entry->cause.wall_ms, entry->expires_ms, entry->revision_before);
    write_field("kind", entry->kind, line);
    write_field("key", entry->key, line);
    write_field("actor", entry->cause.actor, line);
    write_field("peer", entry->cause.peer, line);
    write_field("reason", entry->cause.reason, line);
    write_field("request", entry->cause.request, line);
    write_field("after", entry->after, line);
    buffer_print(line, ", \"hash\": \"%s\"}\n", hash);
}

/* ---- reading ---- */

/* A text that fits, without a NUL in it. */
static bool is_text(const json_t *json, size_t max)
{
    size_t len = json_is_string(json) ? json_string_length(json) : SIZE_MAX;
    return len <= max && strlen(json_string_value(json)) == len;
}

static bool read_fields(json_t *tree, struct store_entry *entry)
{
    json_int_t seq, wall_ms, expires_ms, revision;
    json_t *kind, *key, *actor, *peer, *reason, *request, *after, *hash;
    if (json_unpack_ex(tree, NULL, JSON_STRICT,
                       "{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seq", &seq, "wall_ms",
                       &wall_ms, "expires_ms", &expires_ms, "revision_before", &revision, "kind", &kind,
                       "key", &key, "actor", &actor, "peer", &peer, "reason", &reason, "request", &request,
                       "after", &after, "hash", &hash) == -1) {
        return false;
    }
    *entry = (struct store_entry){.seq = (uint64_t)seq,
                                  .cause = {.wall_ms = wall_ms,
                                            .actor = json_string_value(actor),
                                            .peer = json_string_value(peer),
                                            .reason = json_string_value(reason),
                                            .request = json_string_value(request)},
                                  .kind = json_string_value(kind),
                                  .key = json_string_value(key),
                                  .revision_before = (uint64_t)revision,
                                  .expires_ms = expires_ms,
                                  .after = json_string_value(after)};
    return seq > 0 && revision >= 0 && is_text(kind, STORE_KIND_MAX) && is_text(key, STORE_KEY_MAX) &&
           is_text(actor, STORE_CAUSE_MAX) && is_text(peer, STORE_CAUSE_MAX) &&
           is_text(reason, STORE_CAUSE_MAX) && is_text(request, STORE_CAUSE_MAX) &&
           (json_is_null(after) || is_text(after, STORE_VALUE_MAX)) && is_text(hash, 2 * STORE_HASH_SIZE) &&
           backup_parse_hex(json_string_value(hash), entry->hash);
}

int backup_parse_entry(const char *line, size_t len, struct backup_entry *entry, struct report *report,
                       const char *file)
{
    json_error_t fault;
    json_t *tree = json_loadb(line, len, JSON_REJECT_DUPLICATES, &fault);
    *entry = (struct backup_entry){.tree = tree};
    if (tree == NULL) {
        return backup_fail(report, file, ERROR_SYNTAX, "a line of its " BACKUP_JOURNAL " is no JSON: %s",
                           fault.text);
    }
    if (!read_fields(tree, &entry->entry)) {
        backup_end_entry(entry);
        return backup_fail(report, file, ERROR_SYNTAX,
                           "a line of its " BACKUP_JOURNAL " is no entry: expected seq, wall_ms, expires_ms, "
                           "revision_before, kind, key, actor, peer, reason, request, after and hash");
    }
    return 0;
}

void backup_end_entry(struct backup_entry *entry)
{
    json_decref(entry->tree);
    entry->tree = NULL;
}

/* ---- objects ---- */

struct counting {
    struct sha256 sha;
    uint64_t count;
    struct buffer line;
};

static bool count_object(void *context, const struct store_object *object)
{
    struct counting *counting = context;
    counting->line.len = 0;
    lines_write(&counting->line, object);
    sha256_add(&counting->sha, counting->line.bytes, counting->line.len);
    counting->count++;
    return true;
}

int backup_count_objects(struct store_reader *reader, uint64_t seq, uint64_t *count,
                         unsigned char hash[BACKUP_HASH_SIZE])
{
    struct counting counting = {.count = 0};
    sha256_init(&counting.sha);
    buffer_init(&counting.line);
    int error = store_list_at(reader, seq, count_object, &counting);
    sha256_end(&counting.sha, hash);
    *count = counting.count;
    buffer_fini(&counting.line);
    return error;
}

/* ---- export ---- */

struct exporting {
    int (*put)(void *context, const char *line, size_t len);
    void *context;
    struct buffer line;
    int error;
};

static bool export_object(void *context, const struct store_object *object)
{
    struct exporting *exporting = context;
    exporting->line.len = 0;
    lines_write(&exporting->line, object);
    exporting->error = exporting->put(exporting->context, exporting->line.bytes, exporting->line.len);
    return exporting->error == 0;
}

int backup_export(const char *state, int64_t wall_ms, int (*put)(void *context, const char *line, size_t len),
                  void *context, struct report *report)
{
    struct exporting exporting = {.put = put, .context = context};
    struct store_reader *reader = NULL;
    uint64_t seq = UINT64_MAX;
    int error = store_reader_open(state, report, &reader);
    if (error != 0) {
        return error;
    }
    buffer_init(&exporting.line);
    error = wall_ms == INT64_MAX ? 0 : store_find_seq(reader, wall_ms, &seq);
    error = error != 0 ? error : store_list_at(reader, seq, export_object, &exporting);
    if (error != 0) {
        (void)backup_fail(report, state, error, "its store cannot be read: %s", store_reader_why(reader));
    } else if (exporting.error != 0) {
        error = backup_fail(report, state, exporting.error, "its objects cannot be written: %s",
                            error_text(exporting.error));
    }
    store_reader_close(reader);
    buffer_fini(&exporting.line);
    return error;
}
