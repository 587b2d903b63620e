/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the list of so many files (default 100,000) costs in a depot: to keep it, to keep it with one file
 * changed, and to load it. Run by hand in a folder on the disk in question; tells times and octets. usage:
 * bench_manifest [FILES] */
#include "config.h"

#include "past/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench {
    struct depot depot;
    uint64_t octets, files; /* in the depot */
    struct timespec begun;
};

static int count(void *context, const struct depot_item *item)
{
    struct bench *bench = context;
    bench->octets += item->size;
    bench->files++;
    return 0;
}

static void begin(struct bench *bench)
{
    bench->octets = bench->files = 0;
    (void)depot_list(&bench->depot, count, bench);
    (void)clock_gettime(CLOCK_MONOTONIC, &bench->begun);
}

static void end(struct bench *bench, const char *what)
{
    struct timespec now;
    uint64_t octets = bench->octets, files = bench->files;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    double ms =
        (double)(now.tv_sec - bench->begun.tv_sec) * 1e3 + (double)(now.tv_nsec - bench->begun.tv_nsec) / 1e6;
    bench->octets = bench->files = 0;
    (void)depot_list(&bench->depot, count, bench);
    printf("%-22s %8.1f ms  %10llu octets in %llu new files\n", what, ms,
           (unsigned long long)(bench->octets - octets), (unsigned long long)(bench->files - files));
}

static void check(struct bench *bench, int error)
{
    if (error != 0) {
        fprintf(stderr, "bench_manifest: %s\n", bench->depot.why);
        exit(1);
    }
}

static void fill(struct manifest *manifest, size_t files, size_t changed)
{
    char path[64], sha256[DEPOT_NAME_SIZE];
    manifest_init(manifest, "/etc/steerd/steerd.json");
    (void)manifest_add(manifest, "/etc/steerd/steerd.json", 310, NULL, NULL);
    for (size_t i = 1; i < files; i++) {
        snprintf(path, sizeof path, "/etc/steerd/zones/customer-%zu.example.zone", i);
        snprintf(sha256, sizeof sha256, "%064zx", i == changed ? files + i : i);
        (void)manifest_add(manifest, path, 1000 + i % 100, sha256, NULL);
    }
    manifest_finish(manifest);
}

int main(int argc, char **argv)
{
    size_t files = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    char folder[] = "bench_manifest.XXXXXX", name[DEPOT_NAME_SIZE], command[64];
    struct bench bench;
    struct manifest manifest;
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    depot_init(&bench.depot, folder);
    for (size_t changed = 0; changed < 3; changed++) {
        fill(&manifest, files, changed == 0 ? 0 : files / (1 + changed));
        begin(&bench);
        check(&bench, manifest_keep(&bench.depot, &manifest, name));
        check(&bench, depot_settle(&bench.depot));
        end(&bench, changed == 0 ? "keep" : "keep, one file changed");
        manifest_fini(&manifest);
    }
    begin(&bench);
    check(&bench, manifest_load(&bench.depot, name, &manifest));
    end(&bench, "load");
    manifest_fini(&manifest);
    depot_fini(&bench.depot);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1; /* NOLINT(cert-env33-c): a folder of our own */
}
