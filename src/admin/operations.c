/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See operations.h. IDs are the instance in hexadecimal digits, a dash, and a number. */
#include "config.h"

#include "admin/operations.h"

#include "base/memory.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INSTANCE_DIGITS = 8, NUMBER_DIGITS_MAX = 18 };

const char *operation_state_text(enum operation_state state)
{
    static const char *const texts[] = {
        [OPERATION_RUNNING] = "running",     [OPERATION_CANCELLING] = "cancelling",
        [OPERATION_SUCCEEDED] = "succeeded", [OPERATION_FAILED] = "failed",
        [OPERATION_CANCELLED] = "cancelled",
    };
    return texts[state];
}

struct operation *operations_add(struct operations *operations, const struct operation_wish *wish,
                                 int64_t wall_ms)
{
    if (operations->running == OPERATIONS_RUNNING_MAX) {
        return NULL;
    }
    struct operation *operation = memory_alloc(sizeof *operation);
    *operation = (struct operation){.next = operations->first, .wish = *wish, .made_ms = wall_ms};
    snprintf(operation->id, sizeof operation->id, "%08" PRIx32 "-%" PRIu64, operations->instance,
             ++operations->last);
    operations->first = operation;
    operations->count++;
    operations->running++;
    operations_trim(operations, wall_ms);
    return operation;
}

static void drop(struct operations *operations, struct operation **at)
{
    struct operation *operation = *at;
    *at = operation->next;
    operations->count--;
    operations->octets -= operation->body_len;
    if (operation->body != NULL) {
        evbuffer_free(operation->body);
    }
    free(operation);
}

static bool has_ended(const struct operation *operation)
{
    return operation->ended_ms != 0;
}

/* The one that ended first. */
static struct operation **find_surplus(struct operations *operations, int64_t wall_ms)
{
    struct operation **oldest = NULL;
    for (struct operation **at = &operations->first; *at != NULL; at = &(*at)->next) {
        if (has_ended(*at) && (oldest == NULL || (*at)->ended_ms <= (*oldest)->ended_ms)) {
            oldest = at;
        }
    }
    bool is_surplus =
        oldest != NULL && ((*oldest)->ended_ms + OPERATIONS_KEPT_MS <= wall_ms ||
                           operations->count > OPERATIONS_MAX || operations->octets > OPERATIONS_OCTETS_MAX);
    return is_surplus ? oldest : NULL;
}

void operations_trim(struct operations *operations, int64_t wall_ms)
{
    for (struct operation **at; (at = find_surplus(operations, wall_ms)) != NULL;) {
        drop(operations, at);
    }
}

void operations_end(struct operations *operations, struct operation *operation, unsigned status,
                    struct evbuffer *body, int64_t wall_ms)
{
    size_t len = evbuffer_get_length(body);
    bool is_cancelled = operation->state == OPERATION_CANCELLING;
    operation->pending = NULL;
    operation->ended_ms = wall_ms;
    operation->is_cut = !is_cancelled && len > OPERATIONS_RESULT_MAX;
    operation->status = is_cancelled ? 0 : status;
    operation->state = is_cancelled   ? OPERATION_CANCELLED
                       : status < 300 ? OPERATION_SUCCEEDED
                                      : OPERATION_FAILED;
    operations->running--;
    if (is_cancelled || operation->is_cut) {
        evbuffer_free(body);
    } else {
        operation->body = body;
        operation->body_len = len;
        operations->octets += len;
    }
    operations_trim(operations, wall_ms);
}

struct operation *operations_find(const struct operations *operations, const char *id)
{
    struct operation *operation = operations->first;
    while (operation != NULL && strcmp(operation->id, id) != 0) {
        operation = operation->next;
    }
    return operation;
}

bool operations_is_id(const char *id)
{
    size_t digits = strspn(id, "0123456789abcdef");
    size_t number =
        digits == INSTANCE_DIGITS && id[digits] == '-' ? strspn(id + digits + 1, "0123456789") : 0;
    return number != 0 && number <= NUMBER_DIGITS_MAX && id[digits + 1] != '0' &&
           id[digits + 1 + number] == '\0';
}

bool operations_has_given(const struct operations *operations, const char *id)
{
    return operations_is_id(id) && strtoul(id, NULL, 16) == operations->instance &&
           strtoull(id + INSTANCE_DIGITS + 1, NULL, 10) <= operations->last;
}

void operations_fini(struct operations *operations)
{
    while (operations->first != NULL) {
        drop(operations, &operations->first);
    }
}
