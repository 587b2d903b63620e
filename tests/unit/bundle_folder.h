/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A folder for tests of bundles, with files of their own making. */
#pragma once

#include "unit.h"

#include "past/bundle.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FIPS 180-2, "abc"; and of nothing */
#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static char folder[] = "test_bundle.XXXXXX";
static char why[BUNDLE_WHY_SIZE];

static inline int make_folder(void **state)
{
    (void)state;
    if (strstr(folder, "XXXXXX") != NULL) {
        assert_non_null(mkdtemp(folder));
    }
    return 0;
}

static inline int clean_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static inline int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static inline struct bundle *read_good(const char *text)
{
    struct bundle *bundle;
    int error = bundle_read(text, strlen(text), &bundle, why);
    if (error != 0) {
        fail_msg("%s: %s", text, why);
    }
    return bundle;
}

static inline const char *in(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A path in the folder of the test; good until the fourth one after it. */
static inline const char *in(const char *format, ...)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    int len = snprintf(path, sizeof paths[0], "%s/", folder);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + len, sizeof paths[0] - (size_t)len, format, arguments);
    va_end(arguments);
    return path;
}

static inline void write_file(const char *path, const void *bytes, size_t len)
{
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        char *parent = memory_print("%.*s", (int)(slash - path), path);
        (void)mkdir(parent, 0700);
        free(parent);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline char *make_noise(size_t len, uint64_t seed)
{
    char *bytes = memory_alloc(len);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (char)(seed >> 56);
    }
    return bytes;
}

static inline struct bundle *scan(const char *name)
{
    struct bundle *bundle;
    int error = bundle_scan(in("%s", name), NULL, &bundle, NULL, why);
    if (error != 0) {
        fail_msg("%s", why);
    }
    return bundle;
}
