/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See keep.h. The loop's thread leaves what is to be written in one place; the scribe takes it from there,
 * and tries the same again if the disk does not take it and nothing newer has come. */
#include "config.h"

#include "herald/keep.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/scribe.h"
#include "base/statefile.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SOON_MS = 100, EVERY_MS = 1000, PATIENCE_MS = 1000, MODE = 0600 };

struct keep {
    char *path;
    void (*copy)(void *context, struct box *box);
    void *context;
    struct clock clock;
    struct event *timer;
    int64_t asked_ms; /* the latest time */
    struct scribe *scribe;
    _Atomic(struct box *) next; /* the latest one, not taken yet */
    struct box *current;        /* the scribe's */
};

static void free_box(struct box *box)
{
    if (box != NULL) {
        box_fini(box);
        free(box);
    }
}

/* On the thread of the scribe. */
static int save(void *context)
{
    struct keep *keep = context;
    struct buffer text;
    struct box *next = atomic_exchange(&keep->next, NULL);
    if (next != NULL) {
        free_box(keep->current);
        keep->current = next;
    }
    if (keep->current == NULL) {
        return 0;
    }
    buffer_init(&text);
    box_write(keep->current, &text);
    int error = statefile_write(keep->path, MODE, text.bytes, text.len);
    buffer_fini(&text);
    if (error == 0) {
        free_box(keep->current);
        keep->current = NULL;
    }
    return error;
}

void keep_now(struct keep *keep)
{
    struct box *box = memory_alloc(sizeof *box);
    keep->copy(keep->context, box);
    free_box(atomic_exchange(&keep->next, box));
    keep->asked_ms = clock_now_ms(&keep->clock);
    (void)event_del(keep->timer);
    scribe_ask(keep->scribe);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    keep_now(argument);
}

void keep_soon(struct keep *keep)
{
    if (event_pending(keep->timer, EV_TIMEOUT, NULL) == 0) {
        int64_t left_ms = keep->asked_ms + EVERY_MS - clock_now_ms(&keep->clock);
        left_ms = keep->asked_ms == 0 || left_ms < SOON_MS ? SOON_MS : left_ms;
        event_add(keep->timer,
                  &(const struct timeval){.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000});
    }
}

bool keep_is_calm(struct keep *keep)
{
    return scribe_is_idle(keep->scribe);
}

int keep_error(const struct keep *keep)
{
    return scribe_error(keep->scribe);
}

int keep_read(const char *path, struct box *box)
{
    struct file file;
    char *text = NULL;
    size_t len = 0;
    *box = (struct box){.is_clean = true};
    int error = statefile_read(path, &file, &text, &len);
    if (error == 0 && len != 0) {
        error = box_parse(text, len, box);
    }
    free(text);
    return error;
}

struct keep *keep_open(struct event_base *base, const char *path,
                       void (*copy)(void *context, struct box *box), void *context)
{
    struct keep *keep = memory_alloc(sizeof *keep);
    keep->path = memory_copy_text(path);
    keep->copy = copy;
    keep->context = context;
    clock_init(&keep->clock);
    keep->timer = evtimer_new(base, on_timer, keep);
    keep->scribe = keep->timer == NULL ? NULL : scribe_open(save, keep);
    if (keep->scribe == NULL) {
        if (keep->timer != NULL) {
            event_free(keep->timer);
        }
        free(keep->path);
        free(keep);
        return NULL;
    }
    return keep;
}

void keep_close(struct keep *keep, bool writes)
{
    if (writes) {
        keep_now(keep);
    }
    event_free(keep->timer);
    if (scribe_close(keep->scribe,
                     PATIENCE_MS)) { /* else the disk hangs, and its thread needs what is here */
        free_box(atomic_exchange(&keep->next, NULL));
        free_box(keep->current);
        free(keep->path);
        free(keep);
    }
}
