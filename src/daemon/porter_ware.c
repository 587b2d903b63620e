/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What there is here of bundles, whole ones and those that are coming, as blocks for others. */
#include "config.h"

#include "daemon/porter_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLD_MS = 600000 };

static void clear_shelf(struct shelf *shelf)
{
    free(shelf->log);
    swarm_giver_fini(&shelf->giver);
    *shelf = (struct shelf){.size = 0};
}

static void set_shelf(struct porter *porter, struct shelf *shelf, uint64_t size, bool is_whole)
{
    clear_shelf(shelf);
    shelf->size = size;
    shelf->blocks = bundle_count_blocks(size);
    shelf->is_whole = is_whole;
    shelf->log = is_whole ? NULL : memory_alloc_array(shelf->blocks, sizeof *shelf->log);
    shelf->epoch = ++porter->last_epoch;
    swarm_giver_init(&shelf->giver, shelf->blocks);
}

bool ware_is_stored(const struct porter *porter, const char *id)
{
    return porter->store != NULL && bundle_is_here(bundle_store_state(porter->store), id);
}

struct ware *ware_peek(struct porter *porter, const char *id)
{
    struct ware *ware = LIST_FIRST(&porter->wares);
    while (ware != NULL && strcmp(ware->id, id) != 0) {
        ware = LIST_NEXT(ware, link);
    }
    return ware;
}

struct ware *ware_begin(struct porter *porter, const char *id)
{
    struct ware *ware = memory_alloc(sizeof *ware);
    snprintf(ware->id, sizeof ware->id, "%s", id);
    ware->used_ms = clock_now_ms(porter->options.clock);
    LIST_INSERT_HEAD(&porter->wares, ware, link);
    return ware;
}

/* NULL: it cannot be read. */
static struct bundle *load(struct porter *porter, const char *id)
{
    char why[BUNDLE_WHY_SIZE];
    struct bundle *bundle;
    int error = bundle_load(bundle_store_state(porter->store), id, &bundle, why);
    if (error == 0) {
        return bundle;
    }
    if (strcmp(porter->unreadable, id) != 0) {
        log_error("a bundle cannot be given to others id=%.12s why=\"%s\"", id, why);
        snprintf(porter->unreadable, sizeof porter->unreadable, "%s", id);
    }
    return NULL;
}

struct ware *ware_open(struct porter *porter, const char *id)
{
    struct ware *ware = ware_peek(porter, id);
    struct bundle *bundle = ware != NULL || !ware_is_stored(porter, id) ? NULL : load(porter, id);
    if (ware != NULL) {
        ware->used_ms = clock_now_ms(porter->options.clock);
    }
    if (bundle == NULL) {
        return ware;
    }
    ware = ware_begin(porter, id);
    ware->bundle = bundle;
    ware->folder = bundle_locate(bundle_store_state(porter->store), id);
    set_shelf(porter, &ware->shelves[FLEET_MANIFEST], bundle->manifest_len, true);
    set_shelf(porter, &ware->shelves[FLEET_STREAM], bundle->size, true);
    return ware;
}

static void free_ware(struct ware *ware)
{
    LIST_REMOVE(ware, link);
    bundle_free(ware->bundle);
    clear_shelf(&ware->shelves[FLEET_MANIFEST]);
    clear_shelf(&ware->shelves[FLEET_STREAM]);
    free(ware->folder);
    free(ware->manifest);
    free(ware);
}

void ware_remove(struct ware *ware)
{
    bundle_part_close(ware->part);
    free_ware(ware);
}

void ware_leave_all(struct porter *porter)
{
    while (!LIST_EMPTY(&porter->wares)) {
        bundle_part_leave(LIST_FIRST(&porter->wares)->part); /* the folder may be another process's by now */
        free_ware(LIST_FIRST(&porter->wares));
    }
}

void ware_size(struct porter *porter, struct ware *ware, enum fleet_part part, uint64_t size)
{
    set_shelf(porter, &ware->shelves[part], size, false);
    if (part == FLEET_MANIFEST) {
        free(ware->manifest);
        ware->manifest = memory_alloc(size);
    }
}

void ware_put(struct ware *ware, enum fleet_part part, uint32_t block)
{
    struct shelf *shelf = &ware->shelves[part];
    if (shelf->count < shelf->blocks) {
        shelf->log[shelf->count++] = block;
    }
}

void ware_recount(struct porter *porter, struct ware *ware, enum fleet_part part)
{
    struct shelf *shelf = &ware->shelves[part];
    shelf->count = 0;
    shelf->epoch = ++porter->last_epoch;
    for (uint32_t i = 0; part == FLEET_STREAM && i < shelf->blocks; i++) {
        if (bundle_part_has(ware->part, i)) {
            ware_put(ware, part, i);
        }
    }
}

void ware_settle(struct porter *porter, struct ware *ware)
{
    bundle_part_close(ware->part);
    ware->part = NULL;
    ware->bundle = load(porter, ware->id);
    ware->folder = bundle_locate(bundle_store_state(porter->store), ware->id);
    free(ware->manifest);
    ware->manifest = NULL;
    if (ware->bundle == NULL) {
        ware_remove(ware);
    }
}

/* ---- octets ---- */

static const void *get_manifest(const struct ware *ware)
{
    return ware->bundle != NULL ? (const void *)ware->bundle->manifest : ware->manifest;
}

/* Of what is coming only what is there. */
static bool is_here(const struct ware *ware, enum fleet_part part, uint32_t block)
{
    const struct shelf *shelf = &ware->shelves[part];
    if (ware->bundle != NULL) {
        return block < shelf->blocks;
    }
    if (part == FLEET_STREAM) {
        return ware->part != NULL && block < shelf->blocks && bundle_part_has(ware->part, block);
    }
    uint32_t i = 0;
    while (i < shelf->count && shelf->log[i] != block) {
        i++;
    }
    return ware->manifest != NULL && i < shelf->count;
}

uint8_t *ware_read(struct ware *ware, enum fleet_part part, uint32_t block, size_t *len)
{
    char why[BUNDLE_WHY_SIZE];
    if (!is_here(ware, part, block)) {
        return NULL;
    }
    *len = bundle_block_len(ware->shelves[part].size, block);
    if (part == FLEET_MANIFEST) {
        return memory_copy((const char *)get_manifest(ware) + (size_t)block * BUNDLE_BLOCK_SIZE, *len);
    }
    uint8_t *octets = memory_alloc(*len);
    int error = ware->bundle != NULL ? bundle_read_block(ware->folder, ware->bundle, block, octets, why)
                                     : bundle_part_read(ware->part, block, octets, why);
    if (error != 0) {
        if (!ware->is_unreadable) { /* each who follows asks for each block again and again */
            log_error("a block of a bundle cannot be read id=%.12s why=\"%s\"", ware->id, why);
        }
        ware->is_unreadable = true;
        free(octets);
        return NULL;
    }
    return octets;
}

void ware_forget_old(struct porter *porter, int64_t now_ms)
{
    struct ware *next;
    for (struct ware *ware = LIST_FIRST(&porter->wares); ware != NULL; ware = next) {
        next = LIST_NEXT(ware, link);
        if (ware->bundle != NULL && now_ms - ware->used_ms >= OLD_MS) {
            ware_remove(ware);
        }
    }
}
