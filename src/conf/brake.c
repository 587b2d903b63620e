/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading when steerd distrusts its own sight: false, or how much has to fail at once, for how long that is
 * not believed, and which targets speak for steerd itself. */
#include "config.h"

#include "conf/brake.h"

#include "base/arena.h"

enum { TARGETS_DEFAULT = 3, HOLD_DEFAULT_MS = 60000, CONTROLS_MAX = 64 };

static void read_control(const struct conf_topology *topology, const struct doc_node *node,
                         struct conf_control *control)
{
    static const char *const keys[] = {"address", "check", NULL};
    struct doc_node address, check;
    if (!doc_check_object(node, keys)) {
        return;
    }
    if (doc_require(node, "address", &address) &&
        (!doc_is_text(&address) || addr_parse(doc_text(&address), &control->addr) != 0)) {
        doc_error_expected(&address, "an IPv4 or IPv6 address");
    }
    if (doc_require(node, "check", &check)) {
        ptrdiff_t index = doc_is_text(&check) ? conf_find_check(topology, doc_text(&check)) : -1;
        if (index < 0) {
            doc_error_expected(&check, "the name of a check");
        }
        control->check = index < 0 ? 0 : (uint32_t)index;
    }
}

static void read_controls(struct conf_topology *topology, const struct doc_node *brake)
{
    struct conf_brake *to = &topology->brake;
    struct doc_node list, item = {0};
    if (!doc_find(brake, "control", &list) ||
        !doc_check_array(&list,
                         "an array of objects such as { \"address\": \"192.0.2.1\", \"check\": \"web\" }")) {
        return;
    }
    if (doc_count(&list) > CONTROLS_MAX) {
        doc_error(&list, "found %zu control targets, expected at most %d", doc_count(&list), CONTROLS_MAX);
        return;
    }
    to->controls = arena_alloc(topology->arena, doc_count(&list) * sizeof *to->controls);
    while (doc_next(&list, &item)) {
        read_control(topology, &item, &to->controls[to->control_count++]);
    }
}

void brake_read(struct conf_topology *topology, const struct doc_node *root)
{
    static const char *const keys[] = {"share", "targets", "hold", "control", NULL};
    static const uint32_t targets[2] = {2, 100000}, hold_ms[2] = {1000, 3600000};
    struct conf_brake *to = &topology->brake;
    struct doc_node brake;
    *to = (struct conf_brake){
        .is_on = true, .share = 1, .targets = TARGETS_DEFAULT, .hold_ms = HOLD_DEFAULT_MS};
    if (!doc_find(root, "brake", &brake)) {
        return;
    }
    if (doc_is_bool(&brake, false)) {
        to->is_on = false;
    } else if (!doc_is_object(&brake)) {
        doc_error_expected(&brake,
                           "false, or an object with \"share\", \"targets\", \"hold\" and \"control\"");
    } else if (doc_check_object(&brake, keys)) {
        to->share = doc_get_share(&brake, "share", 1);
        to->targets = doc_get_number(&brake, "targets", targets, TARGETS_DEFAULT);
        to->hold_ms = doc_get_duration_ms(&brake, "hold", hold_ms, HOLD_DEFAULT_MS);
        read_controls(topology, &brake);
    }
}
