/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See merge.h. Pieces are copied octet by octet; those between them, which nobody wrote, count to the piece
 * before. Comments are left out: every text may have one of its own. */
#include "config.h"

#include "conf/merge.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "conf/doc.h"
#include "conf/locate.h"
#include "conf/split.h"

#include <stdlib.h>
#include <string.h>

struct part {
    size_t at;   /* in the result */
    size_t from; /* in the file */
    uint32_t file;
};

struct source_text {
    struct merge_file file;
    struct locate *locate; /* made when first needed */
    struct split members;
};

struct merge {
    struct source_text *files;
    size_t file_count;
    struct buffer text;
    struct part *parts; /* ascending */
    size_t part_count, part_capacity;
};

/* ---- making it ---- */

static bool has_key(const struct source_text *file, const struct split_piece *piece, const char *key)
{
    size_t len = strlen(key);
    return piece->key_end - piece->key_at == len + 2 &&
           memcmp(file->file.text + piece->key_at + 1, key, len) == 0;
}

static bool is_comment(const struct source_text *file, const struct split_piece *piece)
{
    return has_key(file, piece, "$comment");
}

static const struct split_piece *find(const struct source_text *file, const char *key)
{
    for (size_t i = 0; i < file->members.count; i++) {
        if (has_key(file, &file->members.pieces[i], key)) {
            return &file->members.pieces[i];
        }
    }
    return NULL;
}

static bool is_object(const struct source_text *file, const struct split_piece *piece)
{
    return file->file.text[piece->value_at] == '{';
}

/* Behind a comma, but at the beginning of an object. */
static void copy(struct merge *merge, size_t file, size_t from, size_t to)
{
    char last = merge->text.len == 0 ? '{' : merge->text.bytes[merge->text.len - 1];
    if (last != '{') {
        buffer_add(&merge->text, ",", 1);
    }
    merge->parts = memory_grow(merge->parts, merge->part_count, &merge->part_capacity, sizeof *merge->parts);
    merge->parts[merge->part_count++] = (struct part){merge->text.len, from, (uint32_t)file};
    buffer_add(&merge->text, merge->files[file].file.text + from, to - from);
}

/* The members of this object of each file that has one. */
static void put_together(struct merge *merge, const char *key)
{
    bool is_begun = false;
    for (size_t i = 0; i < merge->file_count; i++) {
        struct source_text *file = &merge->files[i];
        const struct split_piece *piece = find(file, key);
        struct split inner;
        if (piece == NULL || !is_object(file, piece)) {
            continue;
        }
        if (!is_begun) {
            copy(merge, i, piece->key_at, piece->key_end);
            buffer_add(&merge->text, ":{", 2);
            is_begun = true;
        }
        (void)split_init(&inner, file->file.text, file->file.len, key);
        for (size_t j = 0; j < inner.count; j++) {
            if (!is_comment(file, &inner.pieces[j])) {
                copy(merge, i, inner.pieces[j].key_at, inner.pieces[j].value_end);
            }
        }
        split_fini(&inner);
    }
    if (is_begun) {
        buffer_add(&merge->text, "}", 1);
    }
}

static bool is_among(const struct source_text *file, const struct split_piece *piece,
                     const char *const *together)
{
    for (; *together != NULL && !has_key(file, piece, *together); together++) {
    }
    return *together != NULL;
}

/* What is not put together, and what is none of the objects that it should be: whoever reads it says so. */
static void put_others(struct merge *merge, size_t index, const char *const *together)
{
    struct source_text *file = &merge->files[index];
    for (size_t i = 0; i < file->members.count; i++) {
        const struct split_piece *piece = &file->members.pieces[i];
        bool is_put = is_among(file, piece, together) && is_object(file, piece);
        if (!is_put && !is_comment(file, piece) && !has_key(file, piece, "$schema")) {
            copy(merge, index, piece->key_at, piece->value_end);
        }
    }
}

struct merge *merge_new(const struct merge_file *files, size_t count, const char *const *together)
{
    struct merge *merge = memory_alloc(sizeof *merge);
    merge->files = memory_alloc_array(count, sizeof *merge->files);
    merge->file_count = count;
    buffer_init(&merge->text);
    buffer_add(&merge->text, "{", 1);
    for (size_t i = 0; i < count; i++) {
        merge->files[i].file = files[i];
        (void)split_init_root(&merge->files[i].members, files[i].text, files[i].len);
    }
    for (const char *const *key = together; *key != NULL; key++) {
        put_together(merge, *key);
    }
    for (size_t i = 0; i < count; i++) {
        put_others(merge, i, together);
    }
    buffer_add(&merge->text, "}\n", 2);
    if (merge->text.len > DOC_MAX_SIZE) {
        merge_free(merge);
        return NULL;
    }
    return merge;
}

void merge_free(struct merge *merge)
{
    if (merge != NULL) {
        for (size_t i = 0; i < merge->file_count; i++) {
            split_fini(&merge->files[i].members);
            locate_free(merge->files[i].locate);
        }
        buffer_fini(&merge->text);
        free(merge->parts);
        free(merge->files);
        free(merge);
    }
}

/* ---- asking it ---- */

const char *merge_get_text(const struct merge *merge, size_t *len)
{
    *len = merge->text.len;
    return merge->text.bytes;
}

void merge_find_place(struct merge *merge, size_t at, struct report_place *place)
{
    size_t low = 0, high = merge->part_count;
    while (low < high) { /* the first one behind it */
        size_t middle = low + (high - low) / 2;
        low = merge->parts[middle].at <= at ? middle + 1 : low;
        high = merge->parts[middle].at <= at ? high : middle;
    }
    struct part part = {.at = at};
    if (low != 0) {
        part = merge->parts[low - 1];
    }
    struct source_text *file = &merge->files[part.file];
    size_t offset = part.from + (at - part.at);
    if (file->locate == NULL) {
        file->locate = locate_new(file->file.text, file->file.len);
    }
    place->file = file->file.path;
    locate_get_place(file->locate, offset < file->file.len ? offset : file->file.len, &place->line,
                     &place->column);
}
