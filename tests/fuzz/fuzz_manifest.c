/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of manifests: whatever is read can be written, means the same then, and names no file outside the
 * folder in which it is laid out. */
#include "config.h"

#include "past/manifest.h"

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

static void look(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->count; i++) {
        const char *path = manifest->files[i].path, *sha256 = manifest->files[i].sha256;
        expect(path[0] == '/' && strstr(path, "/../") == NULL && strstr(path, "//") == NULL);
        expect(sha256[0] == '\0' || depot_is_name(sha256));
        expect(manifest_find(manifest, path) == &manifest->files[i]);
    }
    expect(manifest->part_count != 0 || manifest_find(manifest, manifest->main) != NULL);
    for (size_t i = 0; i < manifest->part_count; i++) {
        expect(depot_is_name(manifest->parts[i]));
    }
}

/* Of what is a part the next one is the same. */
static void look_at_part(const char *text, size_t size)
{
    struct manifest first, second;
    char why[128] = "";
    manifest_init(&first, "/");
    manifest_init(&second, "/");
    int error = manifest_read_part(text, size, &first, why, sizeof why);
    expect((error == 0) == (why[0] == '\0'));
    if (error == 0) {
        char *written = manifest_write_part(first.files, first.count);
        expect(manifest_read_part(written, strlen(written), &second, why, sizeof why) == 0);
        char *again = manifest_write_part(second.files, second.count);
        expect(strcmp(written, again) == 0);
        free(written);
        free(again);
    }
    manifest_fini(&first);
    manifest_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest first, second;
    char why[128] = "";
    int error = manifest_read((const char *)data, size, &first, why, sizeof why);
    expect((error == 0) == (why[0] == '\0'));
    if (error == 0) {
        look(&first);
        char *written = manifest_write(&first);
        expect(manifest_read(written, strlen(written), &second, why, sizeof why) == 0);
        char *again = manifest_write(&second);
        expect(strcmp(written, again) == 0);
        free(written);
        free(again);
        manifest_fini(&second);
    }
    manifest_fini(&first);
    look_at_part((const char *)data, size);
    return 0;
}
