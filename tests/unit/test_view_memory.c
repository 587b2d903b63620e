/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Loading while allocations fail: each load is either whole or refused with a reason, nothing is lost or used
 * after it was freed, and the one before serves on. Which allocation fails is drawn; STEERD_SEED repeats. */
#include "config.h"

#include "view_folder.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/report.h"
#include "base/sanitizer.h"
#include "conf/server.h"
#include "view/view.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- malloc() as it may be: whichever allocation the countdown ends at fails ---- */

static _Atomic long countdown; /* 0: none */
static _Atomic long asked;

#if !defined(SANITIZER_ADDRESS) && !defined(SANITIZER_THREAD) && defined(__GLIBC__)
enum { CAN_FAIL = 1 };

void *__libc_malloc(size_t size);               /* NOLINT(bugprone-reserved-identifier): glibc's own */
void *__libc_calloc(size_t count, size_t size); /* NOLINT(bugprone-reserved-identifier) */
void *__libc_realloc(void *old, size_t size);   /* NOLINT(bugprone-reserved-identifier) */

static bool is_refused(void)
{
    atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
    if (atomic_load_explicit(&countdown, memory_order_relaxed) == 0 ||
        atomic_fetch_sub_explicit(&countdown, 1, memory_order_relaxed) != 1) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    if (size == 0 || count == 0 || count > SIZE_MAX / size) {
        errno = ENOMEM; /* of nothing memory_resize() never asks */
        return NULL;
    }
    return realloc(old, count * size);
}
#else
enum { CAN_FAIL = 0 }; /* the sanitizer's allocator is not to be put before */
#endif

/* ---- what is loaded ---- */

static const char server_json[] =
    "{\"listen\": \"127.0.0.1:1\", \"load_threads\": 2, \"zones\": \"zones\", \"topology\": "
    "\"topology.json\", \"geo\": [\"" TEST_DATA "/geo/country.mmdb\"]}";
static const char topology_json[] =
    "{\"regions\": {\"a\": {\"location\": [1, 2], \"azs\": {\"a1\": {}}}, \"b\": {\"azs\": {\"b1\": {}}}},"
    "\"checks\": {\"web\": {\"type\": \"http\", \"port\": 80, \"path\": \"/\"}},"
    "\"endpoints\": {\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"], "
    "\"checks\": [\"web\"]}, \"two\": {\"az\": \"b1\", \"addresses\": [\"192.0.2.2\"], \"weight\": 7}, "
    "\"three\": {\"az\": \"b1\", \"host\": \"host.example\"}}}";
static const char zone_text[] =
    "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n$GENERATE 1-40 g$ A 10.0.0.$\n"
    "mail MX 10 ns\nsrv SRV 1 2 3 ns\nloc LOC 52 22 23 N 4 53 32 E -2.00m 0.00m 10000m 10m\n"
    "cert CERT PGP 0 0 dGVzdA==\nalias CNAME ns\n*.wild TXT \"a\" \"b\"\nunit TYPE65280 \\# 2 beef\n";
static const char policy_json[] =
    "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"a\"], [\"b\"]], \"geo\": [{\"when\": "
    "{\"country\": \"DE\"}, \"tiers\": [[\"b\"]]}]}, \"sticky\": {\"endpoints\": [\"one\", \"two\"], "
    "\"pick\": \"sticky\"}, \"mx\": {\"endpoints\": [\"one\", \"two\"], \"records\": {\"MX\": {\"one\": "
    "[\"10 ns\"], \"two\": [\"20 ns\", \"30 www\"]}}}}}";

static char path[96];
static struct view *first;

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json", server_json);
    put("topology.json", topology_json);
    put("zones/plain.test.zone", zone_text);
    put("zones/steered.test.zone", zone_text);
    put("zones/steered.test.json", policy_json);
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct report *report = report_new();
    first = view_compile(path, NULL, 1, 0, 2, report);
    report_write(report, stderr);
    report_free(report);
    assert_non_null(first);
    return 0;
}

static int tear_down(void **state)
{
    view_free(first);
    return folder_close(state);
}

static bool tells_of_memory(const struct report *report)
{
    for (size_t i = 0; i < report_count(report); i++) {
        const char *message = report_get(report, i)->message;
        if (strstr(message, "memory ran out") != NULL || strcasestr(message, "memory") != NULL) {
            return true;
        }
    }
    return false;
}

static void load_all(struct report *report)
{
    struct view *view = view_compile(path, first, 2, 0, 2, report);
    atomic_store(&countdown, 0);
    if (view != NULL) { /* whatever is broken in it was carried over */
        assert_int_equal(view->name_count, first->name_count);
        assert_int_equal(view->zone_count, first->zone_count);
        view_free(view);
    }
    if (view == NULL && !tells_of_memory(report)) {
        report_write(report, stderr);
        fail_msg("refused without a word of memory");
    }
}

static void load_one(struct report *report, const char *origin)
{
    ptrdiff_t index = view_find_zone(first, origin);
    struct view_zone_update *update = view_read_zone(first, (size_t)index, report);
    atomic_store(&countdown, 0);
    assert_true(update != NULL || report_errors(report) != 0);
    view_free_update(update);
}

static void load(unsigned what, struct report *report)
{
    if (what == 0) {
        load_all(report);
    } else {
        load_one(report, what == 1 ? "plain.test" : "steered.test");
    }
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    enum { KINDS = 3, ROUNDS = 250 };
    const char *given = getenv("STEERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : random_seed();
    struct random random;
    print_message("STEERD_SEED=%llu\n", (unsigned long long)seed);
    random_init(&random, seed);
    for (unsigned what = 0; what < KINDS; what++) {
        long before = atomic_load(&asked);
        struct report *report = report_new();
        load(what, report);
        report_free(report);
        long all = atomic_load(&asked) - before;
        for (int round = 0; round < ROUNDS && CAN_FAIL; round++) {
            report = report_new();
            long at = 1 + (long)random_below(&random, (uint32_t)all);
            atomic_store(&countdown, at);
            load(what, report);
            report_free(report);
        }
    }
    assert_null(memory_get_reserve());
}

int main(void)
{
    conf_use_reserve();
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
