/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that read the journal: who did what, and whether it is whole. On workers: they wait for a
 * disk. */
#include "config.h"

#include "admin/call.h"

#include "admin/query.h"
#include "admin/render.h"
#include "base/error.h"

/* What went wrong in the store. */
static void reply_unread(struct call *call, int error, const char *why)
{
    problem_set(&call->problem, PROBLEM_NO_JOURNAL, "%s", why == NULL ? error_text(error) : why);
    call_reply_problem(call);
}

void handle_journal(struct call *call)
{
    struct admin_journal journal;
    if (query_parse_journal(&call->route, clock_wall_ms(&call->admin->clock), &journal, &call->problem) !=
        0) {
        call_reply_problem(call);
        return;
    }
    journal.progress = call->progress;
    int error = call->admin->verbs.read_journal(call->reader, &journal, call->arena);
    if (error != 0) {
        reply_unread(call, error, journal.why);
        return;
    }
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < journal.count; i++) {
        json_array_append_new(items, render_entry(&journal.items[i]));
    }
    json_object_set_new(document, "items", items);
    uint64_t next = journal.next == 0 && journal.wait_ms != 0 ? journal.last : journal.next;
    bool has_next = journal.next != 0 || journal.wait_ms != 0; /* who follows goes on, from 0 as well */
    json_object_set_new(document, "next_cursor",
                        has_next ? json_sprintf("%llu", (unsigned long long)next) : json_null());
    call_reply_json(call, 200, document);
}

void handle_verify(struct call *call)
{
    unsigned char hash[ADMIN_HASH_LEN];
    struct admin_audit audit;
    if (query_parse_audit(&call->route, hash, &audit, &call->problem) != 0) {
        call_reply_problem(call);
        return;
    }
    audit.progress = call->progress;
    int error = call->admin->verbs.verify_journal(call->reader, &audit, call->arena);
    if (error != 0) {
        reply_unread(call, error, audit.why);
    } else {
        call_reply_json(call, 200, render_audit(&audit));
    }
}
