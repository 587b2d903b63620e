/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the files of past health: what a disk may have made of them, with checksums that are right. What
 * is read makes a machine or none; a sieve that has taken it is as large as what there was; and a segment
 * that could be read is gone on with, so that it can be read again. */
#include "config.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/trail.h"
#include "health/health.h"
#include "health/record.h"
#include "past/known.h"
#include "past/last_kinds.h"
#include "past/recorder.h"
#include "past/segments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEGUN_MS = 1000, NOW_MS = 1000000 };

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

/* Frames of the input, each as long as its first two octets say. */
static void write_file(const char *path, const uint8_t *data, size_t size)
{
    struct trail trail;
    trail_init(&trail, path, LAST_TITLE);
    expect(trail_begin(&trail) == 0);
    while (size > 2) {
        size_t len = ((size_t)data[0] << 8 | data[1]) + 1;
        len = len < size - 2 ? len : size - 2;
        expect(trail_add(&trail, data + 2, len) == 0);
        data += 2 + len;
        size -= 2 + len;
    }
    expect(trail_settle(&trail) == 0);
    trail_fini(&trail);
}

/* Whichever moment is asked for. */
static void ask(const char *state)
{
    static const int64_t moments[] = {0, BEGUN_MS, 5000, NOW_MS, INT64_MAX / 2};
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct known_about about;
        struct known *known = known_find(state, moments[i], &about);
        expect((known != NULL) == (about.state == KNOWN_FOUND));
        expect(known == NULL || about.as_of_ms <= moments[i]);
        struct health *health =
            known == NULL ? NULL
                          : known_make_health(
                                known, &(struct health_reading){.wall_ms = moments[i],
                                                                .alive_ms = known_get_moment(known).now_ms});
        health_free(health);
        known_free(known);
    }
}

static void go_on(const char *state, const uint8_t *data, size_t size)
{
    struct clock clock;
    clock_init_virtual(&clock, NOW_MS, NOW_MS);
    struct recorder *recorder = recorder_new(state, &clock);
    recorder_resume(recorder, "b");
    (void)recorder_take(recorder, data, size);
    recorder_begin(recorder);
    (void)recorder_take(recorder, data, size);
    char *path = memory_print("%s/" LAST_FILE, state);
    (void)recorder_settle(recorder, path);
    free(path);
    (void)recorder_take(recorder, data, size);
    recorder_free(recorder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *where = getenv("TMPDIR");
    char *state = memory_print("%s/fuzz_known.XXXXXX", where == NULL ? "/tmp" : where);
    struct segments list;
    expect(mkdtemp(state) != NULL);
    char *folder = memory_print("%s/" SEGMENTS_FOLDER, state), *last = memory_print("%s/" LAST_FILE, state),
         *path = segments_write_path(state, BEGUN_MS);
    expect(mkdir(folder, 0700) == 0);
    write_file(path, data, size);
    write_file(last, data, size);
    ask(state);
    go_on(state, data, size);
    ask(state);
    expect(segments_list(state, &list) == 0 && list.count != 0 && list.count <= 2);
    for (size_t i = 0; i < list.count; i++) {
        free(path);
        path = segments_write_path(state, list.items[i].begun_ms);
        expect(unlink(path) == 0);
    }
    segments_fini(&list);
    expect(unlink(last) == 0 && rmdir(folder) == 0 && rmdir(state) == 0);
    free(folder);
    free(last);
    free(path);
    free(state);
    return 0;
}
