/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading what was written down of health: see known.h. The bytes come from a disk that may have been torn:
 * what is behind the last good frame never was, and a record that says what cannot be ends what is read.
 *
 * A moment stands behind what it is the moment of. So who wants what held at T takes all records up to the
 * last moment that is not after T, in the order in which they were written: where the clock was set back,
 * that is the later of two. */
#include "config.h"

#include "past/known.h"

#include "base/arena.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "past/known_internal.h"
#include "past/last_kinds.h"
#include "view/hosts.h"

#include <stdlib.h>
#include <string.h>

struct known_host {
    const char *name;
    struct view_news news[VIEW_FAMILIES]; /* addresses are those of `addresses` */
    struct addr addresses[VIEW_FAMILIES][VIEW_ADDRESSES_MAX];
};

struct known {
    struct health_reader *reader;
    struct arena *arena;
    struct known_host **hosts;
    size_t host_count, host_capacity;
    char boot[FILE_BOOT_SIZE];
    struct known_moment moment; /* the last one */
    size_t left;                /* records that are to be taken; */
    int64_t until_ms;           /* behind them, up to the next moment, what came to be by then */
    int64_t timely;             /* the endpoint of which that was the latest; -1: none */
    bool is_whole;
};

/* ---- records ---- */

static bool read_boot(struct known *r, const struct health_record *record)
{
    if (record->len >= sizeof r->boot) {
        return false;
    }
    memcpy(r->boot, record->body, record->len);
    r->boot[record->len] = '\0';
    return true;
}

bool known_read_moment(const struct health_record *record, struct known_moment *moment)
{
    struct cursor body = cursor_init_const(record->body, record->len);
    struct known_moment read = {.wall_ms = cursor_read_i64(&body)};
    read.now_ms = cursor_read_i64(&body);
    read.boot_ms = cursor_read_i64(&body);
    if (body.failed || read.wall_ms < 0 || read.now_ms < 0 || read.boot_ms < 0) {
        return false;
    }
    *moment = read;
    return true;
}

static bool read_family(struct cursor *body, struct known_host *host, enum view_family family)
{
    struct view_news *news = &host->news[family];
    unsigned state = cursor_read_u8(body);
    news->answered_ms = cursor_read_i64(body);
    news->until_s = cursor_read_u32(body);
    size_t count = cursor_read_u8(body), size = family == VIEW_V4 ? 4 : 16;
    if (state >= VIEW_HOST_STATES || count > VIEW_ADDRESSES_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = cursor_take(body, size);
        if (bytes == NULL) {
            return false;
        }
        host->addresses[family][i] = (struct addr){.family = family == VIEW_V4 ? ADDR_V4 : ADDR_V6};
        memcpy(host->addresses[family][i].bytes, bytes, size);
    }
    news->state = (enum view_host_state)state;
    news->addresses = host->addresses[family];
    news->count = count;
    return !body->failed;
}

/* By number, and each number once before another one changes: as they were written. */
static bool read_host(struct known *r, const struct health_record *record)
{
    struct cursor body = cursor_init_const(record->body, record->len);
    uint32_t index = cursor_read_u32(&body);
    size_t len = cursor_read_u8(&body);
    const uint8_t *name = cursor_take(&body, len);
    if (name == NULL || index > r->host_count || memchr(name, 0, len) != NULL) {
        return false;
    }
    struct known_host *host = arena_alloc(r->arena, sizeof *host);
    char *text = arena_alloc(r->arena, len + 1);
    memcpy(text, name, len);
    host->name = text;
    if (!read_family(&body, host, VIEW_V4) || !read_family(&body, host, VIEW_V6)) {
        return false;
    }
    if (index == r->host_count) {
        r->hosts = memory_grow(r->hosts, r->host_count++, &r->host_capacity, sizeof(struct known_host *));
    }
    r->hosts[index] = host;
    return true;
}

static bool read_record(struct known *r, const struct health_record *record)
{
    switch (record->kind) {
    case LAST_HEAD: return read_boot(r, record);
    case LAST_MOMENT: return known_read_moment(record, &r->moment);
    case LAST_HOST: return read_host(r, record);
    case LAST_WHOLE: r->is_whole = true; return true;
    default: return health_reader_take(r->reader, record) == 0;
    }
}

/* A moment stands behind what happened since the one before, and each of that says itself when it was: so
 * what is known of a moment in between is exact for verdicts, while no brake changed its mind. An endpoint
 * that was by then what it is now was that for the same results, even if they came again. */
static bool is_timely(struct known *r, const struct health_record *record)
{
    struct health_gist gist = health_record_gist(record);
    bool is_by_then = health_record_is_between(record, r->moment.wall_ms, r->until_ms);
    if (gist.kind == HEALTH_GIST_ENDPOINT) {
        r->timely = is_by_then ? (int64_t)gist.index : -1;
    } else if (gist.kind == HEALTH_GIST_RESULT && r->timely != -1) {
        is_by_then |= health_reader_find_endpoint(r->reader, gist.index) == r->timely;
    }
    return is_by_then;
}

/* Returns whether it is good. */
static bool read_later(struct known *r, const struct health_record *record)
{
    if (record->kind >= HEALTH_RECORD_KINDS && record->kind != LAST_HOST) {
        r->until_ms = INT64_MIN;
        return true;
    }
    return !is_timely(r, record) || health_reader_take(r->reader, record) == 0;
}

static int read_frame(void *context, const uint8_t *bytes, size_t len)
{
    struct known *known = context;
    struct health_record record;
    size_t at = 0;
    int error = 0;
    while ((known->left != 0 || known->until_ms != INT64_MIN) &&
           (error = health_record_next(bytes, len, &at, &record)) == 0) {
        bool is_good = known->left != 0 ? read_record(known, &record) : read_later(known, &record);
        if (!is_good) {
            return ERROR_SYNTAX;
        }
        known->left -= known->left != 0;
    }
    return error == ERROR_NOT_FOUND ? 0 : error;
}

/* ---- hosts ---- */

static int compare_names(const void *left, const void *right)
{
    const struct known_host *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static const struct known_host *find_host(const struct known *r, const char *name)
{
    const struct known_host key = {.name = name}, *wanted = &key;
    struct known_host *const *found =
        r->host_count == 0
            ? NULL
            : bsearch(&wanted, r->hosts, r->host_count, sizeof(struct known_host *), compare_names);
    return found == NULL ? NULL : *found;
}

static struct view_news find_news(const struct known_host *known, enum view_family family, const char *error)
{
    struct view_news news = known->news[family];
    news.error = news.state == VIEW_HOST_FAILING ? error : NULL;
    return news;
}

uint32_t known_put_hosts(struct known *r, struct view *view, int64_t wall_ms, const char *error)
{
    struct view_host_update *updates = memory_alloc_array(view->host_count, sizeof *updates);
    size_t count = 0;
    uint32_t led = 0;
    if (r->host_count != 0) {
        qsort(r->hosts, r->host_count, sizeof(struct known_host *), compare_names);
    }
    for (size_t i = 0; i < view->host_count; i++) {
        const struct known_host *known = find_host(r, view->hosts[i].conf->name);
        if (known != NULL && view->hosts[i].loop == NULL) {
            updates[count++] = (struct view_host_update){
                .host = i, .news = {find_news(known, VIEW_V4, error), find_news(known, VIEW_V6, error)}};
            led += known->news[VIEW_V4].count + known->news[VIEW_V6].count != 0;
        }
    }
    (void)view_update_hosts(view, updates, count, wall_ms, NULL);
    free(updates);
    return led;
}

/* ---- a file ---- */

struct known *known_read_records(const char *path, size_t count, int64_t until_ms,
                                 struct trail_reading *reading)
{
    struct known *known = memory_alloc(sizeof *known);
    *known = (struct known){.reader = health_reader_new(),
                            .arena = arena_new(0),
                            .left = count,
                            .until_ms = until_ms,
                            .timely = -1};
    trail_read(path, LAST_TITLE, read_frame, known, reading);
    return known;
}

struct known *known_read(const char *path, struct trail_reading *reading)
{
    return known_read_records(path, SIZE_MAX, INT64_MIN, reading);
}

void known_free(struct known *known)
{
    if (known != NULL) {
        health_reader_free(known->reader);
        arena_free(known->arena);
        free(known->hosts);
        free(known);
    }
}

bool known_is_whole(const struct known *known)
{
    return known->is_whole;
}

struct known_moment known_get_moment(const struct known *known)
{
    return known->moment;
}

const char *known_get_boot(const struct known *known)
{
    return known->boot;
}

/* ---- into a view ---- */

struct health *known_make_health(struct known *known, const struct health_reading *reading)
{
    return health_reader_finish(known->reader, reading);
}

void known_put_right(const struct known *known, struct view *view)
{
    health_reader_put_right(known->reader, view->health);
}

/* The writer's monotonic time at that moment. */
static int64_t find_now(const struct known_moment *moment, int64_t at_ms)
{
    int64_t now_ms;
    bool is_later = at_ms > moment->wall_ms;
    return is_later && !__builtin_add_overflow(moment->now_ms, at_ms - moment->wall_ms, &now_ms)
               ? now_ms
               : moment->now_ms;
}

/* Somebody was there, who would have said that a load is none any more; in a gap there was nobody. */
static int64_t find_alive(const struct known_moment *moment, int64_t now_ms)
{
    return now_ms - moment->now_ms < KNOWN_GAP_MS ? now_ms : moment->now_ms;
}

int known_put_into(struct known *known, struct view *view, int64_t at_ms, int64_t *now_ms)
{
    *now_ms = find_now(&known->moment, at_ms);
    const struct health_reading reading = {
        .wall_ms = at_ms, .now_ms = *now_ms, .alive_ms = find_alive(&known->moment, *now_ms)};
    struct health *from = known_make_health(known, &reading);
    if (from == NULL) {
        return ERROR_INVALID;
    }
    health_carry(view->health, from, at_ms);
    health_follow_time(view->health, *now_ms);
    (void)known_put_hosts(known, view, at_ms, "it was not looked up again by then");
    health_free(from);
    return 0;
}
