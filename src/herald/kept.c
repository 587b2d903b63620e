/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What outlives the process. What several servers share does not: it is in a record, or another server has
 * it. */
#include "config.h"

#include "herald/inside.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void herald_note_changed(struct herald *herald)
{
    if (herald->keep != NULL && !herald->is_frozen) {
        keep_soon(herald->keep);
    }
}

/* What was written down for it. */
void herald_take_kept(struct courier *courier)
{
    struct herald *herald = courier->herald;
    struct webhook *webhook = courier->webhook;
    for (size_t i = 0; i < herald->box.count; i++) {
        struct box_item *item = &herald->box.items[i];
        if (strcmp(item->name, webhook->conf.name) == 0) {
            letters_put_before(&webhook->queue, &item->queue);
            letters_put_before(&webhook->dead, &item->dead);
            webhook->acked_run = item->acked_run;
            webhook->acked_seq = item->acked_seq;
            webhook->acked_wall_ms = item->acked_wall_ms;
            webhook->missed = item->missed;
            webhook->is_unsure = item->is_unsure || !herald->box.is_clean;
        }
    }
}

/* What there is now, held for the thread that writes it down. */
static void copy_box(void *context, struct box *box)
{
    const struct herald *herald = context;
    size_t i = 0;
    *box = (struct box){.is_clean = herald->is_frozen, .count = 0};
    for (const struct courier *one = herald->couriers; one != NULL; one = one->next) {
        box->count++;
    }
    box->items = memory_alloc_array(box->count + 1, sizeof *box->items);
    for (const struct courier *one = herald->couriers; one != NULL; one = one->next, i++) {
        const struct webhook *webhook = one->webhook;
        struct box_item *item = &box->items[i];
        bool is_behind = one->reader.next <= stream_get_seq(herald->stream);
        *item = (struct box_item){.acked_run = webhook->acked_run,
                                  .acked_seq = webhook->acked_seq,
                                  .acked_wall_ms = webhook->acked_wall_ms,
                                  .missed = webhook->missed,
                                  .is_unsure = webhook->is_unsure || is_behind || one->share.held.count != 0};
        (void)snprintf(item->name, sizeof item->name, "%s", webhook->conf.name);
        for (size_t j = 0; j < webhook->queue.count; j++) {
            if (herald->part == HERALD_ALONE || webhook->queue.items[j]->run != one->share.run) {
                letters_add(&item->queue, letter_hold(webhook->queue.items[j]));
            }
        }
        for (size_t j = 0; j < webhook->dead.count; j++) {
            letters_add(&item->dead, letter_hold(webhook->dead.items[j]));
        }
    }
}

int herald_keep(struct herald *herald, const char *path)
{
    if (path == NULL) {
        return 0;
    }
    int error = keep_read(path, &herald->box);
    herald->keep = keep_open(herald->base, path, copy_box, herald);
    return herald->keep == NULL && error == 0 ? -ENOMEM : error;
}
