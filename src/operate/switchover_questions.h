/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The questions by which is seen from outside that traffic has moved, and what their answers say: queries and
 * replies as octets; who sends them is somebody else. */
#pragma once

#include "base/arena.h"
#include "operate/switchover_look.h"

enum {
    SWITCHOVER_QUESTIONS_MAX = 1024,
    SWITCHOVER_CLASSES_MAX = 16, /* of a name: of more of them as many, spread */
    SWITCHOVER_QUERY_MAX = 512
};

struct switchover_questions;

/* Of A and AAAA of steered names with a member in what was moved off, for a client of each class of theirs:
 * all, or as many as there may be, spread over the list of names. In the arena. */
struct switchover_questions *switchover_ask_questions(const struct switchover *switchover,
                                                      const struct view *view, struct arena *arena);
size_t switchover_count_questions(const struct switchover_questions *questions);
/* How many names and classes of clients they are about. */
size_t switchover_count_asked_names(const struct switchover_questions *questions);
size_t switchover_count_asked_classes(const struct switchover_questions *questions);
/* The query of number `index`, which is its ID, too; returns its length. */
size_t switchover_write_question(const struct switchover_questions *questions, size_t index,
                                 uint8_t out[SWITCHOVER_QUERY_MAX]);

enum switchover_reply {
    SWITCHOVER_REPLY_NONE,      /* none to any question */
    SWITCHOVER_REPLY_ELSEWHERE, /* it leads nowhere into what was moved off */
    SWITCHOVER_REPLY_CUT,       /* truncated: it says nothing, and is to be asked for by TCP */
    SWITCHOVER_REPLY_THERE,     /* it does */
    SWITCHOVER_REPLY_FAILED,    /* an error instead of an answer */
};
/* What a reply says, and to which question; `seen` is told, in words, what speaks against it. Whatever the
 * octets are. */
enum switchover_reply switchover_read_reply(struct switchover_questions *questions, const uint8_t *bytes,
                                            size_t len, size_t *index, const char **seen);
