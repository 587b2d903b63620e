/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Operations between the calls that begin and end them and whoever looks: their documents. An answer that is
 * kept is never parsed: it is put into the document as it is. */
#include "config.h"

#include "admin/call.h"

#include "admin/operations.h"
#include "admin/render_set.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- documents ---- */

static void find_progress(const struct operation *operation, size_t *done, size_t *of)
{
    const struct worker_job *job = operation->job;
    *done = operation->done;
    *of = operation->of;
    if (job != NULL) {
        *done = atomic_load_explicit(&job->progress.done, memory_order_relaxed);
        *of = atomic_load_explicit(&job->progress.of, memory_order_relaxed);
    }
}

void operation_note_end(struct operation *operation)
{
    find_progress(operation, &operation->done, &operation->of);
    operation->pending = NULL;
    operation->job = NULL;
}

bool operation_can_be_cancelled(const struct operation *operation)
{
    return operation->state == OPERATION_RUNNING && operation->pending != NULL && operation->only_computes;
}

static void set_progress(json_t *object, const struct operation *operation)
{
    size_t done, of;
    find_progress(operation, &done, &of);
    if (of == 0) {
        set(object, "progress", json_null());
        return;
    }
    json_t *progress = json_object();
    set_number(progress, "done", done < of ? done : of);
    set_number(progress, "of", of);
    set(object, "progress", progress);
}

json_t *operation_render(const struct operation *operation)
{
    json_t *object = json_object();
    const struct worker_job *job = operation->job;
    bool waits = operation->state == OPERATION_RUNNING && job != NULL && job->is_waiting;
    set_text(object, "id", operation->id);
    set_text(object, "request", operation->wish.request);
    set_text(object, "peer", operation->wish.peer);
    set_text(object, "state", waits ? "waiting" : operation_state_text(operation->state));
    set(object, "cancellable", json_boolean(operation_can_be_cancelled(operation)));
    set_time(object, "created", operation->made_ms);
    set_time(object, "ended", operation->ended_ms);
    set_time(object, "expires", operation->ended_ms == 0 ? 0 : operation->ended_ms + OPERATIONS_KEPT_MS);
    set_progress(object, operation);
    set(object, "status", operation->status == 0 ? json_null() : json_integer(operation->status));
    set_text(object, "detail", operation->is_cut ? "it has ended; its answer is too long to be kept" : NULL);
    return object;
}

/* Its members, then the answer as it was made. */
struct evbuffer *operation_write(const struct operation *operation)
{
    struct evbuffer *out = evbuffer_new();
    json_t *object = operation_render(operation);
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    bool is_problem = operation->state == OPERATION_FAILED;
    size_t len = strlen(text) - 2; /* without the brace at the end, which stands on a line of its own */
    evbuffer_add(out, text, len);
    free(text);
    evbuffer_add_printf(out, ",\n  \"%s\": null,\n  \"%s\": ", is_problem ? "result" : "problem",
                        is_problem ? "problem" : "result");
    if (operation->body == NULL || evbuffer_add_buffer_reference(out, operation->body) != 0) {
        evbuffer_add(out, "null", 4);
    }
    evbuffer_add(out, "}\n", 2);
    return out;
}

/* ---- on its way ---- */

void operation_add_headers(struct evhttp_request *request, const struct operation *operation)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    char location[OPERATIONS_ID_SIZE + 32];
    snprintf(location, sizeof location, "/v1/operations/%s", operation->id);
    evhttp_add_header(headers, "Location", location);
    evhttp_add_header(headers, "Preference-Applied", "respond-async");
}

void operation_end(struct call *call, const struct call_answer *answer)
{
    struct operation *operation = call->operation;
    call->operation = NULL;
    operations_end(&call->admin->operations, operation, answer->status, answer->body,
                   clock_wall_ms(&call->admin->clock));
}
