/* SPDX-License-Identifier: BSD-3-Clause
 *
 * While a live drill runs, an explanation is of production, which not everybody gets: that is said first, and
 * what clients of the drill get, or will when the loss is detected. */
#include "config.h"

#include "daemon/live.h"

#include "answer/shadow.h"
#include "operate/operate.h"

#include <string.h>

/* As if it were real, and known. */
static const char *find_answers(const struct admin_live *note, const struct view *view,
                                const struct operate_question *question, struct arena *arena)
{
    struct operate_assumption losses[ADMIN_SHADOW_LOSSES_MAX];
    struct operate_explanation inside;
    char *texts = arena_copy(arena, note->lose, sizeof note->lose), *rest = NULL;
    const char *text = NULL;
    size_t count = 0;
    for (char *one = strtok_r(texts, ",", &rest); one != NULL && count < ADMIN_SHADOW_LOSSES_MAX;
         one = strtok_r(NULL, ",", &rest)) {
        struct operate_assumption *loss = &losses[count];
        *loss = (struct operate_assumption){.desired = HEALTH_DESIRED_DOWN};
        count += operate_parse_target(view, one, &loss->kind, &loss->index) == 0;
    }
    struct view *copy = view_copy(view, question->wall_ms, NULL);
    operate_assume(copy, losses, count, question->wall_ms);
    int error = operate_explain(copy, question, arena, &inside);
    for (size_t i = 0; error == 0 && i < inside.answer_count; i++) {
        text = text == NULL ? inside.answers[i] : arena_print(arena, "%s, %s", text, inside.answers[i]);
    }
    view_free(copy);
    return error != 0 ? NULL : text == NULL ? "no records" : text;
}

static const char *tell_client(const struct admin_live *note, const struct operate_question *question)
{
    enum { ALL = 100, WHOLE = 128 };
    uint64_t below = ANSWER_SHARE_ALL * note->share / ALL;
    return note->share == ALL                                   ? "all see it"
           : question->client == NULL                           ? "name a client to know whether it sees it"
           : answer_find_share(question->client, WHOLE) < below ? "this client sees it"
                                                                : "this client does not see it";
}

void live_explain(const struct admin_live *note, const struct view *view,
                  const struct operate_question *question, struct arena *arena,
                  struct operate_explanation *explanation)
{
    bool is_injected = note->by == ADMIN_LIVE_INJECT;
    const char *inside = is_injected ? find_answers(note, view, question, arena) : NULL;
    const char *text =
        !is_injected
            ? arena_print(arena, "LIVE DRILL %s is on, by %s of %s: what follows is what all get", note->id,
                          admin_live_by_text(note->by), note->lose)
            : arena_print(
                  arena,
                  "LIVE DRILL %s is on, for %u %% of all clients (%s): they are answered as if %s were lost, "
                  "%s%s once that is detected; what follows is without it",
                  note->id, note->share, tell_client(note, question), note->lose,
                  inside == NULL ? "" : "which is ", inside == NULL ? "" : inside);
    operate_tell_first(explanation, text, arena);
}
