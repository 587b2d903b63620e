/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The scene of drills at which several vantages look: us ⊃ us-1 ⊃ a, eu ⊃ eu-1 ⊃ e; b is a as eu sees it, and
 * f is e as us does. Checks every 2 s, time out after 1 s, 3 failures, 2 successes. Clients go to us first
 * (a, then f); those of eu to eu first (e, then b). */
#pragma once

#include "unit.h"

#include "base/arena.h"
#include "conf/server.h"
#include "drill/drill.h"
#include "view/view.h"

struct scene {
    struct conf_server server;
    struct conf_topology *topology;
    struct view view;
    struct view_name name;
    struct arena *arena;
    struct report *errors;
    struct drill_document document;
    struct drill_report report;
};

enum { A, B, E, F }; /* endpoints, and their monitors */

/* What is said of the check, and who looks at a and f, and at b and e. */
void open_scene(struct scene *scene, const char *of_check, const char *us, const char *eu);
void close_scene(struct scene *scene);
/* Against the configuration, and health if there is any. */
int parse(struct scene *scene, const char *text);
/* What else a document says, with a comma behind it, and its events: five minutes. */
const struct drill_report *play(struct scene *scene, const char *more, const char *events);
/* Of the class of clients 0, default, or 1, eu: "0 us; 6000 eu-from-us". */
void expect_steps(const struct drill_report *report, size_t class, const char *expected);

/* local in us, and two more on each side */
#define SIDES                                                                                                \
    "\"vantages\": {\"local\": {\"region\": \"us\"}, \"us-x\": {\"region\": \"us\"}, \"us-y\": "             \
    "{\"region\": \"us\"}, \"eu-x\": {\"region\": \"eu\"}, \"eu-y\": {\"region\": \"eu\"}},"
#define THREE "\"vantages\": {\"fra-1\": {}, \"sin-1\": {}},"

#define LOSE(who, at) "{\"at\": \"" at "\", \"what\": \"link:" who "/us\", \"how\": \"refused\"}"
#define STAY          "0 us"
#define MOVE          "0 us; 6000 eu-from-us"
#define HEAVY         "\"vantages\": {\"fra-1\": {\"weight\": 3}, \"sin-1\": {}},"
