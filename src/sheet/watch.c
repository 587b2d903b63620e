/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread of one file. It watches the folder, for a file is mostly replaced by another one, and reads when
 * that has happened or when who wrote the file has closed it. What is being written in place is left in
 * peace: the kernel queues an event for each write, so a content during which there was none is a whole one.
 * Once a second it looks by itself, which is for network file systems, links that lead elsewhere, and folders
 * that are not there yet; what it finds changed has to be the same at two looks. */
#include "config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "sheet/inside.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { TICK_MS = 1000, SHARE = 4, NS_PER_MS = 1000000, US_PER_MS = 1000 };

/* From a write in place to the event of it, in the kernel. */
enum { EVENT_MS = 5 };

#define FOLDER_EVENTS                                                                                        \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |          \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Which file, as it is now. */
struct identity {
    int code; /* 0, or why there is none */
    uint64_t device, inode, size;
    int64_t modified_ns;
};

struct watch {
    struct sheet *sheet;
    char *folder;                              /* owned */
    const char *name;                          /* in it */
    int fd;                                    /* of inotify; -1: there is none */
    int number;                                /* of the folder there; -1: it is not watched */
    struct identity folder_seen, read, looked; /* what is watched, what was read, what was there at a look */
    bool is_due;                               /* to be read */
    bool is_written;                           /* somebody writes in it */
    bool is_moved;                             /* it came here whole, by a rename */
    bool was_touched;                          /* … or has, since this was last set to false */
    bool was_told;                             /* that it is followed slowly */
    int64_t tick_ms, rest_ms;                  /* the next look; no reading before */
};

static struct identity look(const char *path)
{
    struct file file;
    struct identity now = {.code = file_look(path, &file)};
    if (now.code == 0) {
        now.device = file.device;
        now.inode = file.inode;
        now.size = file.size;
        now.modified_ns = file.modified_ns;
    }
    return now;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->code == b->code && a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns;
}

/* ---- the folder ---- */

static void leave_folder(struct watch *watch)
{
    if (watch->number != -1) {
        (void)inotify_rm_watch(watch->fd, watch->number); /* it may be gone */
        watch->number = -1;
    }
}

/* Once, until it is followed again. */
static void tell_slow(struct watch *watch, int error)
{
    if (!watch->was_told) {
        log_warning("check file followed slowly file=%s why=%s effect=\"changes are seen within seconds "
                    "only\"",
                    watch->sheet->path, error_text(-error));
        watch->was_told = true;
    }
}

static void open_inotify(struct watch *watch)
{
    if (watch->fd == -1) {
        watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (watch->fd == -1) {
            tell_slow(watch, errno);
        }
    }
}

/* Limits of the system may be reached, and raised or left later (inotify(7)). */
static void watch_folder(struct watch *watch, const struct identity *now)
{
    watch->number = inotify_add_watch(watch->fd, watch->folder, FOLDER_EVENTS);
    if (watch->number != -1) {
        watch->folder_seen = *now;
        watch->is_due = true;
        watch->was_told = false;
    } else if (errno != ENOENT && errno != ENOTDIR) {
        tell_slow(watch, errno);
    }
}

/* The one that is there now. What happened in between is found by a look. */
static void follow_folder(struct watch *watch)
{
    struct identity now = look(watch->folder);
    open_inotify(watch);
    bool is_other =
        now.code != 0 || now.device != watch->folder_seen.device || now.inode != watch->folder_seen.inode;
    if (watch->fd == -1 || (watch->number != -1 && !is_other)) {
        return;
    }
    leave_folder(watch);
    if (now.code == 0) {
        watch_folder(watch, &now);
    }
}

static void hear_file(struct watch *watch, uint32_t mask)
{
    if ((mask & (IN_MODIFY | IN_CREATE)) != 0) {
        watch->is_written = watch->was_touched = true;
    }
    if ((mask & IN_CLOSE_WRITE) != 0) {
        watch->was_touched = true;
    }
    if ((mask & (IN_MODIFY | IN_CREATE | IN_CLOSE_WRITE)) != 0) {
        watch->is_moved = false;
    } else if ((mask & IN_MOVED_TO) != 0) {
        watch->is_moved = true;
    }
    if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) != 0) {
        watch->is_written = false;
        watch->is_due = true;
    }
    if ((mask & IN_ATTRIB) != 0) {
        watch->is_due = true;
    }
}

static void hear(struct watch *watch, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        watch->is_due = watch->was_touched = true;
    } else if (event->wd != watch->number) {
        return; /* of a folder that was left */
    } else if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
        leave_folder(watch);
        watch->is_due = true;
        watch->is_written = false;
    } else if (event->len != 0 && strcmp(event->name, watch->name) == 0) {
        hear_file(watch, event->mask);
    }
}

static void hear_all(struct watch *watch)
{
    enum { ROOM = 16384 };
    _Alignas(struct inotify_event) char bytes[ROOM];
    ssize_t len;
    while (watch->fd != -1 && (len = read(watch->fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            hear(watch, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

/* ---- the file ---- */

static void take(struct watch *watch, const char *bytes, size_t len, int64_t modified_ns)
{
    struct sheet_fault fault;
    struct sheet_table *table = sheet_parse(watch->sheet->format, bytes, len, &fault);
    if (table == NULL) {
        sheet_refuse(watch->sheet, &fault);
    } else if (sheet_table_count(table) == 0) {
        sheet_table_free(table);
        sheet_lose(watch->sheet, "it is empty: no name is in it");
    } else {
        sheet_take(watch->sheet, table, modified_ns / NS_PER_MS);
    }
}

/* Was it one content, from its beginning to its end? Else somebody is at it, and what comes of that is told,
 * or found by later looks. */
static bool is_whole(struct watch *watch)
{
    if (!watch->is_moved && watch->read.code == 0) {
        (void)poll(NULL, 0, EVENT_MS);
    }
    struct identity now = look(watch->sheet->path);
    hear_all(watch);
    return !watch->was_touched && (is_same(&now, &watch->read) || watch->is_due);
}

static void read_file(struct watch *watch)
{
    struct sheet *sheet = watch->sheet;
    struct file file;
    size_t len;
    int code;
    int64_t began_us = clock_now_us(&sheet->clock);
    watch->is_due = watch->was_touched = false;
    watch->read = look(sheet->path);
    char *bytes = file_read_all(sheet->path, SHEET_SIZE_MAX, &file, &len, &code);
    if (!is_whole(watch)) {
        watch->read = (struct identity){.code = ERROR_CONFLICT}; /* no file is like that */
    } else if (bytes == NULL) {
        sheet_lose(sheet, file.why);
    } else {
        take(watch, bytes, len, file.modified_ns);
    }
    free(bytes);
    int64_t now_us = clock_now_us(&sheet->clock), took_us = now_us - began_us;
    watch->rest_ms = (now_us + SHARE * took_us) / US_PER_MS;
    if (watch->rest_ms > now_us / US_PER_MS + TICK_MS) {
        watch->rest_ms = now_us / US_PER_MS + TICK_MS;
    }
}

/* What nobody told of has to be the same twice. That is also the end of a writer that does not close. */
static void look_around(struct watch *watch, int64_t now_ms)
{
    follow_folder(watch);
    struct identity now = look(watch->sheet->path);
    bool is_news = watch->is_written || !is_same(&now, &watch->read);
    if (is_news && is_same(&now, &watch->looked)) {
        watch->is_written = false;
        watch->is_due = true;
    }
    watch->looked = now;
    watch->tick_ms = now_ms + TICK_MS;
}

/* ---- life ---- */

static void open_watch(struct watch *watch, struct sheet *sheet)
{
    const char *slash = strrchr(sheet->path, '/');
    *watch = (struct watch){.sheet = sheet, .fd = -1, .number = -1, .is_due = true};
    watch->name = slash == NULL ? sheet->path : slash + 1;
    watch->folder = slash == NULL          ? memory_copy_text(".")
                    : slash == sheet->path ? memory_copy_text("/")
                                           : memory_print("%.*s", (int)(slash - sheet->path), sheet->path);
    watch->read.code = watch->looked.code = ERROR_CONFLICT;
    follow_folder(watch);
}

/* Returns false when nobody holds it any more. */
static bool wait(const struct watch *watch, int64_t now_ms)
{
    int64_t until_ms = watch->is_due && !watch->is_written && watch->rest_ms < watch->tick_ms
                           ? watch->rest_ms
                           : watch->tick_ms;
    struct pollfd waits[] = {{.fd = watch->sheet->stop_fd, .events = POLLIN},
                             {.fd = watch->is_due && !watch->is_written ? -1 : watch->fd, .events = POLLIN}};
    (void)poll(waits, sizeof waits / sizeof *waits, until_ms > now_ms ? (int)(until_ms - now_ms) : 0);
    return waits[0].revents == 0;
}

void *watch_run(void *argument)
{
    struct watch watch;
    struct sheet *sheet = argument;
    pthread_setname_np(pthread_self(), "sheet");
    open_watch(&watch, sheet);
    int64_t now_ms;
    do {
        hear_all(&watch);
        now_ms = clock_now_ms(&sheet->clock);
        if (now_ms >= watch.tick_ms) {
            look_around(&watch, now_ms);
        }
        if (watch.is_due && !watch.is_written && now_ms >= watch.rest_ms) {
            read_file(&watch);
            now_ms = clock_now_ms(&sheet->clock);
        }
    } while (wait(&watch, now_ms));
    if (watch.fd != -1) {
        (void)close(watch.fd);
    }
    free(watch.folder);
    sheet_end(sheet);
    return NULL;
}
