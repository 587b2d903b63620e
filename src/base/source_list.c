/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See source_list.h. */
#include "config.h"

#include "base/source_list.h"

#include "base/memory.h"

#include <stdlib.h>

void source_list_fini(struct source_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
        free(list->items[i].real);
    }
    free(list->items);
    *list = (struct source_list){.items = NULL};
}

bool source_is_same(const struct source *source, const struct file *file)
{
    return source->device == file->device && source->inode == file->inode && source->size == file->size &&
           source->modified_ns == file->modified_ns;
}

int64_t source_changed(bool is_placed, const struct file *file)
{
    return is_placed ? 1 : file->is_settled ? file->changed_ns : 0;
}

bool source_is_unchanged(const struct source *source)
{
    struct file file;
    return source->changed_ns != 0 &&
           file_look(source->real == NULL ? source->path : source->real, &file) == 0 &&
           source_is_same(source, &file) && source_changed(source->real != NULL, &file) == source->changed_ns;
}

void source_list_add(struct source_list *list, const char *path, const char *real, const struct file *file)
{
    if (list->capacity == 0) { /* most zones are one file, and there may be very many of them */
        list->items = memory_alloc(sizeof *list->items);
        list->capacity = 1;
    }
    list->items = memory_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = (struct source){.path = memory_copy_text(path),
                                                 .real = memory_copy_text(real),
                                                 .size = file->size,
                                                 .device = file->device,
                                                 .inode = file->inode,
                                                 .modified_ns = file->modified_ns,
                                                 .changed_ns = source_changed(real != NULL, file)};
}

void source_list_append(struct source_list *to, struct source_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        to->items = memory_grow(to->items, to->count, &to->capacity, sizeof *to->items);
        to->items[to->count++] = from->items[i];
    }
    from->count = 0;
    source_list_fini(from);
}
