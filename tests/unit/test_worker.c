/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the worker: order, cancelling before and while a job runs, a full queue, closing with jobs in
 * every state. Nothing here depends on time: jobs wait for gates. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/worker.h"

#include <poll.h>
#include <semaphore.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { JOBS = 8 };

struct bench;

struct task {
    struct worker_job job;
    struct bench *bench;
    sem_t begun, gate; /* of a task that is held */
    bool is_held;      /* runs until the gate opens */
    bool is_endless;   /* runs until it is cancelled */
    int repeats;       /* so many times more */
    int prepared, ran, done;
    size_t ended_before; /* how many were done with when its turn came */
    bool was_cancelled;
};

struct bench {
    struct worker *worker;
    int fd;
    struct task tasks[JOBS];
    char order[JOBS + 1]; /* of the tasks that are done: "012" */
    size_t ended;
    int entered, left;
};

static void wake(void *context)
{
    struct bench *b = context;
    uint64_t one = 1;
    assert_int_equal(write(b->fd, &one, sizeof one), sizeof one);
}

static void enter(void *context)
{
    ((struct bench *)context)->entered++;
}

static void leave(void *context)
{
    ((struct bench *)context)->left++;
}

static void prepare(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    assert_int_equal(task->ran, task->prepared);
    task->prepared++;
    task->ended_before = task->bench->ended;
}

static void run(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    task->ran++;
    progress_expect(&job->progress, 10);
    sem_post(&task->begun);
    if (task->is_held) {
        sem_wait(&task->gate);
    }
    while (task->is_endless && progress_step(&job->progress, 1)) {
    }
    progress_step(task->is_endless ? NULL : &job->progress, 10);
}

static void done(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    struct bench *b = task->bench;
    task->done++;
    task->was_cancelled = progress_is_cancelled(&job->progress);
    b->order[b->ended++] = (char)('0' + (task - b->tasks));
    if (task->repeats-- > 0) {
        worker_repeat(b->worker, job);
    }
}

static void open_kind(struct bench *b, size_t limit, bool in_order)
{
    *b = (struct bench){.fd = eventfd(0, EFD_NONBLOCK)};
    for (int i = 0; i < JOBS; i++) {
        struct task *task = &b->tasks[i];
        *task =
            (struct task){.bench = b, .job = {.name = "task", .prepare = prepare, .run = run, .done = done}};
        sem_init(&task->begun, 0, 0);
        sem_init(&task->gate, 0, 0);
    }
    assert_int_equal(worker_open(&(struct worker_options){.name = "test",
                                                          .limit = limit,
                                                          .nice = 10,
                                                          .in_order = in_order,
                                                          .context = b,
                                                          .wake = wake,
                                                          .enter = enter,
                                                          .leave = leave},
                                 &b->worker),
                     0);
}

static void open_bench(struct bench *b, size_t limit)
{
    open_kind(b, limit, false);
}

static void close_bench(struct bench *b)
{
    worker_close(b->worker);
    assert_int_equal(b->entered, 1);
    assert_int_equal(b->left, 1);
    for (int i = 0; i < JOBS; i++) {
        sem_destroy(&b->tasks[i].begun);
        sem_destroy(&b->tasks[i].gate);
    }
    close(b->fd);
}

/* As an event loop would. */
static void reap_until(struct bench *b, size_t ended)
{
    while (b->ended < ended) {
        uint64_t count;
        poll(&(struct pollfd){.fd = b->fd, .events = POLLIN}, 1, -1);
        assert_int_equal(read(b->fd, &count, sizeof count), sizeof count);
        worker_reap(b->worker);
    }
}

static void jobs_run_in_their_order(void **state)
{
    (void)state;
    struct bench b;
    struct worker_stats stats;
    open_bench(&b, JOBS);
    b.tasks[0].is_held = true;
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(worker_submit(b.worker, &b.tasks[i].job), 0);
    }
    sem_wait(&b.tasks[0].begun);
    worker_get_stats(b.worker, &stats);
    assert_int_equal(stats.waiting, JOBS - 1);
    assert_string_equal(stats.running, "task");
    assert_int_equal(stats.of, 10);
    assert_int_equal(b.tasks[1].prepared, 0); /* its turn has not come */
    sem_post(&b.tasks[0].gate);
    reap_until(&b, JOBS);
    assert_string_equal(b.order, "01234567");
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(b.tasks[i].prepared, 1);
        assert_int_equal(b.tasks[i].ran, 1);
        assert_int_equal(b.tasks[i].done, 1);
        assert_false(b.tasks[i].was_cancelled);
    }
    worker_get_stats(b.worker, &stats);
    assert_int_equal(stats.ended, JOBS);
    assert_null(stats.running);
    worker_reap(b.worker); /* nothing to reap is fine */
    close_bench(&b);
}

/* What one has done is there when the next one begins. */
static void jobs_do_not_overtake(void **state)
{
    (void)state;
    struct bench b;
    open_kind(&b, JOBS, true);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(worker_submit(b.worker, &b.tasks[i].job), 0);
    }
    reap_until(&b, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(b.tasks[i].ended_before, i);
    }
    close_bench(&b);
}

/* Done once more, before whoever waits; also where nobody does, or the queue is full. */
static void jobs_are_repeated_at_once(void **state)
{
    (void)state;
    struct bench b;
    open_kind(&b, 2, true);
    b.tasks[0].repeats = 2;
    b.tasks[2].repeats = 1;
    b.tasks[0].is_held = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(worker_submit(b.worker, &b.tasks[i].job), 0);
        sem_post(&b.tasks[0].gate);
    }
    reap_until(&b, 6);
    assert_string_equal(b.order, "000122");
    assert_int_equal(b.tasks[0].prepared, 3);
    assert_int_equal(worker_submit(b.worker, &b.tasks[3].job), 0);
    reap_until(&b, 7);
    assert_string_equal(b.order, "0001223");
    close_bench(&b);
}

static void a_full_queue_says_so(void **state)
{
    (void)state;
    struct bench b;
    struct worker_stats stats;
    open_bench(&b, 2);
    b.tasks[0].is_held = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(worker_submit(b.worker, &b.tasks[i].job), 0);
    }
    assert_int_equal(worker_submit(b.worker, &b.tasks[3].job), ERROR_BUSY);
    assert_int_equal(b.tasks[3].done, 0);
    worker_get_stats(b.worker, &stats);
    assert_int_equal(stats.refused, 1);
    worker_cancel(b.worker, &b.tasks[2].job); /* who leaves makes room */
    assert_int_equal(worker_submit(b.worker, &b.tasks[3].job), 0);
    sem_post(&b.tasks[0].gate);
    reap_until(&b, 4);
    assert_string_equal(b.order, "2013");
    close_bench(&b);
}

static void a_full_queue_that_is_held_says_so(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, 2);
    worker_hold(b.worker, true);
    assert_int_equal(worker_submit(b.worker, &b.tasks[0].job), 0);
    assert_int_equal(worker_submit(b.worker, &b.tasks[1].job), 0);
    assert_int_equal(worker_submit(b.worker, &b.tasks[2].job), ERROR_BUSY);
    worker_hold(b.worker, false);
    reap_until(&b, 2);
    assert_string_equal(b.order, "01");
    close_bench(&b);
}

/* The first, one in the middle and the last of those that wait. */
static void cancelled_jobs_do_not_run(void **state)
{
    (void)state;
    struct bench b;
    struct worker_stats stats;
    open_bench(&b, JOBS);
    b.tasks[0].is_held = true;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(worker_submit(b.worker, &b.tasks[i].job), 0);
    }
    worker_cancel(b.worker, &b.tasks[1].job);
    worker_cancel(b.worker, &b.tasks[3].job);
    worker_cancel(b.worker, &b.tasks[5].job);
    assert_string_equal(b.order, "135");
    assert_int_equal(worker_submit(b.worker, &b.tasks[6].job), 0);
    sem_post(&b.tasks[0].gate);
    reap_until(&b, 7);
    assert_string_equal(b.order, "1350246");
    assert_int_equal(b.tasks[3].ran + b.tasks[3].prepared, 0);
    assert_true(b.tasks[3].was_cancelled);
    worker_get_stats(b.worker, &stats);
    assert_int_equal(stats.cancelled, 3);
    assert_int_equal(stats.ended, 4);
    close_bench(&b);
}

static void a_running_job_is_told(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, JOBS);
    b.tasks[0].is_endless = true;
    assert_int_equal(worker_submit(b.worker, &b.tasks[0].job), 0);
    assert_int_equal(worker_submit(b.worker, &b.tasks[1].job), 0);
    sem_wait(&b.tasks[0].begun);
    worker_cancel(b.worker, &b.tasks[0].job);
    assert_int_equal(b.tasks[0].done, 0); /* it has not returned yet */
    reap_until(&b, 2);
    assert_true(b.tasks[0].was_cancelled);
    assert_string_equal(b.order, "01");
    close_bench(&b);
}

static void closing_ends_all(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, JOBS);
    b.tasks[0].is_endless = true;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(worker_submit(b.worker, &b.tasks[i].job), 0);
    }
    sem_wait(&b.tasks[0].begun);
    close_bench(&b);
    assert_string_equal(b.order, "1230");
    assert_int_equal(b.tasks[0].ran, 1);
    assert_int_equal(b.tasks[3].ran, 0);
    assert_true(b.tasks[0].was_cancelled);
}

/* The thread may not even have seen the job, or be done with it. */
static void closing_at_any_moment(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct bench b;
        open_bench(&b, JOBS);
        b.tasks[0].is_endless = round % 2 == 0;
        assert_int_equal(worker_submit(b.worker, &b.tasks[0].job), 0);
        if (round % 3 == 0) {
            sem_wait(&b.tasks[0].begun);
        }
        close_bench(&b);
        assert_int_equal(b.tasks[0].ran, 1);
        assert_int_equal(b.tasks[0].done, 1);
    }
}

static void nobody_looks(void **state)
{
    (void)state;
    progress_expect(NULL, 3);
    assert_true(progress_step(NULL, 3));
    assert_false(progress_is_cancelled(NULL));
    worker_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_in_their_order),   cmocka_unit_test(jobs_do_not_overtake),
        cmocka_unit_test(a_full_queue_says_so),      cmocka_unit_test(a_full_queue_that_is_held_says_so),
        cmocka_unit_test(cancelled_jobs_do_not_run), cmocka_unit_test(a_running_job_is_told),
        cmocka_unit_test(closing_ends_all),          cmocka_unit_test(jobs_are_repeated_at_once),
        cmocka_unit_test(closing_at_any_moment),     cmocka_unit_test(nobody_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
