/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Deciding serials: see keeper.h. Zones that went away are remembered: they may come back. */
#include "config.h"

#include "transfer/keeper.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/serial.h"
#include "conf/keytable.h"
#include "dns/name.h"
#include "dns/types.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const uint8_t *apex;
    uint32_t serial;
    uint64_t fingerprint;
    bool is_ours; /* the serial is not the file's */
    bool is_seen; /* in this run */
};

struct keeper {
    struct arena *arena;
    struct keytable *entries; /* by apex */
    struct entry **list;
    size_t count, capacity;
};

struct keeper *keeper_new(void)
{
    struct keeper *keeper = memory_alloc(sizeof *keeper);
    keeper->arena = arena_new(0);
    keeper->entries = keytable_new(keeper->arena);
    return keeper;
}

void keeper_free(struct keeper *keeper)
{
    if (keeper != NULL) {
        arena_free(keeper->arena);
        free(keeper->list);
        free(keeper);
    }
}

static struct entry *get_entry(struct keeper *keeper, const uint8_t *apex, bool *is_new)
{
    size_t len = dns_name_len(apex, DNS_NAME_MAX);
    struct entry *entry = keytable_find(keeper->entries, apex, len);
    *is_new = entry == NULL;
    if (entry == NULL) {
        entry = arena_alloc(keeper->arena, sizeof *entry);
        entry->apex = arena_copy(keeper->arena, apex, len);
        (void)keytable_add(keeper->entries, entry->apex, len, entry);
        keeper->list = memory_grow(keeper->list, keeper->count, &keeper->capacity, sizeof(struct entry *));
        keeper->list[keeper->count++] = entry;
    }
    return entry;
}

/* Nothing is known of what copies hold: the newer of both is the better guess. */
static uint32_t first_serial(const struct keeper_content *content)
{
    bool is_file =
        content->policy == CONF_SERIAL_FILE ||
        (content->policy == CONF_SERIAL_AUTO && serial_is_newer(content->file_serial, content->now_s));
    return is_file ? content->file_serial : content->now_s;
}

static uint32_t next_serial(const struct entry *entry, const struct keeper_content *content, bool is_same)
{
    if (content->policy == CONF_SERIAL_FILE) {
        return content->file_serial;
    }
    if (is_same) {
        return entry->serial;
    }
    bool is_auto = content->policy == CONF_SERIAL_AUTO;
    return serial_next(entry->serial, is_auto ? content->file_serial : content->now_s, content->now_s);
}

struct keeper_decision keeper_decide(struct keeper *keeper, const uint8_t *apex,
                                     const struct keeper_content *content)
{
    bool is_new;
    struct entry *entry = get_entry(keeper, apex, &is_new);
    bool is_same = !is_new && entry->fingerprint == content->fingerprint;
    uint32_t serial = is_new ? first_serial(content) : next_serial(entry, content, is_same);
    struct keeper_decision decision = {
        .serial = serial,
        .is_news = !entry->is_seen || serial != entry->serial,
        .is_silent = !is_new && !is_same && serial == entry->serial,
        .is_older = !is_new && serial != entry->serial && !serial_is_newer(serial, entry->serial),
    };
    entry->serial = serial;
    entry->fingerprint = content->fingerprint;
    entry->is_ours = content->policy != CONF_SERIAL_FILE;
    entry->is_seen = true;
    return decision;
}

/* ---- text ---- */

void keeper_write(const struct keeper *keeper, struct buffer *to)
{
    char origin[DNS_NAME_TEXT_SIZE];
    buffer_add_text(to, "# serials of steerd: zone, serial, fingerprint of its content\n");
    for (size_t i = 0; i < keeper->count; i++) {
        const struct entry *entry = keeper->list[i];
        if (entry->is_ours) {
            buffer_print(to, "%s %" PRIu32 " %016" PRIx64 "\n", dns_name_write(entry->apex, origin),
                         entry->serial, entry->fingerprint);
        }
    }
}

static bool parse_number(const char *text, int base, uint64_t max, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, base);
    return text[0] != '\0' && strchr("+- \t", text[0]) == NULL && *end == '\0' && *value <= max;
}

/* Cuts the line into its words. */
static bool parse_line(struct keeper *keeper, char *line)
{
    uint8_t apex[DNS_NAME_MAX];
    uint64_t serial, fingerprint;
    bool is_new;
    char *rest = NULL, *origin = strtok_r(line, " ", &rest), *number = strtok_r(NULL, " ", &rest),
         *hash = strtok_r(NULL, " ", &rest);
    if (hash == NULL || strtok_r(NULL, " ", &rest) != NULL ||
        !parse_number(number, 10, UINT32_MAX, &serial) || !parse_number(hash, 16, UINT64_MAX, &fingerprint)) {
        return false;
    }
    int len = dns_name_parse(origin, NULL, apex);
    if (len < 0) {
        return false;
    }
    dns_name_lower(apex, (size_t)len);
    struct entry *entry = get_entry(keeper, apex, &is_new);
    entry->serial = (uint32_t)serial;
    entry->fingerprint = fingerprint;
    entry->is_ours = true;
    return true;
}

size_t keeper_parse(struct keeper *keeper, const char *text, size_t len)
{
    size_t bad = 0;
    for (size_t at = 0; at < len;) {
        char line[DNS_NAME_TEXT_SIZE + 64];
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - text) - at;
        bool fits = end != NULL && line_len < sizeof line; /* a line without its end was cut */
        if (fits) {
            memcpy(line, text + at, line_len);
            line[line_len] = '\0';
        }
        bad += !fits || (line[0] != '#' && !parse_line(keeper, line));
        at += line_len + 1;
    }
    return bad;
}
