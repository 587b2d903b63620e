/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the store costs, on the disk of FOLDER; run by hand.
 * usage: bench_store FOLDER jobs COUNT RATE   single jobs at this rate per second (0: as fast as the answers
 * come), beside the disk's own sync of as much bench_store FOLDER journal COUNT     makes a journal of so
 * many entries over 20,000 targets, and times history, search by time, objects as they were, opening,
 * verifying; one that is there is gone on with (10,000,000 take 4 GB) */
#include "config.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/store.h"

#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TARGETS = 20000, FLIGHT = 64, BATCH = 2000, BLOCK = 200, SYNCS = 1000, PAGES = 4, RANGE = 250000 };

static double now_ms(void)
{
    return (double)clock_machine_ns() / 1e6;
}

/* Processor time of all threads: what others do on the machine is not in it. */
static double used_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(const char *what, double *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    printf("%-28s p50 %7.2f ms, p99 %7.2f ms, longest %7.2f ms\n", what, times[count / 2],
           times[count * 99 / 100], times[count - 1]);
}

/* The log's way: some pages at the end of a file that is written over. */
static void bench_disk(const char *folder)
{
    char path[4096];
    static char pages[PAGES * 4096];
    double *times = memory_alloc_array(SYNCS, sizeof *times);
    snprintf(path, sizeof path, "%s/sync", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (size_t i = 0; i < SYNCS; i++) {
        double since = now_ms();
        if (pwrite(fd, pages, sizeof pages, (off_t)(i * sizeof pages)) == -1 || fsync(fd) == -1) {
            perror(path);
            exit(1);
        }
        times[i] = now_ms() - since;
    }
    close(fd);
    unlink(path);
    tell("the disk's own sync", times, SYNCS);
    free(times);
}

/* ---- jobs ---- */

struct bench {
    sem_t woken;
    struct store *store;
    size_t left;
    double *times;
};

struct job {
    struct store_job job;
    struct store_op op;
    struct bench *bench;
    char key[32];
    double since;
    size_t index;
};

static void wake(void *context)
{
    struct bench *bench = context;
    sem_post(&bench->woken);
}

static void end(struct store_job *done)
{
    struct job *job = (struct job *)done;
    if (done->error != 0) {
        fprintf(stderr, "error %d\n", done->error);
        exit(1);
    }
    job->bench->times[job->index] = now_ms() - job->since;
    job->bench->left--;
}

static void open_store(struct bench *bench, const char *folder)
{
    struct store_options options = {.folder = folder, .context = bench, .wake = wake};
    struct report *report = report_new();
    double since = now_ms();
    if (store_open(&options, report, &bench->store) != 0) {
        report_write(report, stderr);
        exit(1);
    }
    printf("opening                      %.1f ms\n", now_ms() - since);
    report_free(report);
}

static const char value[] = "{\"state\":\"drain\",\"reason\":\"maintenance of the load balancer in the "
                            "second rack\",\"actor\":\"alice\","
                            "\"peer\":\"uid:1000(alice)\",\"set\":\"2026-11-22T12:00:00.000Z\"}";

static void submit(struct bench *bench, struct job *job, size_t index, struct random *random)
{
    snprintf(job->key, sizeof job->key, "endpoint:web-%llu",
             (unsigned long long)random_below(random, TARGETS));
    job->op =
        (struct store_op){.kind = "override", .key = job->key, .value = value, .if_revision = STORE_ANY};
    job->job = (struct store_job){.cause = {.actor = "alice",
                                            .peer = "uid:1000",
                                            .reason = "maintenance",
                                            .request = "PUT /v1/endpoints/web-1/override"},
                                  .ops = &job->op,
                                  .op_count = 1,
                                  .done = end};
    job->bench = bench;
    job->index = index;
    job->since = now_ms();
    store_submit(bench->store, &job->job);
}

static void wait_until(struct bench *bench, double at_ms)
{
    for (double left; (left = at_ms - now_ms()) > 0;) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(left * 1e6);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)sem_clockwait(&bench->woken, CLOCK_MONOTONIC, &until);
        store_reap(bench->store);
    }
}

static void bench_jobs(const char *folder, size_t count, double rate)
{
    struct bench bench = {.left = count, .times = memory_alloc_array(count, sizeof(double))};
    struct job *jobs = memory_alloc_array(count, sizeof *jobs);
    struct random random;
    struct store_stats stats;
    random_init(&random, 1);
    sem_init(&bench.woken, 0, 0);
    bench_disk(folder);
    open_store(&bench, folder);
    double since = now_ms();
    for (size_t i = 0; i < count; i++) {
        if (rate > 0) {
            wait_until(&bench, since + (double)i * 1000 / rate);
        } else {
            while (i - (count - bench.left) >= FLIGHT) {
                sem_wait(&bench.woken);
                store_reap(bench.store);
            }
        }
        submit(&bench, &jobs[i], i, &random);
        store_reap(bench.store);
    }
    while (bench.left > 0) {
        sem_wait(&bench.woken);
        store_reap(bench.store);
    }
    double took = now_ms() - since;
    store_get_stats(bench.store, &stats);
    printf("%zu jobs in %.1f s: %.0f/s, %llu commits, sync %.2f ms on average, %.2f at most\n", count,
           took / 1000, (double)count * 1000 / took, (unsigned long long)stats.commits,
           (double)stats.sync_us_sum / 1000 / (double)stats.commits, (double)stats.sync_us_max / 1000);
    tell("submitted to done", bench.times, count);
    store_close(bench.store, 60000);
    free(jobs);
    free(bench.times);
}

/* ---- a long journal ---- */

static void end_many(struct store_job *done)
{
    struct job *job = (struct job *)done;
    if (done->error != 0) {
        fprintf(stderr, "error %d\n", done->error);
        exit(1);
    }
    job->bench->left--;
}

static void fill(struct bench *bench, uint64_t from, uint64_t to)
{
    static struct store_op ops[BATCH];
    static char keys[BATCH][32];
    struct random random;
    double since = now_ms();
    random_init(&random, from);
    for (uint64_t at = from; at < to; at += BATCH) {
        uint64_t block =
            random_below(&random, TARGETS - BLOCK); /* else each entry writes a page of the index */
        for (size_t i = 0; i < BATCH; i++) {
            uint64_t number = block + random_below(&random, BLOCK);
            snprintf(keys[i], sizeof keys[i], "endpoint:web-%llu", (unsigned long long)number);
            ops[i] = (struct store_op){
                .kind = "override", .key = keys[i], .value = value, .if_revision = STORE_ANY};
        }
        struct job job = {.bench = bench};
        job.job = (struct store_job){.cause = {.wall_ms = (int64_t)at,
                                               .actor = "alice",
                                               .peer = "uid:1000",
                                               .reason = "maintenance",
                                               .request = "PUT /v1/endpoints/web-1/override"},
                                     .ops = ops,
                                     .op_count = BATCH,
                                     .done = end_many};
        bench->left = 1;
        store_submit(bench->store, &job.job);
        while (bench->left > 0) {
            sem_wait(&bench->woken);
            store_reap(bench->store);
        }
    }
    printf("%llu entries written          %.0f/s\n", (unsigned long long)(to - from),
           (double)(to - from) * 1000 / (now_ms() - since + 1e-3));
}

static bool count_entry(void *context, const struct store_entry *entry)
{
    (void)entry;
    ++*(size_t *)context;
    return true;
}

static bool count_object(void *context, const struct store_object *object)
{
    (void)object;
    ++*(size_t *)context;
    return true;
}

static void expect(struct store_reader *reader, int error)
{
    if (error != 0) {
        fprintf(stderr, "error %d: %s\n", error, store_reader_why(reader));
        exit(1);
    }
}

/* As many entries as there may be between a recovery point and the next. */
static void bench_range(struct store_reader *reader, uint64_t count, bool without_before)
{
    size_t found = 0;
    uint64_t length = count < RANGE ? count : RANGE;
    struct store_filter filter = {.after_seq = count / 2 - length / 2,
                                  .before_seq = count / 2 + length / 2,
                                  .without_before = without_before};
    double since = now_ms(), used = used_ms();
    expect(reader, store_read_journal(reader, &filter, count_entry, &found));
    printf("forward%-22s %.1f ms, %.1f of processor time (%.2f million entries/s)\n",
           without_before ? ", without before" : "", now_ms() - since, used_ms() - used,
           (double)found / 1000 / (now_ms() - since));
}

/* Nobody is found: how long all of it takes in one stretch. */
static void bench_actor(struct store_reader *reader)
{
    size_t found = 0;
    struct store_filter filter = {.actor = "nobody", .backward = true};
    double since = now_ms(), used = used_ms();
    expect(reader, store_read_journal(reader, &filter, count_entry, &found));
    printf("history of one actor         %.1f ms, %.1f of processor time (%zu entries)\n", now_ms() - since,
           used_ms() - used, found);
}

static void read_all(const char *folder, uint64_t count)
{
    struct store_reader *reader;
    struct report *report = report_new();
    struct store_verdict verdict;
    size_t found = 0;
    uint64_t seq;
    if (store_reader_open(folder, report, &reader) != 0) {
        report_write(report, stderr);
        exit(1);
    }
    for (int i = 0; i < 3; i++) {
        char key[32];
        snprintf(key, sizeof key, "endpoint:web-%d", 17 + i * 4000);
        struct store_filter filter = {.kind = "override", .key = key, .backward = true};
        found = 0;
        double since = now_ms();
        expect(reader, store_read_journal(reader, &filter, count_entry, &found));
        printf("history of one target        %.2f ms (%zu entries)\n", now_ms() - since, found);
    }
    double since = now_ms();
    expect(reader, store_find_seq(reader, (int64_t)(count / 3), &seq));
    printf("search by time               %.2f ms (entry %llu)\n", now_ms() - since, (unsigned long long)seq);
    since = now_ms();
    found = 0;
    expect(reader, store_list_at(reader, count / 2, count_object, &found));
    printf("objects as they were         %.1f ms (%zu objects)\n", now_ms() - since, found);
    since = now_ms();
    found = 0;
    expect(reader, store_list(reader, "override", NULL, NULL, count_object, &found));
    printf("objects as they are          %.1f ms (%zu objects)\n", now_ms() - since, found);
    for (int i = 0; i < 2; i++) {
        bench_range(reader, count, false);
        bench_range(reader, count, true);
    }
    bench_actor(reader);
    for (int i = 0; i < 2; i++) {
        double used = used_ms();
        since = now_ms();
        expect(reader, store_verify(reader, 0, NULL, &verdict));
        double took = now_ms() - since;
        printf("verify                       %.2f s (%.2f million entries/s), %.2f s of processor time %s\n",
               took / 1000, (double)verdict.entries / 1000 / took, (used_ms() - used) / 1000,
               verdict.is_whole ? "whole" : verdict.why);
    }
    store_reader_close(reader);
    report_free(report);
}

static void bench_journal(const char *folder, uint64_t count)
{
    struct bench bench = {.left = 0};
    struct store_stats stats;
    sem_init(&bench.woken, 0, 0);
    open_store(&bench, folder);
    store_get_stats(bench.store, &stats);
    fill(&bench, stats.seq, count);
    store_get_stats(bench.store, &stats);
    printf("size                         %.2f GB\n", (double)stats.size / 1e9);
    read_all(folder, stats.seq);
    store_close(bench.store, 600000);
    open_store(&bench, folder);
    store_close(bench.store, 600000);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[2], "jobs") == 0) {
        bench_jobs(argv[1], strtoul(argv[3], NULL, 10), strtod(argv[4], NULL));
    } else if (argc == 4 && strcmp(argv[2], "journal") == 0) {
        bench_journal(argv[1], strtoull(argv[3], NULL, 10));
    } else {
        fprintf(stderr,
                "usage: bench_store FOLDER jobs COUNT RATE\n       bench_store FOLDER journal COUNT\n");
        return 2;
    }
    return 0;
}
