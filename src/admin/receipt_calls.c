/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a call does about its receipt when it is answered: keeps the answer, without its secrets, here and in
 * the store. Of what was refused nothing is kept: the key is good for another attempt. */
#include "config.h"

#include "admin/call.h"

#include "admin/receipts.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static const char *find_secret(const struct call *call)
{
    switch (call->route.id) {
    case ROUTE_TOKENS:
    case ROUTE_TOKEN_ROTATE: return "secret";
    case ROUTE_VANTAGES:
    case ROUTE_NODES: return "token";
    default: return NULL;
    }
}

/* Owned. */
static char *take_out(const char *secret, char *body, size_t *len)
{
    json_t *document = json_loadb(body, *len, 0, NULL);
    json_object_set_new(document, secret, json_null());
    explicit_bzero(body, *len);
    free(body);
    body = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(document);
    *len = body == NULL ? 0 : strlen(body);
    return body;
}

static void tell_store(const struct admin *admin, const struct receipt *receipt, bool is_gone)
{
    const struct admin_verbs *verbs = &admin->verbs;
    char *text = is_gone ? NULL : receipts_write(receipt);
    if (verbs->keep_answer != NULL) {
        verbs->keep_answer(verbs->context,
                           &(struct admin_receipt){.key = receipt->name,
                                                   .value = text,
                                                   .expires_ms = receipt->made_ms + RECEIPTS_KEPT_MS});
    }
    free(text);
}

static void drop(struct admin *admin, struct receipts *receipts)
{
    int64_t wall_ms = clock_wall_ms(&admin->clock);
    for (struct receipt *oldest; (oldest = receipts_find_surplus(receipts, wall_ms)) != NULL;) {
        bool is_due = oldest->made_ms + RECEIPTS_KEPT_MS <= wall_ms; /* then the store does it */
        if (receipts == &admin->receipts && !is_due) {
            tell_store(admin, oldest, true);
        }
        receipts_remove(receipts, oldest);
    }
}

void call_drop_receipts(struct admin *admin)
{
    drop(admin, &admin->receipts);
    drop(admin, &admin->passing);
}

/* Loads and reports may come by the thousand, each good for seconds: none of them is in the journal, nor
 * makes what operators have ordered go. */
struct receipts *call_get_receipts(const struct call *call)
{
    switch (call->route.id) {
    case ROUTE_LOAD:
    case ROUTE_REPORT:
    case ROUTE_RELOAD:
    case ROUTE_BUNDLES:
    case ROUTE_BUNDLE:
    case ROUTE_BUNDLE_BLOCK:
    case ROUTE_BUNDLE_CHECK:
    case ROUTE_TRY:
    case ROUTE_WEBHOOK_RETRY: return &call->admin->passing;
    default: return &call->admin->receipts;
    }
}

const struct admin_receipt *call_make_receipt(struct call *call)
{
    if (call->receipt == NULL) {
        return NULL;
    }
    struct admin_receipt *made = arena_alloc(call->arena, sizeof *made);
    char *text = receipts_write(call->receipt);
    *made = (struct admin_receipt){.key = call->receipt->name,
                                   .value = arena_copy_text(call->arena, text),
                                   .expires_ms = call->receipt->made_ms + RECEIPTS_KEPT_MS};
    free(text);
    return made;
}

void call_end_receipt(struct call *call, const struct call_answer *answer)
{
    struct receipt *receipt = call->receipt;
    struct receipts *receipts = call_get_receipts(call);
    size_t len = evbuffer_get_length(answer->body);
    const char *secret = find_secret(call);
    if (receipt == NULL) {
        return;
    }
    call->receipt = NULL;
    if (answer->status >= 300) { /* also where it was written, and could not be put then */
        if (receipts == &call->admin->receipts) {
            tell_store(call->admin, receipt, true);
        }
        receipts_remove(receipts, receipt);
        return;
    }
    char *body = NULL;
    if (len <= RECEIPTS_BODY_MAX) {
        body = memory_alloc(len + 1);
        (void)evbuffer_copyout(answer->body, body, len);
        body = secret == NULL ? body : take_out(secret, body, &len);
    }
    receipts_end(receipts, receipt, answer->status, answer->type, body, body == NULL ? 0 : len);
    if (receipts == &call->admin->receipts) {
        tell_store(call->admin, receipt, false);
    }
    call_drop_receipts(call->admin);
}
