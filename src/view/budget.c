/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The memory that a load may take: "load_memory" of steerd.json, else most of what there is. A load that
 * would take more is refused in time, instead of the kernel ending the server. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/memory.h"

void compile_begin_budget(struct budget *budget, const struct conf_server *server, struct report *report)
{
    budget_open(budget);
    if (server != NULL && server->load_memory != 0) {
        budget->limit = server->load_memory;
    }
    report_set_budget(report, budget);
}

static void tell(const struct budget *budget, const struct conf_server *server,
                 const struct report_place *place, struct report *report)
{
    bool given = server != NULL && server->load_memory != 0 && budget->limit <= budget->limit_addresses;
    size_t limit = budget->limit < budget->limit_addresses ? budget->limit : budget->limit_addresses;
    char text[BUDGET_TEXT_SIZE];
    budget_write_size(limit, text);
    if (atomic_load_explicit(&budget->reserve.has_failed, memory_order_relaxed)) {
        report_add(report, REPORT_ERROR, place,
                   "memory ran out while this was read: an allocation failed below the %s that a load may "
                   "take; expected the limits of the process and of the machine to leave as much",
                   text);
    } else if (given) {
        report_add(
            report, REPORT_ERROR, place,
            "reading this takes more memory than a load may: expected at most %s (\"load_memory\" of %s)",
            text, server->path);
    } else {
        report_add(
            report, REPORT_ERROR, place,
            "reading this takes more memory than a load may: expected at most %s, which is most of what "
            "there is left",
            text);
    }
}

void compile_end_budget(struct budget *budget, const struct conf_server *server, const char *file,
                        struct report *report)
{
    struct report_place place = {.file = budget->file != NULL ? budget->file : file};
    report_set_budget(report, NULL);
    budget_close(budget);
    if (file != NULL && budget_is_spent(budget)) {
        memory_trim(); /* what was read is gone */
        tell(budget, server, &place, report);
    }
}
