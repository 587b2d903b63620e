/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Feed every file of a corpus to a fuzz target built without libFuzzer, as a TAP program for `make check`:
 * what a fuzzer once found stays found. The folders are given as arguments, else it is the target's own under
 * $srcdir/tests/fuzz/corpus. A target that crashes ends the program before its plan is fulfilled, which the
 * harness reports; the last line printed names the file. An empty corpus is a failure: it would test nothing.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static uint8_t *read_file(const char *path, size_t *len)
{
    struct stat status;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL || fstat(fileno(stream), &status) == -1) {
        perror(path);
        exit(1);
    }
    *len = (size_t)status.st_size;
    uint8_t *bytes =
        malloc(*len != 0 ? *len : 1); /* exactly as long as the file, so that ASan sees an overread */
    if (bytes == NULL || fread(bytes, 1, *len, stream) != *len) {
        perror(path);
        exit(1);
    }
    fclose(stream);
    return bytes;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Replays one folder; returns the number of the last test. */
static int replay_folder(const char *folder, int number)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);
    if (count == -1) {
        perror(folder);
        return number;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        size_t len;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        printf("# %s\n", path);
        fflush(stdout);
        uint8_t *bytes = read_file(path, &len);
        LLVMFuzzerTestOneInput(bytes, len);
        free(bytes);
        printf("ok %d - %s (%zu bytes)\n", ++number, entries[i]->d_name, len);
        free(entries[i]);
    }
    free(entries);
    return number;
}

int main(int argc, char **argv)
{
    int number = 0;
    for (int i = 1; i < argc; i++) {
        number = replay_folder(argv[i], number);
    }
    if (argc == 1) {
        char folder[4096];
        const char *source = getenv("srcdir");
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", FUZZ_NAME);
        number = replay_folder(folder, number);
    }
    if (number == 0) {
        printf("not ok %d - the corpus of %s is empty\n", ++number, FUZZ_NAME);
        printf("1..%d\n", number);
        return 1;
    }
    printf("1..%d\n", number);
    return 0;
}
