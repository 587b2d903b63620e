/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was kept of health goes into the first view: see last.h. The records make a machine of the old plan,
 * and the new one takes over from it what it would have taken over in a reload. So a restart is a reload
 * after which nothing was heard for a while.
 *
 * For how long is measured by the clock that runs on in sleep, if the machine has not been switched off
 * since; else by the wall clock, and if that is behind what was written it is not known: then nothing has
 * aged. */
#include "config.h"

#include "daemon/last.h"

#include "daemon/last_kinds.h"
#include "daemon/server.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/trail.h"
#include "view/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct known_host {
    const char *name;
    struct view_news news[VIEW_FAMILIES]; /* addresses are those of `addresses` */
    struct addr addresses[VIEW_FAMILIES][VIEW_ADDRESSES_MAX];
};

struct last_memory {
    struct health_reader *reader;
    struct arena *arena;
    struct known_host **hosts;
    size_t host_count, host_capacity;
    char boot[CLOCK_BOOT_SIZE];
    int64_t wall_ms, now_ms, boot_ms; /* of the last moment */
    bool is_whole;
};

/* ---- records ---- */

static bool read_boot(struct last_memory *r, const struct health_record *record)
{
    if (record->len >= sizeof r->boot) {
        return false;
    }
    memcpy(r->boot, record->body, record->len);
    r->boot[record->len] = '\0';
    return true;
}

static bool read_moment(struct last_memory *r, const struct health_record *record)
{
    struct cursor body = cursor_init_const(record->body, record->len);
    int64_t wall_ms = cursor_read_i64(&body), now_ms = cursor_read_i64(&body),
            boot_ms = cursor_read_i64(&body);
    if (body.failed || wall_ms < 0 || now_ms < 0 || boot_ms < 0) {
        return false;
    }
    r->wall_ms = wall_ms;
    r->now_ms = now_ms;
    r->boot_ms = boot_ms;
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
    news->error = state == VIEW_HOST_FAILING ? "not looked up since the start" : NULL;
    news->addresses = host->addresses[family];
    news->count = count;
    return !body->failed;
}

/* By number, and each number once before another one changes: as they were written. */
static bool read_host(struct last_memory *r, const struct health_record *record)
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

static bool read_record(struct last_memory *r, const struct health_record *record)
{
    switch (record->kind) {
    case LAST_HEAD: return read_boot(r, record);
    case LAST_MOMENT: return read_moment(r, record);
    case LAST_HOST: return read_host(r, record);
    case LAST_WHOLE: r->is_whole = true; return true;
    default: return health_reader_take(r->reader, record) == 0;
    }
}

static int read_frame(void *context, const uint8_t *bytes, size_t len)
{
    struct health_record record;
    size_t at = 0;
    int error;
    while ((error = health_record_next(bytes, len, &at, &record)) == 0) {
        if (!read_record(context, &record)) {
            return ERROR_SYNTAX;
        }
    }
    return error == ERROR_NOT_FOUND ? 0 : error;
}

/* ---- times ---- */

struct ages {
    int64_t down_ms;  /* 0 if that is not known */
    int64_t shift_ms; /* what makes its monotonic times ours */
    bool is_back;     /* the wall clock is behind it */
};

static struct ages find_ages(const struct last_memory *r, const struct clock *clock)
{
    char boot[CLOCK_BOOT_SIZE];
    int64_t wall_ms = clock_wall_ms(clock);
    struct ages ages = {.is_back = wall_ms < r->wall_ms};
    clock_read_boot(boot);
    if (boot[0] != '\0' && strcmp(boot, r->boot) == 0) {
        ages.down_ms = clock_boot_ms() - r->boot_ms;
        ages.down_ms = ages.down_ms < 0 ? 0 : ages.down_ms;
        return ages;
    }
    ages.down_ms = ages.is_back ? 0 : wall_ms - r->wall_ms;
    ages.shift_ms = clock_now_ms(clock) - ages.down_ms - r->now_ms;
    return ages;
}

/* ---- hosts ---- */

static int compare_names(const void *left, const void *right)
{
    const struct known_host *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static const struct known_host *find_host(const struct last_memory *r, const char *name)
{
    const struct known_host key = {.name = name}, *wanted = &key;
    struct known_host *const *found =
        r->host_count == 0
            ? NULL
            : bsearch(&wanted, r->hosts, r->host_count, sizeof(struct known_host *), compare_names);
    return found == NULL ? NULL : *found;
}

/* What they led to. Returns how many lead to something. */
static uint32_t restore_hosts(struct last_memory *r, struct view *view, int64_t wall_ms)
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
            updates[count++] =
                (struct view_host_update){.host = i, .news = {known->news[VIEW_V4], known->news[VIEW_V6]}};
            led += known->news[VIEW_V4].count + known->news[VIEW_V6].count != 0;
        }
    }
    (void)view_update_hosts(view, updates, count, wall_ms, NULL);
    free(updates);
    return led;
}

/* ---- all of it ---- */

static uint32_t count_restored(const struct health *health, uint32_t *unhealthy)
{
    struct health_monitor_status status;
    uint32_t count = 0;
    for (size_t i = 0; i < health_monitor_count(health); i++) {
        bool is_restored = health_get_monitor(health, (uint32_t)i, &status) == 0 && status.restored;
        count += is_restored;
        *unhealthy += is_restored && status.verdict == HEALTH_OBSERVED_UNHEALTHY;
    }
    return count;
}

static void put_into(struct last_memory *r, const struct server *server, struct health *from,
                     struct view *view, struct last_outcome *outcome)
{
    int64_t wall_ms = clock_wall_ms(&server->clock);
    health_carry(view->health, from, wall_ms);
    health_follow_time(view->health, clock_now_ms(&server->clock));
    outcome->hosts = restore_hosts(r, view, wall_ms);
    outcome->monitors = count_restored(view->health, &outcome->unhealthy);
}

static void restore(const struct server *server, struct last_memory *r, struct view *view, const char *path,
                    struct last_outcome *outcome)
{
    struct ages ages = find_ages(r, &server->clock);
    outcome->down_ms = ages.down_ms;
    if (ages.down_ms > view->server->last_health_ms) {
        outcome->state = LAST_OLD;
        log_warning("last health too old file=%s age_ms=%lld limit_ms=%u effect=\"nothing is known of "
                    "endpoints before their first checks\"",
                    path, (long long)ages.down_ms, view->server->last_health_ms);
        return;
    }
    const struct health_reading reading = {
        .wall_ms = clock_wall_ms(&server->clock), .shift_ms = ages.shift_ms, .is_restored = true};
    struct health *from = health_reader_finish(r->reader, &reading);
    if (from == NULL) {
        return;
    }
    size_t done = 0;
    while (ages.is_back && health_forget_outages(from, &done)) {
    }
    put_into(r, server, from, view, outcome);
    health_free(from);
    outcome->state = LAST_RESTORED;
    log_info("last health restored file=%s age_ms=%lld checks=%u unhealthy=%u hosts=%u", path,
             (long long)ages.down_ms, outcome->monitors, outcome->unhealthy, outcome->hosts);
    if (ages.is_back) {
        log_warning(
            "last health is of the future file=%s reason=\"the wall clock was set back\" effect=\"times "
            "of changes that are yet to come are those of the start\"",
            path);
    }
}

static void tell_broken(const char *path, const struct trail_reading *reading, bool is_used)
{
    static const char *const reasons[] = {[TRAIL_WHOLE] = "it is not complete",
                                          [TRAIL_TORN] = "it is torn",
                                          [TRAIL_FOREIGN] = "it is not of this version of steerd"};
    log_warning("last health %s file=%s good=%llu of=%llu reason=\"%s\" effect=\"%s\"",
                is_used ? "torn" : "not read", path, (unsigned long long)reading->good,
                (unsigned long long)reading->total,
                reading->end == TRAIL_UNREAD ? error_text(reading->error) : reasons[reading->end],
                is_used ? "what is known is from a moment before"
                        : "nothing is known of endpoints before their first checks");
}

static void forget(struct last_memory *memory)
{
    health_reader_free(memory->reader);
    arena_free(memory->arena);
    free(memory->hosts);
    free(memory);
}

static struct last_memory *read_file(const char *path, struct trail_reading *reading)
{
    struct last_memory *r = memory_alloc(sizeof *r);
    *r = (struct last_memory){.reader = health_reader_new(), .arena = arena_new(0)};
    trail_read(path, LAST_TITLE, read_frame, r, reading);
    return r;
}

static bool is_wanted(const struct view *view)
{
    return view->server->state_path != NULL && view->server->last_health_ms != 0 && view->topology != NULL;
}

struct last_memory *last_restore(const struct server *server, struct view *view, struct last_outcome *outcome)
{
    *outcome = (struct last_outcome){.state = LAST_NONE};
    if (!is_wanted(view)) {
        return NULL;
    }
    struct trail_reading reading;
    char *path = memory_print("%s/" LAST_FILE, view->server->state_path);
    struct last_memory *r = read_file(path, &reading);
    bool is_there = reading.end != TRAIL_UNREAD || reading.error != -ENOENT;
    outcome->state = is_there ? LAST_UNREAD : LAST_NONE;
    if (r->is_whole) {
        restore(server, r, view, path, outcome);
    }
    if (is_there && (reading.end != TRAIL_WHOLE || outcome->state == LAST_UNREAD)) {
        tell_broken(path, &reading, outcome->state != LAST_UNREAD);
    }
    free(path);
    if (outcome->state != LAST_RESTORED) {
        forget(r);
        r = NULL;
    }
    return r;
}

void last_adopt(struct server *server)
{
    const struct view *view = server->view;
    if (!is_wanted(view)) {
        return;
    }
    struct trail_reading reading;
    char *path = memory_print("%s/" LAST_FILE, view->server->state_path);
    struct last_memory *r = read_file(path, &reading);
    int64_t wall_ms = clock_wall_ms(&server->clock);
    struct ages ages = find_ages(r, &server->clock);
    struct health *from =
        !r->is_whole || ages.down_ms > view->server->last_health_ms
            ? NULL
            : health_reader_finish(r->reader, &(struct health_reading){.wall_ms = wall_ms,
                                                                       .shift_ms = ages.shift_ms,
                                                                       .is_restored = true});
    if (from != NULL) {
        lock_take(&server->lock);
        health_adopt(view->health, from, wall_ms);
        lock_leave(&server->lock);
        health_free(from);
    }
    forget(r);
    free(path);
}

void last_settle(struct last_memory *memory, struct view *view)
{
    if (memory != NULL) {
        health_reader_put_right(memory->reader, view->health);
        forget(memory);
    }
}
