/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sheets.h. Who holds a file first starts its thread, which frees it when nobody holds it any more. */
#include "config.h"

#include "sheet/sheets.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "sheet/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { END_MS = 1000 };

struct sheets *sheets_open(void)
{
    struct sheets *sheets = memory_alloc(sizeof *sheets);
    pthread_mutex_init(&sheets->lock, NULL);
    thread_init_cond(&sheets->ended);
    LIST_INIT(&sheets->list);
    return sheets;
}

void sheets_close(struct sheets *sheets)
{
    if (sheets == NULL) {
        return;
    }
    struct timespec until = thread_after_ms(END_MS);
    pthread_mutex_lock(&sheets->lock);
    int error = 0;
    while (sheets->threads != 0 && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&sheets->ended, &sheets->lock, &until);
    }
    unsigned left = sheets->threads;
    pthread_mutex_unlock(&sheets->lock);
    if (left != 0) {
        log_warning("check files not left count=%u why=\"their file system does not answer\" effect=\"the "
                    "end does not wait for it\"",
                    left);
        return; /* with all that the threads have in their hands */
    }
    pthread_cond_destroy(&sheets->ended);
    pthread_mutex_destroy(&sheets->lock);
    free(sheets);
}

/* ---- life of one ---- */

/* The lock of all is held. Returns 0 or an errno. */
static int try_to_start(struct sheet *sheet)
{
    pthread_t thread = 0;
    sheet->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = sheet->stop_fd == -1 ? errno : thread_start(&thread, watch_run, sheet);
    if (error == 0) {
        pthread_detach(thread);
        sheet->all->threads++;
    } else if (sheet->stop_fd != -1) {
        (void)close(sheet->stop_fd);
        sheet->stop_fd = -1;
    }
    return error;
}

/* Likewise. Without descriptors or threads it stays unread for now. */
static void start(struct sheet *sheet)
{
    int error = try_to_start(sheet);
    if (error != 0 && !sheet->was_told) {
        log_error("check file cannot be followed file=%s why=%s", sheet->path, error_text(-error));
    }
    sheet->was_told = error != 0;
}

static struct sheet *make(struct sheets *sheets, const char *path, enum sheet_format format)
{
    struct sheet *sheet = memory_alloc(sizeof *sheet);
    sheet->all = sheets;
    sheet->path = memory_copy_text(path);
    sheet->format = format;
    clock_init(&sheet->clock);
    pthread_mutex_init(&sheet->lock, NULL);
    start(sheet);
    return sheet;
}

static struct sheet *find(struct sheets *sheets, const char *path, enum sheet_format format)
{
    struct sheet *sheet = LIST_FIRST(&sheets->list);
    while (sheet != NULL && (sheet->format != format || strcmp(sheet->path, path) != 0)) {
        sheet = LIST_NEXT(sheet, link);
    }
    return sheet;
}

struct sheet *sheets_hold(struct sheets *sheets, const char *path, enum sheet_format format)
{
    pthread_mutex_lock(&sheets->lock);
    struct sheet *sheet = find(sheets, path, format);
    if (sheet == NULL) {
        sheet = make(sheets, path, format);
        LIST_INSERT_HEAD(&sheets->list, sheet, link);
    }
    sheet->holders++;
    pthread_mutex_unlock(&sheets->lock);
    return sheet;
}

void sheet_release(struct sheet *sheet)
{
    if (sheet == NULL) {
        return;
    }
    struct sheets *all = sheet->all;
    pthread_mutex_lock(&all->lock);
    bool is_last = --sheet->holders == 0, has_thread = sheet->stop_fd != -1;
    if (is_last) {
        LIST_REMOVE(sheet, link);
    }
    if (is_last && has_thread) {
        sheet_ring(sheet->stop_fd); /* from here on it is the thread's */
    }
    pthread_mutex_unlock(&all->lock);
    if (is_last && !has_thread) {
        sheet_free(sheet);
    }
}

void sheet_follow(struct sheet *sheet)
{
    pthread_mutex_lock(&sheet->all->lock);
    if (sheet->stop_fd == -1) {
        start(sheet);
    }
    pthread_mutex_unlock(&sheet->all->lock);
}

/* ---- for those who look ---- */

static struct sheet_status describe(struct sheet *sheet)
{
    pthread_mutex_lock(&sheet->lock);
    struct sheet_status status = {.path = memory_copy_text(sheet->path),
                                  .format = sheet->format,
                                  .state = sheet->state,
                                  .changes = sheet->changes};
    if (sheet->table != NULL) {
        status.names = sheet_table_count(sheet->table);
        status.modified_ms = sheet->modified_ms;
        status.read_ms = sheet->read_ms;
    }
    if (sheet->state == SHEET_STATE_REFUSED || sheet->state == SHEET_STATE_USELESS) {
        sheet_write_fault(&sheet->fault, "", status.why);
    }
    pthread_mutex_unlock(&sheet->lock);
    return status;
}

size_t sheets_list(struct sheets *sheets, struct sheet_status **list)
{
    size_t count = 0, capacity = 0;
    *list = NULL;
    pthread_mutex_lock(&sheets->lock);
    for (struct sheet *sheet = LIST_FIRST(&sheets->list); sheet != NULL; sheet = LIST_NEXT(sheet, link)) {
        *list = memory_grow(*list, count, &capacity, sizeof **list);
        (*list)[count++] = describe(sheet);
    }
    pthread_mutex_unlock(&sheets->lock);
    return count;
}

void sheets_free_list(struct sheet_status *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].path);
    }
    free(list);
}
