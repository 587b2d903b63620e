/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A model beside the store: random transactions with conditions, on a disk that fails now and then and loses
 * power at a random moment, in the middle of a sync or of closing; what it had not synced is dropped, torn
 * and reordered. When power is back, all that was acknowledged is there, nothing that was refused, of what
 * failed each job whole or not at all, in the order of submission; what a watch has told is there; and the
 * chain verifies.
 *
 * STORE_ROUNDS (200) and STORE_SEED make it longer, or other. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "tests/unit/store_disk.h"
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { KINDS = 2, KEYS = 6, OPS_MAX = 4, JOBS_MAX = 40, LIVES = 15, VALUE_MAX = 20000 };

static const char *const kinds[KINDS] = {"a", "b"}, *const keys[KEYS] = {"k", "l", "m", "n", "o", "p"};

/* ---- the model ---- */

struct object {
    uint64_t revision; /* 0: there is none */
    char *value;
};

struct model {
    struct object objects[KINDS][KEYS];
    uint64_t seq;
};

struct planned {
    unsigned kind, key;
    char *value; /* NULL: delete */
    bool conditional;
    uint64_t if_revision;
};

struct job {
    struct store_job job;
    struct store_op ops[OPS_MAX];
    struct planned plans[OPS_MAX];
    char request[16];
    unsigned *left;
    bool was_owed; /* and is written */
};

static void free_model(struct model *model)
{
    for (size_t i = 0; i < (size_t)KINDS * KEYS; i++) {
        free(model->objects[i / KEYS][i % KEYS].value);
    }
}

static bool conditions_hold(const struct model *model, const struct job *job)
{
    for (size_t i = 0; i < job->job.op_count; i++) {
        const struct planned *plan = &job->plans[i];
        if (plan->conditional && model->objects[plan->kind][plan->key].revision != plan->if_revision) {
            return false;
        }
    }
    return true;
}

/* ---- what is found, compared with it ---- */

struct found {
    char *request, *kind, *key, *after;
    uint64_t revision_before;
};

struct history {
    struct found *entries;
    size_t count, capacity, at;
};

static bool take_entry(void *context, const struct store_entry *entry)
{
    struct history *history = context;
    history->entries =
        memory_grow(history->entries, history->count, &history->capacity, sizeof *history->entries);
    history->entries[history->count++] = (struct found){.request = memory_copy_text(entry->cause.request),
                                                        .kind = memory_copy_text(entry->kind),
                                                        .key = memory_copy_text(entry->key),
                                                        .after = memory_copy_text(entry->after),
                                                        .revision_before = entry->revision_before};
    return true;
}

static void free_history(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->entries[i].request);
        free(history->entries[i].kind);
        free(history->entries[i].key);
        free(history->entries[i].after);
    }
    free(history->entries);
}

static void expect_entry(const struct model *model, struct history *history, const struct job *job,
                         const struct planned *plan)
{
    const struct object *object = &model->objects[plan->kind][plan->key];
    assert_true(history->at < history->count);
    const struct found *found = &history->entries[history->at++];
    assert_string_equal(found->request, job->request);
    assert_string_equal(found->kind, kinds[plan->kind]);
    assert_string_equal(found->key, keys[plan->key]);
    assert_int_equal(found->revision_before, object->revision);
    if (plan->value == NULL) {
        assert_null(found->after);
    } else {
        assert_string_equal(found->after, plan->value);
    }
}

/* The job has taken effect: so all its entries are there. */
static void follow(struct model *model, struct history *history, const struct job *job)
{
    for (size_t i = 0; i < job->job.op_count; i++) {
        const struct planned *plan = &job->plans[i];
        struct object *object = &model->objects[plan->kind][plan->key];
        if (plan->value != NULL || object->revision != 0) {
            expect_entry(model, history, job, plan);
            model->seq++;
            object->revision = plan->value == NULL ? 0 : model->seq;
            free(object->value);
            object->value = memory_copy_text(plan->value);
        }
    }
}

static void judge(struct model *model, struct history *history, const struct job *job)
{
    bool is_there =
        history->at < history->count && strcmp(history->entries[history->at].request, job->request) == 0;
    bool holds = conditions_hold(model, job);
    if (job->job.error == 0) {
        assert_true(holds);
        follow(model, history, job);
        assert_int_equal(job->job.seq, model->seq);
    } else if (job->job.error == ERROR_CONFLICT) {
        assert_false(holds);
        assert_false(is_there);
    } else if (is_there || job->was_owed) { /* it may be */
        assert_true(holds);
        follow(model, history, job);
    }
}

static void compare(struct store_fixture *fixture, struct model *model, const struct job *jobs, size_t count)
{
    struct history history = {.count = 0};
    struct store_filter filter = {.after_seq = model->seq};
    struct store_verdict verdict;
    struct store_reader *reader = store_fixture_read(fixture);
    assert_int_equal(store_read_journal(reader, &filter, take_entry, &history), 0);
    for (size_t i = 0; i < count; i++) {
        judge(model, &history, &jobs[i]);
    }
    assert_int_equal(history.at, history.count);
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), 0);
    assert_string_equal(verdict.why, "");
    assert_int_equal(verdict.entries, model->seq);
    store_reader_close(reader);
    free_history(&history);
}

/* ---- random jobs ---- */

static char *make_value(struct random *random)
{
    size_t len =
        random_below(random, 8) == 0 ? random_below(random, VALUE_MAX) : 1 + random_below(random, 200);
    char *value = memory_alloc(len + 3);
    memset(value, (int)('a' + random_below(random, 26)), len + 2);
    value[0] = value[len + 1] = '"';
    return value;
}

static void plan_op(struct job *job, size_t i, const struct model *model, struct random *random)
{
    struct planned *plan = &job->plans[i];
    *plan = (struct planned){.kind = (unsigned)random_below(random, KINDS),
                             .key = (unsigned)random_below(random, KEYS)};
    plan->value = random_below(random, 5) == 0 ? NULL : make_value(random);
    plan->conditional = !job->job.insists && random_below(random, 4) == 0;
    if (plan->conditional) { /* of what was before the first of these jobs: often true, often not any more */
        plan->if_revision = random_below(random, 3) == 0 ? 0 : model->objects[plan->kind][plan->key].revision;
    }
    job->ops[i] = (struct store_op){.kind = kinds[plan->kind],
                                    .key = keys[plan->key],
                                    .value = plan->value,
                                    .if_revision = plan->conditional ? plan->if_revision : STORE_ANY};
}

static void end(struct store_job *job)
{
    --*((struct job *)job)->left;
}

static void plan_job(struct job *job, unsigned number, const struct model *model, struct random *random)
{
    *job = (struct job){.job = {.insists = random_below(random, 4) == 0, .ops = job->ops, .done = end}};
    snprintf(job->request, sizeof job->request, "job %u", number);
    job->job.op_count = 1 + random_below(random, OPS_MAX);
    job->job.cause.request = job->request;
    for (size_t i = 0; i < job->job.op_count; i++) {
        plan_op(job, i, model, random);
    }
}

static void free_job(struct job *job)
{
    for (size_t i = 0; i < job->job.op_count; i++) {
        free(job->plans[i].value);
    }
}

/* ---- who watches ---- */

struct told {
    uint64_t first, count;
    unsigned char hashes[JOBS_MAX * OPS_MAX][STORE_HASH_SIZE];
    uint64_t found;
};

static bool note_told(void *context, const struct store_entry *entry)
{
    struct told *told = context;
    assert_int_equal(entry->seq, told->first + told->count);
    assert_true(told->count < JOBS_MAX * OPS_MAX);
    memcpy(told->hashes[told->count++], entry->hash, STORE_HASH_SIZE);
    return true;
}

static void note_end(void *context, int error, const char *why)
{
    (void)context, (void)why;
    assert_true(error == ERROR_CANCELLED || !disk_has_power());
}

static void begin_watch(struct store_fixture *fixture, const struct model *model, struct told *told)
{
    *told = (struct told){.first = model->seq + 1};
    (void)store_watch(fixture->store,
                      &(struct store_watch_options){
                          .after_seq = model->seq, .context = told, .changed = note_told, .ended = note_end});
}

static bool find_told(void *context, const struct store_entry *entry)
{
    struct told *told = context;
    if (told->found < told->count) {
        assert_memory_equal(entry->hash, told->hashes[told->found], STORE_HASH_SIZE);
        told->found++;
    }
    return true;
}

static void compare_told(struct store_fixture *fixture, struct told *told)
{
    struct store_reader *reader = store_fixture_read(fixture);
    struct store_filter filter = {.after_seq = told->first - 1, .without_before = true};
    assert_int_equal(store_read_journal(reader, &filter, find_told, told), 0);
    assert_int_equal(told->found, told->count);
    store_reader_close(reader);
}

/* ---- one life of the store: from opening to the loss of power ---- */

static unsigned left;

static bool none_is_left(struct store_fixture *fixture)
{
    (void)fixture;
    return left == 0;
}

static void submit_all(struct store_fixture *fixture, struct job *jobs, size_t count, struct random *random)
{
    left = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        jobs[i].left = &left;
        store_submit(fixture->store, &jobs[i].job);
        if (random_below(random, 4) == 0) {
            unsigned upto = left - (unsigned)random_below(random, 3);
            for (int turn = 0; left > upto && turn < 3; turn++) {
                store_reap(fixture->store);
            }
        }
    }
    store_fixture_wait(fixture, none_is_left);
}

/* Owed ones are all written once the disk is well again: then they are as good as acknowledged. A job that is
 * none lets the store try at once. */
static void settle_owed(struct store_fixture *fixture, struct job *jobs, size_t count)
{
    struct store_stats stats;
    disk_set_error(0);
    assert_int_equal(store_fixture_put(fixture, "", "", "1"), ERROR_INVALID);
    store_get_stats(fixture->store, &stats);
    assert_true(stats.owed == 0 || !disk_has_power());
    for (size_t i = 0; i < count && stats.owed == 0; i++) {
        jobs[i].was_owed = jobs[i].job.insists && jobs[i].job.error != 0;
    }
}

static void live(struct store_fixture *fixture, struct model *model, struct job *jobs, struct random *random)
{
    static unsigned number;
    size_t count = 1 + random_below(random, JOBS_MAX);
    struct told *told = memory_alloc(sizeof *told);
    for (size_t i = 0; i < count; i++) {
        plan_job(&jobs[i], ++number, model, random);
    }
    switch (random_below(random, 8)) {
    case 0: disk_set_error_every(SQLITE_FULL, 2 + (unsigned)random_below(random, 20)); break;
    case 1: disk_set_error_every(SQLITE_IOERR_FSYNC, 2 + (unsigned)random_below(random, 20)); break;
    default: disk_lose_power_after(random_below(random, 300)); break;
    }
    begin_watch(fixture, model, told);
    submit_all(fixture, jobs, count, random);
    settle_owed(fixture, jobs, count);
    if (disk_has_power()) { /* then while it is closed, or after that */
        disk_lose_power_after(random_below(random, 40));
    }
    store_fixture_close(fixture);
    char from[sizeof fixture->folder];
    struct store_fixture *next = store_fixture_new();
    disk_recover(fixture->folder, next->folder, random);
    disk_reset();
    memcpy(from, fixture->folder, sizeof from);
    memcpy(fixture->folder, next->folder, sizeof from);
    memcpy(next->folder, from, sizeof from);
    store_fixture_free(next);
    if (store_fixture_open(fixture) != 0) {
        fail_msg("%s", store_fixture_said(fixture));
    }
    compare_told(fixture, told);
    compare(fixture, model, jobs, count);
    free(told);
    for (size_t i = 0; i < count; i++) {
        free_job(&jobs[i]);
    }
}

static uint64_t read_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void nothing_acknowledged_is_lost(void **state)
{
    uint64_t rounds = read_number("STORE_ROUNDS", 200), seed = read_number("STORE_SEED", 1);
    struct job *jobs = memory_alloc_array(JOBS_MAX, sizeof *jobs);
    (void)state;
    for (uint64_t round = 0; round < rounds; round += LIVES) {
        struct random random;
        struct model model = {.seq = 0};
        struct store_fixture *fixture = store_fixture_new();
        random_init(&random, seed + round);
        assert_int_equal(store_fixture_open(fixture), 0);
        for (unsigned i = 0; i < LIVES; i++) {
            live(fixture, &model, jobs, &random);
        }
        store_fixture_free(fixture);
        disk_reset();
        free_model(&model);
    }
    free(jobs);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};
    disk_install();
    return cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);
}
