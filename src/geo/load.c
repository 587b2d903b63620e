/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One walk over the search tree of a database when it is opened: every record is checked (a database that is
 * damaged is refused now, not found out by a query later), the data of each network is checked and read once,
 * and the tree is rebuilt as a tree of facts with equal neighbours merged. What is built for a node is
 * remembered, so the aliases of the IPv4 part (2002::/16, 2001::/32, ::ffff:0:0/96) cost nothing.
 *
 * Refused besides damaged records: a path longer than an address, which includes any circle, and a tree that
 * would unfold to more than UNFOLDED_MAX nodes, which only a file made to exhaust its reader has. */
#include "config.h"

#include "geo/db.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>

enum { UNFOLDED_MAX = 1 << 28, DEPTH_MAX = 128 };

/* Facts by the offset of the data that they were read from. */
struct entry {
    uint32_t offset, facts;
    bool used;
};

/* Open addressing, a power of two, at most half full. */
struct entries {
    struct entry *slots;
    size_t room, used;
};

/* What is known of a node of the database once it is built. */
struct built {
    uint32_t ref; /* in db->networks */
    uint8_t height;
    bool done;
    uint32_t unfolded; /* nodes below and with it, each path counted */
};

struct frame {
    MMDB_search_node_s records;
    struct built child[2];
    uint32_t node;
    uint8_t done; /* children */
};

struct loader {
    struct geo_db *db;
    const MMDB_s *mmdb;
    struct geo_data data;
    struct entries entries;
    struct built *built;
    const char *path;
    struct report *report;
    unsigned bits;
};

/* ---- entries ---- */

static struct entry *find_slot(const struct entries *entries, uint32_t offset)
{
    size_t at = (size_t)hash_finish(offset * UINT64_C(0x9e3779b97f4a7c15)) & (entries->room - 1);
    while (entries->slots[at].used && entries->slots[at].offset != offset) {
        at = (at + 1) & (entries->room - 1);
    }
    return &entries->slots[at];
}

static const struct entry *find_entry(const struct entries *entries, uint32_t offset)
{
    const struct entry *entry = entries->room == 0 ? NULL : find_slot(entries, offset);
    return entry == NULL || !entry->used ? NULL : entry;
}

static void add_entry(struct entries *entries, uint32_t offset, uint32_t facts)
{
    if (entries->used * 2 >= entries->room) {
        struct entries old = *entries;
        entries->room = old.room == 0 ? 256 : old.room * 2;
        entries->slots = memory_alloc_array(entries->room, sizeof *entries->slots);
        for (size_t i = 0; i < old.room; i++) {
            if (old.slots[i].used) {
                *find_slot(entries, old.slots[i].offset) = old.slots[i];
            }
        }
        free(old.slots);
    }
    *find_slot(entries, offset) = (struct entry){offset, facts, true};
    entries->used++;
}

/* ---- the walk ---- */

static int refuse(const struct loader *loader, uint32_t node, unsigned bit, const char *text)
{
    report_add(loader->report, REPORT_ERROR, &(struct report_place){.file = loader->path},
               "the database is damaged: record %u of node %u %s", bit, node, text);
    return ERROR_INVALID;
}

static int read_data(struct loader *loader, uint32_t node, unsigned bit, uint32_t offset, struct built *child)
{
    const struct entry *entry = find_entry(&loader->entries, offset);
    uint32_t number;
    if (entry != NULL) {
        number = entry->facts;
    } else {
        struct geo_facts facts;
        const char *wrong = geo_read_facts(&loader->data, offset, &loader->db->texts, &facts);
        if (wrong != NULL) {
            report_add(loader->report, REPORT_ERROR, &(struct report_place){.file = loader->path},
                       "the database is damaged: the data at offset %u (record %u of node %u) %s", offset,
                       bit, node, wrong);
            return ERROR_INVALID;
        }
        number = geo_pool_add(&loader->db->facts, &facts, sizeof facts);
        add_entry(&loader->entries, offset, number);
    }
    *child = (struct built){.ref = GEO_LEAF | number, .done = true};
    return 0;
}

static int open_frame(struct loader *loader, uint32_t node, struct frame *frame)
{
    *frame = (struct frame){.node = node};
    int status = MMDB_read_node(loader->mmdb, node, &frame->records);
    return status == MMDB_SUCCESS ? 0 : refuse(loader, node, 0, MMDB_strerror(status));
}

/* The next record of a node: a leaf or a node that is built gives *child; one that is not built yet leaves
 * child->done false and gives its number as child->ref. */
static int read_record(struct loader *loader, const struct frame *frame, unsigned depth, struct built *child)
{
    const MMDB_search_node_s *records = &frame->records;
    unsigned bit = frame->done;
    uint64_t record = bit == 0 ? records->left_record : records->right_record;
    switch (bit == 0 ? records->left_record_type : records->right_record_type) {
    case MMDB_RECORD_TYPE_EMPTY: *child = (struct built){.ref = GEO_LEAF | 0, .done = true}; return 0;
    case MMDB_RECORD_TYPE_DATA:
        return read_data(loader, frame->node, bit,
                         bit == 0 ? records->left_record_entry.offset : records->right_record_entry.offset,
                         child);
    case MMDB_RECORD_TYPE_SEARCH_NODE:
        *child = loader->built[record];
        child->ref = child->done ? child->ref : (uint32_t)record;
        if (depth + 1 + child->height >= loader->bits + (child->done ? 1u : 0u)) {
            return refuse(loader, frame->node, bit,
                          "goes on behind the last bit of an address, or in a circle");
        }
        return 0;
    default: return refuse(loader, frame->node, bit, "points to nowhere");
    }
}

static int finish_node(struct loader *loader, const struct frame *frame)
{
    const struct built *zero = &frame->child[0], *one = &frame->child[1];
    uint64_t unfolded = UINT64_C(1) + zero->unfolded + one->unfolded;
    if (unfolded > UNFOLDED_MAX) {
        return refuse(loader, frame->node, 0, "leads to more networks than a sound database has");
    }
    loader->built[frame->node] =
        (struct built){.ref = geo_trie_join(&loader->db->networks, zero->ref, one->ref),
                       .height = (uint8_t)(1 + (zero->height > one->height ? zero->height : one->height)),
                       .done = true,
                       .unfolded = (uint32_t)unfolded};
    return 0;
}

static int walk(struct loader *loader)
{
    struct frame stack[DEPTH_MAX + 1];
    size_t depth = 1;
    int error = open_frame(loader, 0, &stack[0]);
    while (depth > 0 && error == 0) {
        struct frame *top = &stack[depth - 1];
        if (report_is_cancelled(loader->report)) {
            return ERROR_CANCELLED;
        }
        if (top->done == 2) {
            error = finish_node(loader, top);
            depth--;
            continue;
        }
        struct built *child = &top->child[top->done];
        error = read_record(loader, top, (unsigned)depth - 1, child);
        if (error == 0 && child->done) {
            top->done++;
        } else if (error == 0) {
            /* Comes back to this record, which is built then. */
            error = open_frame(loader, child->ref, &stack[depth++]);
        }
    }
    return error;
}

int geo_load_tree(struct geo_db *db, const MMDB_s *mmdb, const char *path, struct report *report)
{
    struct loader loader = {.db = db, .mmdb = mmdb, .path = path, .report = report};
    loader.bits = mmdb->metadata.ip_version == 4 ? 32 : 128;
    loader.data = (struct geo_data){.bytes = mmdb->data_section,
                                    .len = mmdb->data_section_size,
                                    .budget = 1000000 + UINT64_C(64) * mmdb->data_section_size};
    if (mmdb->metadata.node_count == 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
                   "the database holds no networks (its search tree has 0 nodes)");
        return ERROR_INVALID;
    }
    loader.built = memory_alloc_array(mmdb->metadata.node_count, sizeof *loader.built);
    int error = walk(&loader);
    if (error == 0) {
        bool is_v4 = loader.bits == 32;
        uint32_t root = loader.built[0].ref;
        db->root_v6 = is_v4 ? GEO_LEAF | 0 : root;
        db->root_v4 = is_v4 ? root : geo_trie_skip_zeros(&db->networks, root, 96);
    }
    free(loader.built);
    free(loader.entries.slots);
    return error;
}
