/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of manifests of bundles: what is read is the only way to write that list of files, names no file
 * outside of the tree, and its blocks are those of its files. */
#include "config.h"

#include "past/bundle.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void look(const struct bundle *bundle)
{
    uint64_t at = 0;
    expect(bundle->count != 0 && bundle_is_id(bundle->id));
    for (size_t i = 0; i < bundle->count; i++) {
        const struct bundle_file *file = &bundle->files[i];
        expect(bundle_is_path(file->path) && file->path[0] != '/' && strstr(file->path, "..") != file->path &&
               strstr(file->path, "/.") == NULL);
        expect(bundle_find(bundle, file->path) == file);
        expect(file->at == at);
        expect(file->size == 0 || bundle_find_at(bundle, at) == i);
        at += file->size;
    }
    expect(at == bundle->size && at <= BUNDLE_SIZE_MAX);
    uint32_t blocks = bundle_count_blocks(at);
    expect(blocks <= BUNDLE_BLOCKS_MAX && bundle_block_len(at, blocks) == 0);
    expect(blocks == 0 || bundle_block_len(at, blocks - 1) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle *bundle, *again;
    char why[BUNDLE_WHY_SIZE] = "";
    int error = bundle_read((const char *)data, size, &bundle, why);
    expect((error == 0) == (bundle != NULL) && (error == 0) == (why[0] == '\0'));
    if (error == 0) {
        look(bundle);
        struct bundle_file *files = memory_copy(bundle->files, bundle->count * sizeof *files);
        expect(bundle_make(files, bundle->count, &again, why) == 0);
        expect(again->manifest_len == size && memcmp(again->manifest, data, size) == 0);
        expect(strcmp(again->id, bundle->id) == 0);
        bundle_free(again);
        bundle_free(bundle);
        free(files);
    }
    return 0;
}
