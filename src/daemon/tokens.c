/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tokens.h. A table in the order of names. When a token was used last is written once a day at most, so
 * that the journal is about changes and not about looking. */
#include "config.h"

#include "daemon/tokens_inside.h"

#include "daemon/answers.h"
#include "daemon/durable.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { NOTE_MS = 24 * 3600 * 1000 };

/* One that is on its way to the store. */
struct change {
    struct store_job job; /* the first, so that one is the other */
    struct tokens *tokens;
    struct token token; /* as it will be */
    bool is_new, is_gone, is_use;
    const struct admin_receipt *receipt; /* borrowed until it is submitted; NULL: none */
    struct durable_sender sender;
    struct store_op ops[2];
    uint64_t seqs[2];
    struct arena *texts;
    char secret[ADMIN_TOKEN_SIZE];
    admin_token_done *done; /* NULL: nobody waits */
    void *argument;
};

/* ---- changes ---- */

static void show(const struct token *token, struct admin_token *to)
{
    *to = (struct admin_token){.name = token->name,
                               .role = token->role,
                               .made_ms = token->made_ms,
                               .expires_ms = token->expires_ms,
                               .rotated_ms = token->rotated_ms,
                               .overlap_ms = token->overlap_ms,
                               .used_ms = token->used_ms,
                               .made_by = token->made_by};
    to->scopes.region_count = token->region_count;
    to->scopes.zone_count = token->zone_count;
    for (size_t i = 0; i < token->region_count; i++) {
        to->scopes.regions[i] = token->regions[i];
    }
    for (size_t i = 0; i < token->zone_count; i++) {
        to->scopes.zones[i] = token->zones[i];
    }
}

static void settle(struct change *change)
{
    struct token_entry *entry = tokens_find(change->tokens, change->token.name);
    if (change->is_use) {
        return; /* what was changed meanwhile is written behind it */
    }
    if (entry != NULL) {
        entry->is_busy = false;
    }
    if (change->job.error != 0) {
        if (change->is_new) {
            tokens_take_out(change->tokens, change->token.name);
        }
    } else if (change->is_gone) {
        tokens_take_out(change->tokens, change->token.name);
    } else {
        int64_t used_ms = entry == NULL ? 0 : entry->token.used_ms;
        change->token.used_ms = used_ms > change->token.used_ms ? used_ms : change->token.used_ms;
        tokens_put(change->tokens, &change->token);
    }
}

static void on_written(struct store_job *job)
{
    struct change *change = (struct change *)job;
    struct durable_status status;
    struct admin_token shown;
    revisions_note(change->tokens->server->revisions, job);
    settle(change);
    if (job->error == 0 && !change->is_use) {
        log_info("token %s name=%s role=%s actor=%s peer=%s",
                 change->is_gone  ? "deleted"
                 : change->is_new ? "made"
                                  : "rotated",
                 change->token.name, role_text(change->token.role), job->cause.actor, job->cause.peer);
    }
    if (change->done != NULL) {
        durable_get_status(change->tokens->server->durable, &status);
        show(&change->token, &shown);
        change->done(change->argument, &(struct admin_token_result){.error = job->error,
                                                                    .why = status.stats.reason,
                                                                    .secret = change->secret,
                                                                    .token = &shown});
    }
    explicit_bzero(change->secret, sizeof change->secret);
    arena_free(change->texts);
    free(change);
}

static struct change *begin(struct tokens *tokens, const struct token *token)
{
    struct change *change = memory_alloc(sizeof *change);
    *change = (struct change){
        .job = {.done = on_written}, .tokens = tokens, .token = *token, .texts = arena_new(0)};
    return change;
}

static void submit(struct change *change)
{
    char *value = change->is_gone ? NULL : token_write(&change->token);
    change->ops[0] = (struct store_op){.kind = TOKEN_KIND,
                                       .key = change->token.name,
                                       .value = arena_copy_text(change->texts, value),
                                       .if_revision = change->is_new ? 0 : STORE_ANY};
    free(value);
    change->job.ops = change->ops;
    change->job.seqs = change->seqs;
    change->job.op_count = 1 + answers_add_op(change->receipt, change->texts, &change->ops[1]);
    durable_send(change->tokens->server->durable, &change->job, &change->sender);
}

static void fill_new(struct token *token, const struct admin_token_order *order, int64_t wall_ms)
{
    snprintf(token->name, sizeof token->name, "%s", order->name);
    snprintf(token->made_by, sizeof token->made_by, "%s", order->peer);
    token->role = order->role;
    token->made_ms = wall_ms;
    token->expires_ms = wall_ms + order->lasts_ms;
    for (size_t i = 0; i < order->scopes.region_count; i++) {
        snprintf(token->regions[token->region_count++], TOKEN_SCOPE_SIZE, "%s", order->scopes.regions[i]);
    }
    for (size_t i = 0; i < order->scopes.zone_count; i++) {
        snprintf(token->zones[token->zone_count++], TOKEN_SCOPE_SIZE, "%s", order->scopes.zones[i]);
    }
}

static void rotate(struct token *token, const struct admin_token_order *order, int64_t wall_ms)
{
    int64_t lasted_ms = token->expires_ms - (token->rotated_ms != 0 ? token->rotated_ms : token->made_ms);
    token->expires_ms = wall_ms + (order->lasts_ms != 0 ? order->lasts_ms : lasted_ms);
    token->rotated_ms = wall_ms;
    token->overlap_ms = order->overlap_ms == 0 ? 0 : wall_ms + order->overlap_ms;
    memcpy(token->old_hash, token->hash, sizeof token->old_hash);
}

int server_change_token(void *context, const struct admin_token_order *order, admin_token_done *done,
                        void *argument)
{
    struct server *server = context;
    struct tokens *tokens = server->tokens;
    int64_t wall_ms = clock_wall_ms(&server->clock);
    bool is_new = order->what == ADMIN_TOKEN_MAKE;
    struct token_entry *entry = tokens_find(tokens, order->name);
    struct token token = {.name = ""};
    if (!durable_has_store(server->durable)) {
        return ERROR_UNSUPPORTED;
    }
    if ((entry == NULL) != is_new) {
        return is_new ? ERROR_CONFLICT : ERROR_NOT_FOUND;
    }
    if (server->is_frozen || (entry != NULL && entry->is_busy)) {
        return ERROR_BUSY;
    }
    if (revisions_judge(server->revisions, TOKEN_KIND, order->name, !is_new, order->condition) != 0) {
        return ERROR_PRECONDITION;
    }
    if (is_new && tokens->count == TOKENS_MAX) {
        return ERROR_TOO_LARGE;
    }
    if (is_new) {
        fill_new(&token, order, wall_ms);
    } else {
        token = entry->token;
        rotate(&token, order, wall_ms);
    }
    struct change *change = begin(tokens, &token);
    change->is_new = is_new;
    change->is_gone = order->what == ADMIN_TOKEN_DELETE;
    if (is_new) { /* its name is taken from now on; nobody has a secret of it yet */
        tokens_put(tokens, &token);
        tokens_find(tokens, order->name)->token.expires_ms = 0;
    }
    if (!change->is_gone) {
        token_make_secret(&change->token, change->secret);
    }
    tokens_find(tokens, order->name)->is_busy = true;
    change->done = done;
    change->argument = argument;
    change->receipt = order->receipt;
    change->sender.change = order->change;
    change->job.cause = (struct store_cause){.actor = arena_copy_text(change->texts, order->actor),
                                             .peer = arena_copy_text(change->texts, order->peer),
                                             .reason = arena_copy_text(change->texts, order->reason),
                                             .request = arena_copy_text(change->texts, order->request)};
    submit(change);
    return 0;
}

/* ---- use ---- */

/* Of this node's own: nobody orders it, so it must not be written over what another node has made of the
 * token by then. */
static void submit_use(struct change *change, uint64_t revision)
{
    char *value = token_write(&change->token);
    change->ops[0] = (struct store_op){.kind = TOKEN_KIND,
                                       .key = change->token.name,
                                       .value = arena_copy_text(change->texts, value),
                                       .if_revision = revision};
    free(value);
    change->job.ops = change->ops;
    change->job.seqs = change->seqs;
    change->job.op_count = 1;
    durable_submit_here(change->tokens->server->durable, &change->job);
}

static void note_use(struct tokens *tokens, struct token_entry *entry, int64_t wall_ms)
{
    struct admin_revision revision;
    struct server *server = tokens->server;
    entry->token.used_ms = wall_ms;
    bool is_due = wall_ms - entry->written_ms >= NOTE_MS || wall_ms < entry->written_ms;
    if (!is_due || entry->is_busy || server->is_frozen || !durable_has_store(server->durable) ||
        !server_find_revision(server, TOKEN_KIND, entry->token.name, &revision)) {
        return;
    }
    struct change *change = begin(tokens, &entry->token);
    change->is_use = true;
    change->job.cause = (struct store_cause){.actor = "steerd", .reason = "it was used"};
    entry->written_ms = wall_ms;
    submit_use(change, revision.revision);
}

const struct admin_token *server_judge_token(void *context, const char *text, const char **why)
{
    static const struct token nobody = {.name = ""};
    struct server *server = context;
    char name[TOKEN_NAME_SIZE];
    int64_t wall_ms = clock_wall_ms(&server->clock);
    struct token_entry *entry = token_read_name(text, name) ? tokens_find(server->tokens, name) : NULL;
    *why = token_judge(entry == NULL ? &nobody : &entry->token, text, wall_ms);
    if (entry == NULL || *why != NULL) {
        *why = *why == NULL ? "the token is not known" : *why;
        return NULL;
    }
    note_use(server->tokens, entry, wall_ms);
    show(&entry->token, &server->tokens->shown);
    return &server->tokens->shown;
}

size_t server_list_tokens(void *context, struct arena *arena, struct admin_token **list)
{
    const struct server *server = context;
    const struct tokens *tokens = server->tokens;
    size_t count = 0;
    *list = arena_alloc(arena, (tokens->count + 1) * sizeof **list);
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->entries[i]->token.expires_ms != 0) {
            show(&tokens->entries[i]->token, &(*list)[count++]);
        }
    }
    return count;
}
