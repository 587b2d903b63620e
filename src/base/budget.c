/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See budget.h. */
#include "config.h"

#include "base/budget.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILE_SIZE = 4096, PATH_SIZE = 512 };

/* Of what is left, an eighth stays: for those who answer meanwhile, and for what is not seen coming. */
static size_t leave_some(size_t left)
{
    return left == SIZE_MAX ? SIZE_MAX : left - left / 8;
}

/* ---- what the process has ---- */

static bool read_sizes(const struct budget *budget, size_t *addresses, size_t *resident)
{
    char text[128];
    char *end = text, *rest = text;
    ssize_t len = budget->fd == -1 ? -1 : pread(budget->fd, text, sizeof text - 1, 0);
    text[len < 0 ? 0 : len] = '\0';
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *addresses = strtoul(text, &end, 10) * page;
    *resident = strtoul(end, &rest, 10) * page;
    return end != text && rest != end;
}

/* *grown: by how much the process has; *left: what that leaves of the limits. Both 0 once the budget is
 * spent; nobody tells: there is no end. */
static bool look(struct budget *budget, size_t more, size_t *grown, size_t *left)
{
    size_t addresses, resident;
    *grown = *left = 0;
    if (budget_is_spent(budget)) {
        return false;
    }
    if (!read_sizes(budget, &addresses, &resident)) {
        *left = SIZE_MAX;
        return true;
    }
    size_t longer = addresses > budget->addresses ? addresses - budget->addresses : 0;
    *grown = resident > budget->resident ? resident - budget->resident : 0;
    bool has_room = *grown <= budget->limit && more <= budget->limit - *grown &&
                    longer <= budget->limit_addresses && more <= budget->limit_addresses - longer;
    if (!has_room) {
        atomic_store_explicit(&budget->spent, true, memory_order_relaxed);
        return false;
    }
    size_t room = budget->limit - *grown, rest = budget->limit_addresses - longer;
    *left = room < rest ? room : rest;
    return true;
}

bool budget_has_room(struct budget *budget, size_t more)
{
    size_t grown, left;
    return look(budget, more, &grown, &left);
}

bool budget_look(struct budget *budget, struct budget_pace *pace)
{
    enum { SELDOM = 1024, LITTLE = 256 /* of what is left */ };
    size_t grown, left;
    bool goes_on = look(budget, 0, &grown, &left);
    size_t since = grown > pace->grown ? grown - pace->grown : 0;
    bool is_little = since <= left / LITTLE && pace->every != 0;
    pace->every = !is_little ? BUDGET_OFTEN : pace->every < SELDOM ? pace->every * 2 : SELDOM;
    pace->wait = pace->every - 1;
    pace->grown = grown;
    return goes_on;
}

void budget_note_file(struct budget *budget, const char *file)
{
    const char *none = NULL;
    if (budget_is_spent(budget)) {
        (void)atomic_compare_exchange_strong(&budget->file, &none, file);
    }
}

/* ---- what the machine has ---- */

/* A line of /proc/meminfo. */
static bool find_size(const char *text, const char *name, size_t *size)
{
    const char *at = strstr(text, name);
    *size = at == NULL ? SIZE_MAX : strtoul(at + strlen(name), NULL, 10) * 1024;
    return at != NULL;
}

/* A kernel that promises no more than it has (vm.overcommit_memory) refuses what is beyond. */
static size_t find_available(void)
{
    char text[FILE_SIZE], mode[FILE_SIZE];
    size_t available, limit, promised;
    if (!file_read_kernel("/proc/meminfo", text, sizeof text)) {
        return SIZE_MAX;
    }
    (void)find_size(text, "MemAvailable:", &available);
    if (file_read_kernel("/proc/sys/vm/overcommit_memory", mode, sizeof mode) && mode[0] == '2' &&
        find_size(text, "CommitLimit:", &limit) && find_size(text, "Committed_AS:", &promised)) {
        size_t left = limit > promised ? limit - promised : 0;
        available = left < available ? left : available;
    }
    return available;
}

static size_t read_number(const char *folder, const char *file)
{
    char path[PATH_SIZE + 64], text[FILE_SIZE];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, file);
    bool is_number = file_read_kernel(path, text, sizeof text) && text[0] >= '0' && text[0] <= '9';
    return is_number ? strtoul(text, NULL, 10) : SIZE_MAX; /* "max" */
}

/* The process's group and those above it: each may have a limit. */
static size_t find_group_rest(void)
{
    char text[FILE_SIZE], folder[PATH_SIZE];
    size_t least = SIZE_MAX;
    const char *at = file_read_kernel("/proc/self/cgroup", text, sizeof text) ? strstr(text, "0::/") : NULL;
    if (at == NULL) {
        return SIZE_MAX;
    }
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(at + 3, "\n"), at + 3);
    for (bool more = true; more;) {
        size_t max = read_number(folder, "memory.max"), used = read_number(folder, "memory.current");
        size_t rest = max == SIZE_MAX || used == SIZE_MAX ? SIZE_MAX : max > used ? max - used : 0;
        least = rest < least ? rest : least;
        char *slash = strrchr(folder, '/');
        more = slash != NULL;
        if (more) {
            *slash = '\0';
        }
    }
    return least;
}

size_t budget_find_limit(void)
{
    size_t machine = find_available(), group = find_group_rest();
    return leave_some(machine < group ? machine : group);
}

/* ---- begin and end ---- */

void budget_open(struct budget *budget)
{
    struct rlimit addresses = {RLIM_INFINITY, RLIM_INFINITY};
    *budget = (struct budget){.limit = budget_find_limit(),
                              .limit_addresses = SIZE_MAX,
                              .fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    memory_open_reserve(&budget->reserve);
    memory_use_reserve(&budget->reserve);
    if (!read_sizes(budget, &budget->addresses, &budget->resident)) {
        return;
    }
    if (getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY) {
        size_t most = addresses.rlim_cur;
        budget->limit_addresses = leave_some(most > budget->addresses ? most - budget->addresses : 0);
    }
}

void budget_close(struct budget *budget)
{
    memory_use_reserve(NULL);
    memory_close_reserve(&budget->reserve);
    if (budget->fd != -1) {
        close(budget->fd);
        budget->fd = -1;
    }
}

const char *budget_write_size(size_t size, char text[BUDGET_TEXT_SIZE])
{
    static const char *const units[] = {"octets", "KiB", "MiB", "GiB", "TiB"};
    double number = (double)size;
    unsigned unit = 0;
    while (number >= 1024 && unit < sizeof units / sizeof *units - 1) {
        number /= 1024;
        unit++;
    }
    snprintf(text, BUDGET_TEXT_SIZE, number < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", number, units[unit]);
    return text;
}
