/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Deciding serials: see keeper.h. Zones that went away are remembered: they may come back.
 *
 * A number of the text may stand for two things. With a fingerprint: this content has it, or would have had
 * it. With "-": it and those below may have been used up for anything, so the zone goes on above it. */
#include "config.h"

#include "transfer/keeper.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/serial.h"
#include "conf/keytable.h"
#include "dns/name.h"
#include "dns/types.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A line of the text. */
struct kept {
    uint32_t number;
    bool is_exact;        /* the number is for this content and nobody else's */
    uint64_t fingerprint; /* of it */
};

struct entry {
    const uint8_t *apex;
    uint32_t serial, wanted; /* served; to be kept */
    uint32_t file_serial;
    uint64_t fingerprint;         /* of what is served */
    uint64_t wanted_fingerprint;  /* of what `wanted` is for */
    struct kept ceiling, written; /* on storage; in the text that is being kept */
    struct keeper_heard heard;    /* of another server: the newest */
    enum conf_serial policy;
    bool has_heard;
    bool has_serial;  /* now, or before the restart */
    bool is_blurred;  /* the serial may stand for other contents, too: the fingerprint says nothing */
    bool has_ceiling; /* else nothing is kept of it */
    bool has_wanted;
    bool is_written; /* `written` holds */
    bool in_blocks;
    bool is_ours; /* the serial is not the file's */
    bool is_seen; /* in this run */
    bool waits;
};

struct keeper {
    struct arena *arena;
    struct keytable *entries; /* by apex */
    struct entry **list;
    size_t count, capacity;
    size_t waiting;
    bool has_storage, is_sealed;
};

struct keeper *keeper_new(bool has_storage)
{
    struct keeper *keeper = memory_alloc(sizeof *keeper);
    keeper->arena = arena_new(0);
    keeper->entries = keytable_new(keeper->arena);
    keeper->has_storage = has_storage;
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

static struct entry *get_entry(struct keeper *keeper, const uint8_t *apex)
{
    size_t len = dns_name_len(apex, DNS_NAME_MAX);
    struct entry *entry = keytable_find(keeper->entries, apex, len);
    if (entry == NULL) {
        entry = arena_alloc(keeper->arena, sizeof *entry);
        entry->apex = arena_copy(keeper->arena, apex, len);
        (void)keytable_add(keeper->entries, entry->apex, len, entry);
        keeper->list = memory_grow(keeper->list, keeper->count, &keeper->capacity, sizeof(struct entry *));
        keeper->list[keeper->count++] = entry;
    }
    return entry;
}

/* ---- which serial ---- */

/* Nothing is known of what copies hold: the newer of both is the better guess. */
static uint32_t first_serial(const struct keeper_content *content)
{
    bool is_file =
        content->policy == CONF_SERIAL_FILE ||
        (content->policy == CONF_SERIAL_AUTO && serial_is_newer(content->file_serial, content->now_s));
    return is_file ? content->file_serial : content->now_s;
}

static bool is_same(const struct entry *entry, const struct keeper_content *content)
{
    return entry->has_serial && !entry->is_blurred && entry->fingerprint == content->fingerprint;
}

/* Newer than what others have, as far as they are newer than we are. */
static bool is_led(const struct entry *entry)
{
    return entry->has_heard && serial_is_newer(entry->heard.serial, entry->serial);
}

/* Of content that stays: ours, but where others are ahead. */
static uint32_t follow_others(const struct entry *entry)
{
    bool is_theirs = entry->has_heard && entry->heard.fingerprint == entry->fingerprint;
    if (is_theirs) {
        return is_led(entry) ? entry->heard.serial : entry->serial;
    }
    bool waits_for_us =
        entry->has_heard && entry->heard.is_last && (is_led(entry) || entry->heard.serial == entry->serial);
    return waits_for_us ? entry->heard.serial + 1 : entry->serial;
}

/* Of content that changes. */
static uint32_t next_serial(const struct entry *entry, const struct keeper_content *content)
{
    bool is_auto = content->policy == CONF_SERIAL_AUTO;
    if (is_led(entry) && entry->heard.fingerprint == content->fingerprint) {
        return entry->heard.serial;
    }
    uint32_t last = is_led(entry) ? entry->heard.serial : entry->serial;
    return serial_next(last, is_auto ? content->file_serial : content->now_s, content->now_s);
}

/* What the serial would be if every number could be kept at once. */
static uint32_t wish(const struct entry *entry, const struct keeper_content *content)
{
    if (content->policy == CONF_SERIAL_FILE) {
        return content->file_serial;
    }
    if (!entry->has_serial) {
        return first_serial(content);
    }
    return is_same(entry, content) ? follow_others(entry) : next_serial(entry, content);
}

static uint32_t newer_of(uint32_t a, uint32_t b)
{
    return serial_is_newer(b, a) ? b : a;
}

/* The newest number that this content may have. */
static uint32_t find_limit(const struct entry *entry, const struct keeper_content *content)
{
    const struct kept *ceiling = &entry->ceiling;
    if (!entry->has_ceiling || !serial_is_newer(ceiling->number, entry->serial)) {
        return entry->serial;
    }
    bool is_anothers = ceiling->is_exact && ceiling->fingerprint != content->fingerprint;
    return ceiling->number - is_anothers;
}

/* Behind the wish, but kept: as far as the numbers reach. */
static uint32_t make_do(const struct entry *entry, const struct keeper_content *content, uint32_t wished)
{
    uint32_t limit = find_limit(entry, content);
    if (!serial_is_newer(wished, limit)) {
        return wished;
    }
    if (is_same(entry, content)) {
        return entry->serial;
    }
    return limit == entry->serial ? limit : entry->in_blocks ? entry->serial + 1 : limit;
}

static bool is_bound(const struct keeper *keeper, const struct entry *entry,
                     const struct keeper_content *content)
{
    return keeper->has_storage && content->policy != CONF_SERIAL_FILE && entry->has_serial &&
           (!is_same(entry, content) || follow_others(entry) != entry->serial);
}

static struct keeper_content get_content(const struct entry *entry, uint32_t now_s)
{
    return (struct keeper_content){.policy = entry->policy,
                                   .file_serial = entry->file_serial,
                                   .fingerprint = entry->fingerprint,
                                   .now_s = now_s};
}

static void set_waiting(struct keeper *keeper, struct entry *entry, bool waits)
{
    keeper->waiting += (size_t)waits - (size_t)entry->waits;
    entry->waits = waits;
}

static bool is_low(const struct keeper *keeper, const struct entry *entry, uint32_t now_s)
{
    return keeper->has_storage && entry->is_ours && entry->in_blocks &&
           (!entry->has_ceiling ||
            !serial_is_newer(entry->ceiling.number, newer_of(entry->serial, now_s) + KEEPER_BLOCK / 2));
}

static void remember(struct entry *entry, const struct keeper_content *content)
{
    entry->policy = content->policy;
    entry->file_serial = content->file_serial;
    entry->fingerprint = content->fingerprint;
    entry->is_ours = content->policy != CONF_SERIAL_FILE;
}

bool keeper_reserve(struct keeper *keeper, const uint8_t *apex, const struct keeper_content *content,
                    bool in_blocks)
{
    struct entry *entry = get_entry(keeper, apex);
    entry->in_blocks = in_blocks;
    if (!keeper->has_storage || content->policy == CONF_SERIAL_FILE) {
        return false;
    }
    entry->is_ours = true;
    entry->wanted = wish(entry, content);
    entry->wanted_fingerprint = content->fingerprint;
    entry->has_wanted = true;
    return is_low(keeper, entry, content->now_s) || !entry->has_ceiling ||
           serial_is_newer(entry->wanted, entry->ceiling.number);
}

struct keeper_decision keeper_decide(struct keeper *keeper, const uint8_t *apex,
                                     const struct keeper_content *content)
{
    struct entry *entry = get_entry(keeper, apex);
    bool is_new = !entry->has_serial, same = is_same(entry, content);
    uint32_t serial = wish(entry, content);
    bool waits = false;
    if (is_bound(keeper, entry, content)) {
        serial = make_do(entry, content, serial);
        waits = serial == entry->serial;
    }
    struct keeper_decision decision = {
        .serial = serial,
        .is_news = !entry->is_seen || serial != entry->serial,
        .is_silent = !is_new && !same && !waits && serial == entry->serial,
        .is_older = !is_new && serial != entry->serial && !serial_is_newer(serial, entry->serial),
        .is_waiting = waits && !same,
    };
    entry->serial = serial;
    entry->is_blurred = waits && !same;
    entry->has_serial = entry->is_seen = true;
    remember(entry, content);
    /* others may be so far ahead that it has to be kept first */
    waits |= is_bound(keeper, entry, content);
    set_waiting(keeper, entry, waits);
    decision.is_low = waits || is_low(keeper, entry, content->now_s);
    return decision;
}

bool keeper_hear(struct keeper *keeper, const uint8_t *apex, const struct keeper_heard *heard, uint32_t now_s,
                 struct keeper_decision *decision)
{
    struct entry *entry = get_entry(keeper, apex);
    if (!entry->has_heard || !serial_is_newer(entry->heard.serial, heard->serial)) {
        entry->heard = *heard;
        entry->has_heard = true;
    }
    const struct keeper_content content = get_content(entry, now_s);
    if (!entry->is_seen || entry->policy == CONF_SERIAL_FILE || !is_same(entry, &content) ||
        wish(entry, &content) == entry->serial) {
        return false;
    }
    uint32_t before = entry->serial;
    *decision = keeper_decide(keeper, apex, &content);
    return decision->serial != before;
}

size_t keeper_count_waiting(const struct keeper *keeper)
{
    return keeper->waiting;
}

bool keeper_go_on(struct keeper *keeper, const uint8_t *apex, uint32_t now_s,
                  struct keeper_decision *decision)
{
    const struct entry *entry = get_entry(keeper, apex);
    if (!entry->waits) {
        return false;
    }
    const struct keeper_content content = get_content(entry, now_s);
    uint32_t before = entry->serial;
    *decision = keeper_decide(keeper, apex, &content);
    return decision->serial != before;
}

/* ---- text ---- */

/* What is to be kept of an entry. */
static struct kept describe(const struct keeper *keeper, const struct entry *entry, uint32_t now_s)
{
    struct kept kept = {entry->serial, entry->has_serial && !entry->is_blurred, entry->fingerprint};
    if (keeper->is_sealed) {
        return kept;
    }
    if (entry->has_wanted && (!entry->has_serial || serial_is_newer(entry->wanted, entry->serial))) {
        kept = (struct kept){entry->wanted, true, entry->wanted_fingerprint};
    } else if (entry->waits) {
        const struct keeper_content content = get_content(entry, now_s);
        kept.number = wish(entry, &content);
    }
    if (entry->in_blocks) {
        kept = (struct kept){.number = newer_of(kept.number, now_s) + KEEPER_BLOCK};
    }
    return kept;
}

static void write_entry(const struct keeper *keeper, struct entry *entry, uint32_t now_s, struct buffer *to)
{
    char origin[DNS_NAME_TEXT_SIZE];
    struct kept kept = describe(keeper, entry, now_s);
    entry->written = kept;
    entry->is_written = true;
    if (entry->has_ceiling && !serial_is_newer(kept.number, entry->ceiling.number)) {
        entry->ceiling = kept; /* at once: the file may say so before we hear of it */
    }
    buffer_print(to, "%s %" PRIu32 " ", dns_name_write(entry->apex, origin), kept.number);
    if (kept.is_exact) {
        buffer_print(to, "%016" PRIx64 "\n", kept.fingerprint);
    } else {
        buffer_add_text(to, "-\n");
    }
}

bool keeper_write(struct keeper *keeper, size_t *at, size_t max, uint32_t now_s, struct buffer *to)
{
    if (*at == 0) {
        buffer_add_text(to, "# serials of steerd: zone, number, fingerprint of its content\n");
    }
    for (size_t end = *at + max; *at < keeper->count && *at < end; (*at)++) {
        struct entry *entry = keeper->list[*at];
        entry->is_written = false;
        if (entry->is_ours && (entry->has_serial || entry->has_wanted)) {
            write_entry(keeper, entry, now_s, to);
        }
    }
    return *at < keeper->count;
}

bool keeper_kept(struct keeper *keeper, size_t *at, size_t max)
{
    for (size_t end = *at + max; *at < keeper->count && *at < end; (*at)++) {
        struct entry *entry = keeper->list[*at];
        if (entry->is_written) {
            entry->ceiling = entry->written;
            entry->has_ceiling = true;
            entry->is_written = false;
        }
    }
    return *at < keeper->count;
}

void keeper_seal(struct keeper *keeper)
{
    keeper->is_sealed = true;
}

void keeper_unseal(struct keeper *keeper)
{
    keeper->is_sealed = false;
}

/* Cuts the line into its words. */
static bool parse_line(struct keeper *keeper, char *line)
{
    uint8_t apex[DNS_NAME_MAX];
    uint64_t serial, fingerprint = 0;
    char *rest = NULL, *origin = strtok_r(line, " ", &rest), *number = strtok_r(NULL, " ", &rest),
         *hash = strtok_r(NULL, " ", &rest);
    if (hash == NULL || strtok_r(NULL, " ", &rest) != NULL || !number_read(number, 10, UINT32_MAX, &serial)) {
        return false;
    }
    bool is_blurred = strcmp(hash, "-") == 0;
    if (!is_blurred && !number_read(hash, 16, UINT64_MAX, &fingerprint)) {
        return false;
    }
    int len = dns_name_parse(origin, NULL, apex);
    if (len < 0) {
        return false;
    }
    dns_name_lower(apex, (size_t)len);
    struct entry *entry = get_entry(keeper, apex);
    entry->serial = (uint32_t)serial;
    entry->ceiling = (struct kept){(uint32_t)serial, !is_blurred, fingerprint};
    entry->fingerprint = fingerprint;
    entry->is_blurred = is_blurred;
    entry->has_serial = entry->has_ceiling = entry->is_ours = true;
    return true;
}

/* What every zone that was read is served with next is none that it was served with since then. */
static void go_above(struct keeper *keeper, uint32_t then_s, uint32_t now_s)
{
    uint32_t since_s = serial_is_newer(now_s, then_s) ? now_s - then_s : 0;
    for (size_t i = 0; i < keeper->count; i++) {
        struct entry *entry = keeper->list[i];
        entry->serial += since_s + KEEPER_BLOCK;
        entry->ceiling = (struct kept){.number = entry->serial};
        entry->is_blurred = true;
    }
}

static bool parse_restored(const char *line, uint32_t *then_s)
{
    uint64_t number;
    size_t len = strlen(KEEPER_RESTORED);
    bool is_one =
        strncmp(line, KEEPER_RESTORED, len) == 0 && number_read(line + len, 10, UINT32_MAX, &number);
    *then_s = is_one ? (uint32_t)number : *then_s;
    return is_one;
}

size_t keeper_parse(struct keeper *keeper, const char *text, size_t len, uint32_t now_s)
{
    size_t bad = 0;
    uint32_t then_s = 0;
    bool is_copy = false;
    for (size_t at = 0; at < len;) {
        char line[DNS_NAME_TEXT_SIZE + 64];
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - text) - at;
        bool fits = end != NULL && line_len < sizeof line; /* a line without its end was cut */
        if (fits) {
            memcpy(line, text + at, line_len);
            line[line_len] = '\0';
        }
        /* a name may begin with '#', but has no space */
        bad += !fits || (strncmp(line, "# ", 2) != 0 && !parse_line(keeper, line));
        is_copy |= fits && parse_restored(line, &then_s);
        at += line_len + 1;
    }
    if (is_copy) {
        go_above(keeper, then_s, now_s);
    }
    return bad;
}
