/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who hears of changes, and how one file ends: what both its thread and those who hold it need. */
#include "config.h"

#include "sheet/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

void sheet_ring(int fd)
{
    ssize_t written = write(fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when it rings already */
}

/* ---- who hears of changes ---- */

void sheets_ring(struct sheets *sheets)
{
    pthread_mutex_lock(&sheets->lock);
    for (size_t i = 0; i < sheets->listener_count; i++) {
        sheet_ring(sheets->listeners[i]);
    }
    pthread_mutex_unlock(&sheets->lock);
}

void sheets_listen(struct sheets *sheets, int fd)
{
    pthread_mutex_lock(&sheets->lock);
    assert(sheets->listener_count < SHEETS_LISTENERS_MAX);
    sheets->listeners[sheets->listener_count++] = fd;
    pthread_mutex_unlock(&sheets->lock);
}

void sheets_forget(struct sheets *sheets, int fd)
{
    pthread_mutex_lock(&sheets->lock);
    for (size_t i = 0; i < sheets->listener_count; i++) {
        if (sheets->listeners[i] == fd) {
            sheets->listeners[i] = sheets->listeners[--sheets->listener_count];
            break;
        }
    }
    pthread_mutex_unlock(&sheets->lock);
}

/* ---- the end of one ---- */

void sheet_free(struct sheet *sheet)
{
    sheet_table_free(sheet->table);
    pthread_mutex_destroy(&sheet->lock);
    if (sheet->stop_fd != -1) {
        (void)close(sheet->stop_fd);
    }
    free(sheet->path);
    free(sheet);
}

void sheet_end(struct sheet *sheet)
{
    struct sheets *all = sheet->all;
    pthread_mutex_lock(&all->lock); /* who rang holds it until he needs the sheet no more */
    sheet_free(sheet);
    all->threads--;
    pthread_cond_signal(&all->ended);
    pthread_mutex_unlock(&all->lock);
}
