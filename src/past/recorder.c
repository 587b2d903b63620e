/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Segments of past health, while they are written: see recorder.h. */
#include "config.h"

#include "past/recorder.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/trail.h"
#include "past/hold.h"
#include "past/known.h"
#include "past/known_internal.h"
#include "past/last_kinds.h"
#include "past/segments.h"
#include "past/sieve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FRAME = 60 * 1024,      /* octets that are worth a frame */
    WAIT_MOST = 4 << 20,    /* octets that wait for a disk */
    RETRY_MS = 1000,        /* to begin a segment that could not be begun; */
    RETRY_MOST_MS = 300000, /* doubled up to this */
    AGES_MS = 10000,        /* between rounds of ages, and no more than so many octets a second of them: */
    AGES_RATE = 256,
    SMALLEST = 1024 * 1024,  /* octets: a segment below this is not begun anew for its size */
    CHANGES_MOST = 64 << 20, /* octets of changes */
    DELTA_MOST = 8 << 20,    /* octets of a whole that are news */
    EVERY_MOST = 24,         /* times as old as is wished */
};

struct recorder {
    const char *state;
    const struct clock *clock;
    struct recorder_limits limits;
    struct recorder_span *span; /* NULL: nothing goes for its age */
    struct trail trail;         /* the segment; not in use while begun_ms is 0 */
    int64_t begun_ms;           /* wall */
    int64_t opened_ms;          /* monotonic */
    uint64_t whole;             /* octets of it when it was begun */
    struct sieve *sieve, *next; /* what is in it; of a whole machine that comes, NULL: none does */
    struct buffer news;         /* that wait to be written */
    struct buffer delta;        /* of the next whole */
    struct buffer moment;       /* the last one, if it was not written */
    int64_t told_ms;            /* monotonic: when a moment was written */
    bool has_news;              /* since */
    bool is_resumed;            /* of the process before, and nothing was added yet */
    char boot[FILE_BOOT_SIZE];  /* if so */
    bool passes_ages;           /* in this round */
    int64_t aged_ms;            /* monotonic: when the last such round began */
    uint64_t ages;              /* octets of it */
    int64_t retry_ms, retry_wait_ms;
    int64_t held_ms, held_retry_ms; /* monotonic: removing is held off since; to try again. 0: it is not */
    struct recorder_stats stats;
};

struct recorder *recorder_new(const char *state, const struct clock *clock)
{
    struct recorder *r = memory_alloc(sizeof *r);
    *r = (struct recorder){.state = state,
                           .clock = clock,
                           .limits = {.every_ms = SEGMENTS_EVERY_MS, .octets = SEGMENTS_OCTETS},
                           .retry_wait_ms = RETRY_MS};
    buffer_init(&r->news);
    buffer_init(&r->delta);
    buffer_init(&r->moment);
    return r;
}

static int64_t now_ms(const struct recorder *r)
{
    return clock_now_ms(r->clock);
}

/* ---- the segment ---- */

/* What waits, as one frame. It stays there if that fails. */
static int flush(struct recorder *r)
{
    if (r->news.len == 0) {
        return 0;
    }
    int error = trail_add(&r->trail, r->news.bytes, r->news.len);
    if (error == 0) {
        r->stats.octets += r->news.len;
        r->news.len = 0;
    }
    return error;
}

static void add_record(struct buffer *to, const struct health_record *record)
{
    health_record_add(to, record->kind, record->body, record->len);
}

/* Somebody was there until then. */
static int add_moment(struct recorder *r)
{
    buffer_add(&r->news, r->moment.bytes, r->moment.len);
    r->moment.len = 0;
    r->told_ms = now_ms(r);
    r->has_news = false;
    return flush(r);
}

static void end_segment(struct recorder *r)
{
    if (r->begun_ms != 0) {
        (void)add_moment(r); /* what follows says the rest */
        trail_fini(&r->trail);
    }
    r->begun_ms = 0;
    r->is_resumed = false;
    r->news.len = r->moment.len = 0;
    sieve_free(r->sieve);
    r->sieve = NULL;
}

void recorder_free(struct recorder *r)
{
    if (r != NULL) {
        end_segment(r);
        sieve_free(r->next);
        buffer_fini(&r->news);
        buffer_fini(&r->delta);
        buffer_fini(&r->moment);
        free(r->span);
        free(r);
    }
}

static void wait_longer(struct recorder *r)
{
    r->retry_ms = now_ms(r) + r->retry_wait_ms;
    r->retry_wait_ms = r->retry_wait_ms * 2 < RETRY_MOST_MS ? r->retry_wait_ms * 2 : RETRY_MOST_MS;
}

bool recorder_is_due(const struct recorder *r)
{
    if (r->begun_ms == 0 || now_ms(r) < r->retry_ms) {
        return now_ms(r) >= r->retry_ms;
    }
    int64_t age_ms = now_ms(r) - r->opened_ms;
    uint64_t changes = r->trail.size - r->whole;
    return (r->trail.size > SMALLEST && (changes > r->whole || changes > CHANGES_MOST)) ||
           (age_ms >= r->limits.every_ms && changes > r->whole) || age_ms / EVERY_MOST >= r->limits.every_ms;
}

/* ---- what is too much ---- */

/* May segments be removed? Later, if somebody reads them. */
static bool begin_sweep(struct recorder *r, int *fd)
{
    if (!hold_begin_sweep(r->state, SEGMENTS_FOLDER, fd) &&
        (r->held_ms == 0 || now_ms(r) - r->held_ms < HOLD_MOST_MS)) {
        r->held_ms = r->held_ms == 0 ? now_ms(r) : r->held_ms;
        r->held_retry_ms = now_ms(r) + HOLD_RETRY_MS;
        return false;
    }
    r->held_ms = r->held_retry_ms = 0;
    return true;
}

static void sweep(struct recorder *r)
{
    size_t removed;
    int fd;
    if (!begin_sweep(r, &fd)) {
        return;
    }
    const struct recorder_span *span = r->span;
    const struct segments_limits limits = {.keep_ms = span == NULL ? INT64_MIN : span->keep_ms,
                                           .moments = span == NULL ? NULL : span->moments,
                                           .moment_count = span == NULL ? 0 : span->moment_count,
                                           .octets = r->limits.octets,
                                           .live_ms = r->begun_ms};
    (void)segments_sweep(r->state, &limits, &removed); /* what stays is more than there should be, for now */
    hold_end_sweep(fd);
    r->stats.removed += removed;
}

/* ---- what changes ---- */

static int take_ages(struct recorder *r, const struct health_record *record, bool is_first)
{
    if (is_first) {
        int64_t pause_ms = (int64_t)(r->ages * 1000 / AGES_RATE);
        r->passes_ages = now_ms(r) - r->aged_ms >= (pause_ms > AGES_MS ? pause_ms : AGES_MS);
        r->aged_ms = r->passes_ages ? now_ms(r) : r->aged_ms;
        r->ages = r->passes_ages ? 0 : r->ages;
    }
    if (r->passes_ages) {
        add_record(&r->news, record);
        r->has_news = true;
        r->ages += record->len;
    }
    return r->news.len < FRAME ? 0 : flush(r);
}

static int take_moment(struct recorder *r, const struct health_record *record)
{
    r->moment.len = 0;
    add_record(&r->moment, record);
    return r->has_news || now_ms(r) - r->told_ms >= KNOWN_BEAT_MS ? add_moment(r) : 0;
}

static int take_change(struct recorder *r, const struct health_record *record)
{
    enum sieve_word word = sieve_take(r->sieve, NULL, record);
    switch (word) {
    case SIEVE_NEWS:
        add_record(&r->news, record);
        r->has_news = true;
        return r->news.len < FRAME ? 0 : flush(r);
    case SIEVE_ROUND:
    case SIEVE_AGES: return take_ages(r, record, word == SIEVE_ROUND);
    case SIEVE_MOMENT: return take_moment(r, record);
    default: return 0;
    }
}

/* ---- a whole machine ---- */

void recorder_begin(struct recorder *r)
{
    sieve_free(r->next);
    r->next = sieve_new();
    r->delta.len = 0;
}

static void take_part(struct recorder *r, const struct health_record *record)
{
    enum sieve_word word = sieve_take(r->next, r->sieve, record);
    if (word == SIEVE_MOMENT || (word == SIEVE_NEWS && r->sieve != NULL)) {
        add_record(&r->delta, record);
    }
}

int recorder_take(struct recorder *r, const void *bytes, size_t len)
{
    struct health_record record;
    size_t at = 0;
    int error = 0;
    while (health_record_next(bytes, len, &at, &record) == 0) {
        if (r->next != NULL) {
            take_part(r, &record);
        } else if (r->begun_ms != 0) {
            int failed = take_change(r, &record);
            error = error == 0 ? failed : error;
        }
    }
    if (r->begun_ms != 0 && (r->trail.fd == -1 || r->news.len > WAIT_MOST)) {
        end_segment(r);
        wait_longer(r);
    }
    if (r->held_retry_ms != 0 && now_ms(r) >= r->held_retry_ms) {
        sweep(r);
    }
    return error;
}

static int make_folder(const struct recorder *r)
{
    char *path = memory_print("%s/" SEGMENTS_FOLDER, r->state);
    int error = mkdir(path, 0700) == -1 && errno != EEXIST ? -errno : 0;
    free(path);
    return error;
}

/* A name that nobody has. */
static int64_t find_name(const struct recorder *r)
{
    for (int64_t begun_ms = clock_wall_ms(r->clock);; begun_ms++) {
        char *path = segments_write_path(r->state, begun_ms);
        bool is_there = access(path, F_OK) == 0;
        free(path);
        if (!is_there) {
            return begun_ms;
        }
    }
}

struct copy {
    struct trail *to;
    int error;
};

static int copy_frame(void *context, const uint8_t *bytes, size_t len)
{
    struct copy *copy = context;
    copy->error = trail_add(copy->to, bytes, len);
    return copy->error;
}

static int copy_file(struct trail *to, const char *path)
{
    struct trail_reading reading;
    struct copy copy = {.to = to, .error = trail_begin(to)};
    if (copy.error == 0) {
        trail_read(path, LAST_TITLE, copy_frame, &copy, &reading);
        copy.error = copy.error == 0 && reading.end != TRAIL_WHOLE
                         ? (reading.end == TRAIL_UNREAD ? reading.error : ERROR_SYNTAX)
                         : copy.error;
    }
    return copy.error == 0 ? trail_settle(to) : copy.error;
}

void recorder_set_limits(struct recorder *r, const struct recorder_limits *limits)
{
    r->limits = *limits;
    sweep(r);
}

void recorder_keep(struct recorder *r, struct recorder_span *span)
{
    free(r->span);
    r->span = span;
    sweep(r);
}

struct recorder_span *recorder_copy_span(const struct recorder_span *span)
{
    size_t len = span->moment_count * sizeof *span->moments;
    struct recorder_span *copy = memory_alloc(sizeof *copy + len);
    int64_t *moments = (int64_t *)(copy + 1);
    *copy = *span;
    copy->moments = moments;
    if (len != 0) {
        memcpy(moments, span->moments, len);
    }
    return copy;
}

/* If it fails there is still the one before. */
static int begin_segment(struct recorder *r, const char *path)
{
    struct trail trail;
    int error = make_folder(r);
    segments_tidy(r->state);
    int64_t begun_ms = find_name(r);
    char *name = segments_write_path(r->state, begun_ms);
    trail_init(&trail, name, LAST_TITLE);
    free(name);
    error = error == 0 ? copy_file(&trail, path) : error;
    if (error != 0) {
        trail_fini(&trail);
        wait_longer(r);
        return error;
    }
    end_segment(r);
    r->trail = trail;
    r->begun_ms = begun_ms;
    r->opened_ms = r->told_ms = r->aged_ms = now_ms(r);
    r->whole = trail.size;
    r->retry_ms = 0;
    r->retry_wait_ms = RETRY_MS;
    r->has_news = r->passes_ages = false;
    r->ages = 0;
    r->stats.segments++;
    r->stats.octets += trail.size;
    sweep(r);
    return 0;
}

/* The same objects, as after a reload: what is new of them, and it goes on. */
static int go_on(struct recorder *r)
{
    r->moment.len = 0; /* a later one is in there */
    if (r->is_resumed) {
        health_record_add(&r->news, LAST_HEAD, r->boot, strlen(r->boot));
        r->is_resumed = false;
    }
    buffer_add(&r->news, r->delta.bytes, r->delta.len);
    r->told_ms = now_ms(r);
    r->has_news = r->passes_ages = false;
    return flush(r);
}

/* What it begins with is then known of the present segment, if there is one. */
static void swap(struct recorder *r)
{
    sieve_free(r->sieve);
    r->sieve = r->next;
    r->next = NULL;
}

int recorder_settle(struct recorder *r, const char *path)
{
    bool follows = r->begun_ms != 0 && r->delta.len < DELTA_MOST && sieve_follows(r->next, r->sieve);
    bool is_little = r->delta.len < FRAME || r->delta.len < r->whole / 2;
    int error = follows && is_little && !recorder_is_due(r) ? go_on(r) : begin_segment(r, path);
    if (error == 0) {
        swap(r);
    } else if (follows) {
        (void)go_on(r);
        swap(r);
    } else {
        end_segment(r);
    }
    recorder_abandon(r);
    return error;
}

void recorder_abandon(struct recorder *r)
{
    sieve_free(r->next);
    r->next = NULL;
    r->delta.len = 0;
}

void recorder_pause(struct recorder *r)
{
    end_segment(r);
}

/* ---- of the process before ---- */

struct resumption {
    struct sieve *sieve;
    char boot[FILE_BOOT_SIZE];
    struct known_moment moment;
    uint64_t octets, whole; /* up to here; up to where it was whole: 0, not yet */
};

static int resume_frame(void *context, const uint8_t *bytes, size_t len)
{
    enum { HEAD = 12 };
    struct resumption *resumption = context;
    struct health_record record;
    size_t at = 0;
    int error;
    while ((error = health_record_next(bytes, len, &at, &record)) == 0) {
        enum sieve_word word = sieve_take(resumption->sieve, NULL, &record);
        bool is_good = word != SIEVE_MOMENT || known_read_moment(&record, &resumption->moment);
        if (record.kind == LAST_HEAD) {
            is_good = record.len < sizeof resumption->boot;
            memset(resumption->boot, 0, sizeof resumption->boot);
            memcpy(resumption->boot, record.body, is_good ? record.len : 0);
        }
        if (!is_good) {
            return ERROR_SYNTAX;
        }
        resumption->whole = record.kind == LAST_WHOLE ? resumption->octets + HEAD + len : resumption->whole;
    }
    resumption->octets += HEAD + len;
    return error == ERROR_NOT_FOUND ? 0 : error;
}

/* Takes the sieve if it can go on. */
static bool enter_segment(struct recorder *r, int64_t begun_ms, const char *boot, struct resumption *from)
{
    struct trail_reading reading;
    char *path = segments_write_path(r->state, begun_ms);
    trail_read(path, LAST_TITLE, resume_frame, from, &reading);
    bool is_same = from->whole != 0 && boot[0] != '\0' && strcmp(from->boot, boot) == 0 &&
                   from->moment.wall_ms <= clock_wall_ms(r->clock) && begun_ms <= from->moment.wall_ms;
    if (is_same) {
        trail_init(&r->trail, path, LAST_TITLE);
        is_same = trail_resume(&r->trail, reading.good) == 0;
        if (!is_same) {
            trail_fini(&r->trail);
        }
    }
    free(path);
    return is_same;
}

void recorder_resume(struct recorder *r, const char *boot)
{
    struct segments list;
    struct resumption from = {.sieve = sieve_new(), .octets = strlen(LAST_TITLE)};
    int error = segments_list(r->state, &list);
    int64_t begun_ms = error == 0 && list.count != 0 ? list.items[list.count - 1].begun_ms : 0;
    segments_fini(&list);
    if (begun_ms == 0 || !enter_segment(r, begun_ms, boot, &from)) {
        sieve_free(from.sieve);
        return;
    }
    r->sieve = from.sieve;
    r->begun_ms = begun_ms;
    r->opened_ms = now_ms(r) - (clock_wall_ms(r->clock) - begun_ms);
    r->told_ms = r->aged_ms = now_ms(r);
    r->whole = from.whole;
    r->is_resumed = true;
    memcpy(r->boot, from.boot, sizeof r->boot);
}

void recorder_get_stats(const struct recorder *r, struct recorder_stats *stats)
{
    *stats = r->stats;
    stats->begun_ms = r->begun_ms;
}
