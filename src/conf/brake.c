/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading when steerd distrusts its own sight: false, or how much has to fail at once, for how long that is
 * not believed, and which targets speak for steerd itself. */
#include "config.h"

#include "conf/brake.h"

#include "base/arena.h"

enum { TARGETS_DEFAULT = 3, HOLD_DEFAULT_MS = 60000, CONTROLS_MAX = 64 };

/* Returns whether it could be read. */
static bool read_control(const struct conf_topology *topology, const struct doc_node *node,
                         struct conf_control *control)
{
    static const char *const keys[] = {"address", "check", NULL};
    struct doc_node address, check;
    size_t issues = doc_count_issues(node->doc);
    if (!doc_check_object(node, keys)) {
        return false;
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
        enum conf_check_type type = index < 0 ? CONF_CHECK_TCP : topology->checks[index].type;
        if (type == CONF_CHECK_PUSH || type == CONF_CHECK_FILE) {
            doc_error(&check,
                      "found a check of type \"%s\", which goes by what others say; expected one that asks "
                      "the address itself",
                      conf_check_type_text(type));
        }
    }
    return doc_count_issues(node->doc) == issues;
}

/* Of those before it, the one that asks the same; NULL: none. */
static const struct conf_control *find_same(const struct conf_brake *brake,
                                            const struct conf_control *control)
{
    for (size_t i = 0; i < brake->control_count; i++) {
        const struct conf_control *other = &brake->controls[i];
        if (other->check == control->check && addr_equal(&other->addr, &control->addr)) {
            return other;
        }
    }
    return NULL;
}

static void read_controls(struct conf_topology *topology, const struct doc_node *brake)
{
    struct conf_brake *to = &topology->brake;
    struct doc_node list, item = {0};
    struct {
        unsigned line, column;
    } places[CONTROLS_MAX];
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
        struct conf_control *control = &to->controls[to->control_count];
        if (!read_control(topology, &item, control)) {
            continue;
        }
        const struct conf_control *first = find_same(to, control);
        if (first != NULL) {
            doc_error(&item, "this control target is there already, in line %u, column %u",
                      places[first - to->controls].line, places[first - to->controls].column);
        } else {
            doc_find_key_place(&item, &places[to->control_count].line, &places[to->control_count].column);
            to->control_count++;
        }
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
