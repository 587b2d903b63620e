/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Entity tags of what is shown, and conditions of what is changed. A tag is the revision of the one object of
 * the store that a resource is; where it shows more than that, a hash of all that it shows follows. What a
 * condition says is judged by whoever makes the change, at the moment when it is made. */
#include "config.h"

#include "admin/call.h"

#include "base/error.h"
#include "base/hash.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>

/* ---- which object that is ---- */

struct identity {
    const char *kind, *key; /* kind NULL: none */
    bool shows_more;        /* than the object */
};

static struct identity identify(const struct call *call)
{
    const struct route *route = &call->route;
    switch (route->id) {
    case ROUTE_OVERRIDE:
        return (struct identity){
            "override", arena_print(call->arena, "%s:%s", health_kind_text(route->kind), route->name), false};
    case ROUTE_POINT:
    case ROUTE_POINT_USE: return (struct identity){"point", route->name, false};
    case ROUTE_SWITCHOVER:
    case ROUTE_SWITCHOVER_VERB: return (struct identity){"switchover", route->name, false};
    case ROUTE_TOKEN:
    case ROUTE_TOKEN_ROTATE: return (struct identity){"token", route->name, true};
    case ROUTE_VANTAGE:
    case ROUTE_VANTAGE_DRAIN:
    case ROUTE_VANTAGE_UNDRAIN:
    case ROUTE_VANTAGE_RENAME: return (struct identity){"vantage", route->name, true};
    default: return (struct identity){NULL, NULL, false};
    }
}

static bool find_revision(const struct call *call, const struct identity *identity,
                          struct admin_revision *revision)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    *revision = (struct admin_revision){.revision = 0};
    return identity->kind != NULL && verbs->find_revision != NULL &&
           verbs->find_revision(verbs->context, identity->kind, identity->key, revision);
}

static uint64_t find_any(const struct call *call)
{
    const struct identity identity = identify(call);
    struct admin_revision revision;
    (void)find_revision(call, &identity, &revision);
    return revision.tag;
}

static bool override_is_there(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct route *route = &call->route;
    struct operate_target target;
    struct health_dormant_cursor behind;
    int error = verbs->get_target(call->reader, route->kind, route->name, call->arena, &target);
    return error == 0 ? target.override != NULL
                      : verbs->seek_dormant(call->reader, route->kind, route->name, &behind);
}

bool conditional_holds_now(struct call *call)
{
    return condition_holds(call->condition, override_is_there(call), find_any(call));
}

/* ---- what the request says ---- */

static void set_malformed(struct call *call, const char *name, int error)
{
    if (error == ERROR_TOO_LARGE) {
        problem_set(&call->problem, PROBLEM_BAD_REQUEST, "%s has more than %d tags", name,
                    CONDITION_TAGS_MAX);
    } else {
        problem_set(
            &call->problem, PROBLEM_BAD_REQUEST,
            strcmp(name, "If-Match") == 0
                ? "If-Match is neither \"*\" nor a list of entity tags, such as \"12\" with its quotes"
                : "If-None-Match is only \"*\" for what changes something");
    }
}

static void read_condition(struct call *call, struct condition *condition)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        int error = strcasecmp(header->key, "If-Match") == 0 ? condition_add_match(header->value, condition)
                    : strcasecmp(header->key, "If-None-Match") == 0
                        ? condition_add_none_match(header->value, condition)
                        : 0;
        if (error != 0) {
            set_malformed(call, strcasecmp(header->key, "If-Match") == 0 ? "If-Match" : "If-None-Match",
                          error);
        }
    }
}

static void set_present(struct call *call, const struct identity *identity)
{
    struct admin_revision revision;
    struct problem_present *present = arena_alloc(call->arena, sizeof *present);
    char tag[CONDITION_TAG_SIZE];
    *present = (struct problem_present){.tag = NULL};
    bool has_ended = call->route.id == ROUTE_OVERRIDE && !override_is_there(call);
    if (!has_ended && find_revision(call, identity, &revision)) {
        condition_write_tag(revision.tag, NULL, tag);
        present->tag = arena_copy_text(call->arena, tag);
        present->actor = revision.actor[0] == '\0' ? NULL : arena_copy_text(call->arena, revision.actor);
        present->changed_ms = revision.written_ms;
    }
    call->problem.present = present;
}

void call_set_precondition(struct call *call)
{
    const struct identity identity = identify(call);
    problem_set(&call->problem, PROBLEM_PRECONDITION,
                identity.kind == NULL
                    ? "nothing has been changed: this resource has no entity tag that a condition could match"
                    : "nothing has been changed: the condition does not hold for what there is now");
    set_present(call, &identity);
}

void conditional_begin(struct call *call)
{
    struct condition condition = {.has_match = false};
    const struct identity identity = identify(call);
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        struct admin_revision revision;
        (void)find_revision(call, &identity, &revision);
        call->revision = revision.tag;
        return;
    }
    read_condition(call, &condition);
    if (!condition_is_given(&condition) || problem_is_set(&call->problem)) {
        return;
    }
    call->condition = condition_copy(&condition, call->arena);
    if (call->route.id == ROUTE_CONFIG_THING || call->route.id == ROUTE_CONFIG_NAME) {
        return; /* their tags are those of their content */
    }
    if (identity.kind == NULL && route_get_role(call->route.id, call->method) != ROLE_VIEWER) {
        call_set_precondition(call);
    }
}

/* ---- what is answered ---- */

static uint64_t hash_body(struct evbuffer *body)
{
    uint64_t hash = HASH_START;
    struct evbuffer_ptr at;
    struct evbuffer_iovec piece;
    size_t len = evbuffer_get_length(body);
    evbuffer_ptr_set(body, &at, 0, EVBUFFER_PTR_SET);
    for (size_t done = 0; done < len && evbuffer_peek(body, (ssize_t)(len - done), &at, &piece, 1) > 0;) {
        hash = hash_bytes(hash, piece.iov_base, piece.iov_len);
        done += piece.iov_len;
        if (done >= len || evbuffer_ptr_set(body, &at, piece.iov_len, EVBUFFER_PTR_ADD) != 0) {
            break;
        }
    }
    return hash_finish(hash);
}

static bool is_listed(struct call *call, const char *tag)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        if (strcasecmp(header->key, "If-None-Match") == 0 && condition_lists(header->value, tag)) {
            return true;
        }
    }
    return false;
}

bool conditional_answer(struct call *call, const struct call_answer *answer)
{
    char tag[CONDITION_TAG_SIZE];
    if (call->revision == 0 || answer->status != 200) {
        return false;
    }
    uint64_t hash = 0;
    bool shows_more = call->route.id == ROUTE_TOKEN || call->route.id == ROUTE_VANTAGE;
    if (shows_more) {
        hash = hash_body(answer->body);
    }
    condition_write_tag(call->revision, shows_more ? &hash : NULL, tag);
    evhttp_add_header(evhttp_request_get_output_headers(call->request), "ETag", tag);
    return is_listed(call, tag);
}
