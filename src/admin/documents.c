/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/config…: documents, what is in them, and where they and their files differ. On workers. */
#include "config.h"

#include "admin/call.h"
#include "admin/edits.h"
#include "admin/render_set.h"
#include "base/error.h"

#include <string.h>

static json_t *render_owner(enum conf_owner owner)
{
    return json_string(owner == CONF_OWNER_API ? "api" : "files");
}

void handle_config(struct call *call)
{
    struct admin_documents list;
    call->admin->verbs.list_documents(call->reader, false, call->arena, &list);
    json_t *document = json_object(), *items = json_array();
    set(document, "owner", render_owner(list.owner));
    set_text(document, "unsure", list.unsure);
    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(items, render_document(&list.items[i]));
    }
    set(document, "documents", items);
    call_reply_json(call, 200, document);
}

/* ---- drift ---- */

struct drift {
    json_t *items;
    const char *document;
    size_t limit, total;
};

static bool take_difference(void *context, const struct edit_difference *difference)
{
    struct drift *drift = context;
    if (drift->total++ < drift->limit) {
        json_t *item = json_object();
        set_text(item, "document", drift->document);
        set_text(item, "kind", difference->kind);
        set_text(item, "name", difference->name);
        set_text(item, "change", difference->change);
        json_array_append_new(drift->items, item);
    }
    return true;
}

/* From what the file says to what serves. */
static void compare(struct call *call, const struct admin_document *document, struct drift *drift)
{
    const struct edit about = {.kind = EDIT_DOCUMENT, .name = document->name};
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_opened ours, theirs;
    struct edit_document *serves = verbs->read_document(call->reader, &about, 0, call->arena, &ours);
    struct edit_document *file =
        serves == NULL ? NULL
                       : verbs->read_document(call->reader, &about, ADMIN_OPEN_FILE, call->arena, &theirs);
    drift->document = document->name;
    if (file != NULL) {
        edit_compare(file, serves, take_difference, drift);
    } else {
        (void)take_difference(drift, &(struct edit_difference){"document", document->name, "added"});
    }
    edit_close(file);
    edit_close(serves);
}

void handle_drift(struct call *call)
{
    struct admin_documents list;
    struct drift drift = {.items = json_array(), .limit = call->route.limit};
    call->admin->verbs.list_documents(call->reader, true, call->arena, &list);
    json_t *answer = json_object(), *documents = json_array();
    size_t differing = 0;
    for (size_t i = 0; i < list.count; i++) {
        json_t *document = render_document(&list.items[i]);
        set_text(document, "file", list.items[i].file);
        json_array_append_new(documents, document);
        if (strcmp(list.items[i].file, "same") != 0) {
            differing++;
            compare(call, &list.items[i], &drift);
        }
    }
    set(answer, "owner", render_owner(list.owner));
    set_text(answer, "unsure", list.unsure);
    set_number(answer, "differing", differing);
    set(answer, "documents", documents);
    set(answer, "differences", drift.items);
    set_number(answer, "differences_total", drift.total);
    call_reply_json(call, 200, answer);
}

/* ---- what is in them ---- */

static struct edit_document *open_document(struct call *call, const struct edit *about,
                                           struct admin_opened *opened)
{
    unsigned how = call->caller.role >= ROLE_EDITOR ? 0 : ADMIN_OPEN_REDACTED;
    struct edit_document *document =
        call->admin->verbs.read_document(call->reader, about, how, call->arena, opened);
    if (document == NULL) {
        problem_set(&call->problem, opened->error == ERROR_NOT_FOUND ? PROBLEM_NOT_FOUND : PROBLEM_CONFLICT,
                    "%s", opened->why);
    }
    return document;
}

static json_t *render_thing(struct call *call, const struct edit_document *document, const struct edit *about,
                            const struct admin_opened *opened, uint64_t *tag)
{
    const char *text = edit_get(document, about->kind, about->name, about->origin, call->arena, tag);
    if (text == NULL) {
        return NULL;
    }
    json_t *object = json_object();
    set_text(object, "kind", edit_kind_text(about->kind));
    set_text(object, "name", about->name);
    set_text(object, "zone", about->origin);
    set_text(object, "document", opened->document.name);
    set_text(object, "tag", arena_print(call->arena, "%llu", (unsigned long long)*tag));
    set(object, "value", json_loads(text, JSON_DECODE_ANY, NULL));
    return object;
}

static void look(struct call *call)
{
    struct edit about;
    struct admin_opened opened;
    struct edit_document *document =
        edits_read_about(call, &about) ? open_document(call, &about, &opened) : NULL;
    uint64_t tag = 0;
    if (document != NULL && about.kind == EDIT_DOCUMENT) {
        (void)edit_get(document, about.kind, about.name, NULL, call->arena, &tag);
        call->revision = tag;
        call_reply_text(call, "application/json", opened.text, opened.len);
        edit_close(document);
        return;
    }
    json_t *object = document == NULL ? NULL : render_thing(call, document, &about, &opened, &tag);
    edit_close(document);
    if (object != NULL) {
        call->revision = tag;
        call_reply_json(call, 200, object);
        return;
    }
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no %s \"%s\"", edit_kind_text(about.kind),
                about.name);
    call_reply_problem(call);
}

void handle_thing(struct call *call)
{
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        call_work(call, ADMIN_QUICK, "config-get", look);
    } else {
        edits_begin(call);
    }
}

/* ---- lists ---- */

struct page {
    struct call *call;
    const struct edit_document *document;
    const struct edit *about;
    const struct admin_opened *opened;
    json_t *items;
    bool is_behind; /* the cursor */
    const char *last;
    bool has_more;
};

static bool take_name(void *context, const char *name)
{
    struct page *page = context;
    if (!page->is_behind) {
        page->is_behind = strcmp(name, page->call->route.parameters[ROUTE_CURSOR]) == 0;
        return true;
    }
    if (json_array_size(page->items) == page->call->route.limit) {
        page->has_more = true;
        return false;
    }
    struct edit about = *page->about;
    uint64_t tag;
    about.name = page->last = name;
    json_array_append_new(page->items, render_thing(page->call, page->document, &about, page->opened, &tag));
    return true;
}

static void list_documents(struct call *call)
{
    struct admin_documents list;
    json_t *answer = json_object(), *items = json_array();
    call->admin->verbs.list_documents(call->reader, false, call->arena, &list);
    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(items, render_document(&list.items[i]));
    }
    set(answer, "items", items);
    set(answer, "next_cursor", json_null());
    call_reply_json(call, 200, answer);
}

void handle_things(struct call *call)
{
    struct edit about;
    struct admin_opened opened;
    if (call->route.id == ROUTE_CONFIG_THINGS && call->route.thing == EDIT_DOCUMENT) {
        list_documents(call);
        return;
    }
    struct edit_document *document =
        edits_read_about(call, &about) ? open_document(call, &about, &opened) : NULL;
    if (document == NULL) {
        call_reply_problem(call);
        return;
    }
    struct page page = {.call = call,
                        .document = document,
                        .about = &about,
                        .opened = &opened,
                        .items = json_array(),
                        .is_behind = call->route.parameters[ROUTE_CURSOR] == NULL};
    edit_list(document, about.kind, take_name, &page);
    if (!page.is_behind) {
        json_decref(page.items);
        problem_add_field(&call->problem, "cursor", "what it names is gone: read the list from its start");
        call_reply_problem(call);
    } else {
        json_t *answer = json_object();
        set(answer, "items", page.items);
        set_text(answer, "next_cursor", page.has_more ? page.last : NULL);
        call_reply_json(call, 200, answer);
    }
    edit_close(document);
}
