/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How much more memory the process may take for one piece of work, such as a reload. What counts is what the
 * kernel says the process has (/proc/self/statm), so that memory of libraries is in it, and what was freed
 * and is used again is not. The threads that work look now and then (report_is_cancelled() does); once there
 * is too little the budget is spent for good, and they end early. What limits there are is not always known
 * before an allocation fails: for that there is a reserve, and a budget whose reserve was needed is spent,
 * too. */
#pragma once

#include "base/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
    size_t limit; /* octets that the process may grow by */
    /* With a limit on addresses (RLIMIT_AS), where malloc would fail before memory is short: octets that they
     * may grow by; else SIZE_MAX. */
    size_t limit_addresses;
    size_t resident, addresses; /* at the begin */
    int fd;                     /* -1: nobody tells, so there is always room */
    struct memory_reserve reserve;
    _Atomic bool spent;
    _Atomic(const char *) file; /* what was being read then; NULL: nobody said */
};

/* From now on; the limit is what budget_find_limit() says until the caller sets another. The calling thread
 * works with the reserve, and is the one that closes. */
void budget_open(struct budget *budget);
void budget_close(struct budget *budget);
/* Most of what the machine, if it promises no more than it has, its promises and the control group (version
 * 2) of the process have left; SIZE_MAX: not known. */
size_t budget_find_limit(void);

/* Is there room for what was taken and so much more? If not, the budget is spent. From any thread. */
bool budget_has_room(struct budget *budget, size_t more);
static inline bool budget_is_spent(const struct budget *budget)
{
    return atomic_load_explicit(&budget->spent, memory_order_relaxed) ||
           atomic_load_explicit(&budget->reserve.has_failed, memory_order_relaxed);
}

/* How often one thread looks. A look asks the kernel, which costs as much as a thousand instructions do:
 * while what was taken since the last one is little of what is left, the next one is further away. All zero:
 * looks at once. */
struct budget_pace {
    unsigned wait, every; /* calls until the next look, calls between looks */
    size_t grown;         /* at the last look */
};
enum { BUDGET_OFTEN = 64 }; /* calls */
bool budget_look(struct budget *budget, struct budget_pace *pace);

/* Something else begins, which may take more: the next look is near. */
static inline void budget_hurry(struct budget_pace *pace)
{
    pace->every = pace->every < BUDGET_OFTEN ? pace->every : BUDGET_OFTEN;
    pace->wait = pace->wait < BUDGET_OFTEN ? pace->wait : BUDGET_OFTEN;
}

/* budget_has_room(budget, 0), looking once in many calls only: for inner loops. */
static inline bool budget_goes_on(struct budget *budget, struct budget_pace *pace)
{
    if (budget_is_spent(budget)) {
        return false;
    }
    if (pace->wait != 0) {
        pace->wait--;
        return true;
    }
    return budget_look(budget, pace);
}

/* After a file (borrowed until budget_close()) was read: if the budget is spent now, and was not before, it
 * was by that one. */
void budget_note_file(struct budget *budget, const char *file);

enum { BUDGET_TEXT_SIZE = 24 };
/* "2.0 GiB", "512 MiB", for messages. Returns text. */
const char *budget_write_size(size_t size, char text[BUDGET_TEXT_SIZE]);
