/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the thread that saves: many requests are one save, failures are tried again, whoever waits sees
 * what became of it, and a save that hangs holds up nobody but itself. */
#include "config.h"

#include "unit.h"

#include "base/scribe.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

struct disk {
    sem_t begun, go; /* each save posts the one and waits for the other */
    bool hangs;
    _Atomic int error;
    _Atomic unsigned saves;
    _Atomic int changes, kept;
};

static int save(void *context)
{
    struct disk *disk = context;
    int changes = atomic_load(&disk->changes);
    sem_post(&disk->begun);
    if (disk->hangs) {
        sem_wait(&disk->go);
    }
    atomic_fetch_add(&disk->saves, 1);
    int error = atomic_load(&disk->error);
    if (error == 0) {
        atomic_store(&disk->kept, changes);
    }
    return error;
}

static void init(struct disk *disk, bool hangs)
{
    *disk = (struct disk){.hangs = hangs};
    sem_init(&disk->begun, 0, 0);
    sem_init(&disk->go, 0, 0);
}

static void requests_during_a_save_are_one_more(void **state)
{
    (void)state;
    struct disk disk;
    init(&disk, true);
    struct scribe *scribe = scribe_open(save, &disk);
    scribe_ask(scribe);
    sem_wait(&disk.begun);
    for (int i = 0; i < 1000; i++) {
        atomic_fetch_add(&disk.changes, 1);
        scribe_ask(scribe);
    }
    sem_post(&disk.go);
    sem_post(&disk.go);
    assert_true(scribe_close(scribe, 30000));
    assert_int_equal(atomic_load(&disk.saves), 2);
    assert_int_equal(atomic_load(&disk.kept), 1000);
}

static bool poll_idle(struct scribe *scribe)
{
    while (!scribe_is_idle(scribe)) {
        sched_yield();
    }
    return true;
}

static void idle_is_who_has_nothing_to_save(void **state)
{
    (void)state;
    struct disk disk;
    init(&disk, true);
    struct scribe *scribe = scribe_open(save, &disk);
    assert_true(scribe_is_idle(scribe));
    scribe_ask(scribe);
    assert_false(scribe_is_idle(scribe));
    sem_wait(&disk.begun);
    assert_false(scribe_is_idle(scribe));
    sem_post(&disk.go);
    assert_int_equal(poll_idle(scribe), true);
    assert_int_equal(atomic_load(&disk.saves), 1);
    assert_true(scribe_close(scribe, 10000));
}

static void who_waits_sees_it_saved(void **state)
{
    (void)state;
    struct disk disk;
    init(&disk, false);
    struct scribe *scribe = scribe_open(save, &disk);
    for (int i = 1; i <= 100; i++) {
        atomic_store(&disk.changes, i);
        assert_int_equal(scribe_wait(scribe), 0);
        assert_int_equal(atomic_load(&disk.kept), i);
        assert_int_equal(scribe_count(scribe), i);
    }
    assert_true(scribe_close(scribe, 30000));
}

static void failures_are_told_and_tried_again(void **state)
{
    (void)state;
    struct disk disk;
    init(&disk, false);
    atomic_store(&disk.error, -ENOSPC);
    struct scribe *scribe = scribe_open(save, &disk);
    assert_int_equal(scribe_wait(scribe), -ENOSPC);
    assert_int_equal(scribe_error(scribe), -ENOSPC);
    assert_int_equal(scribe_count(scribe), 0);
    sem_wait(&disk.begun);
    atomic_store(&disk.changes, 7);
    atomic_store(&disk.error, 0);
    sem_wait(&disk.begun); /* by itself */
    while (scribe_count(scribe) == 0) {
    }
    assert_int_equal(scribe_error(scribe), 0);
    assert_int_equal(atomic_load(&disk.kept), 7);
    assert_true(scribe_close(scribe, 30000));
}

static void *wait_for_it(void *argument)
{
    return scribe_wait(argument) == -ECANCELED ? argument : NULL;
}

static void a_save_that_hangs_holds_up_nobody(void **state)
{
    (void)state;
    static struct disk disk; /* it outlives the test */
    pthread_t waiting;
    void *result;
    init(&disk, true);
    struct scribe *scribe = scribe_open(save, &disk);
    scribe_ask(scribe);
    sem_wait(&disk.begun);
    assert_int_equal(pthread_create(&waiting, NULL, wait_for_it, scribe), 0);
    scribe_hurry(scribe);
    pthread_join(waiting, &result);
    assert_ptr_equal(result, scribe);
    assert_int_equal(scribe_wait(scribe), -ECANCELED);
    assert_false(scribe_close(scribe, 10));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_during_a_save_are_one_more),
        cmocka_unit_test(idle_is_who_has_nothing_to_save),
        cmocka_unit_test(who_waits_sees_it_saved),
        cmocka_unit_test(failures_are_told_and_tried_again),
        cmocka_unit_test(a_save_that_hangs_holds_up_nobody),
    };
    return cmocka_run_group_tests_name("scribe", tests, NULL, NULL);
}
