/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading when nothing is to be moved: every week, by the clocks of a place, or once. */
#include "config.h"

#include "conf/freeze.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/tzif.h"

#include <string.h>

enum { DAY_S = 86400, EVERY_DAY = 127 };

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

static void read_days(const struct doc_node *node, struct conf_freeze *freeze)
{
    static const char expected[] =
        "\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\" or an array of them";
    struct doc_node list, item = {0};
    freeze->days = EVERY_DAY;
    if (!doc_find(node, "days", &list)) {
        return;
    }
    freeze->days = 0;
    while (doc_next_text(&list, expected, &item)) {
        unsigned day = 0;
        while (days[day] != NULL && strcmp(days[day], doc_text(&item)) != 0) {
            day++;
        }
        if (days[day] == NULL) {
            doc_error_expected(&item, expected);
        } else {
            freeze->days |= (uint8_t)(1u << day);
        }
    }
    if (doc_is_array(&list) && doc_count(&list) == 0) {
        doc_error_expected(&list, expected);
    }
}

/* "16:00"; false: it is none. */
static bool parse_time(const char *text, uint32_t *second)
{
    for (size_t i = 0; i < 5; i++) {
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    uint32_t hours = (uint32_t)(10 * (text[0] - '0') + text[1] - '0');
    uint32_t minutes = (uint32_t)(10 * (text[3] - '0') + text[4] - '0');
    *second = 3600 * hours + 60 * minutes;
    return text[5] == '\0' && minutes < 60 && *second <= DAY_S;
}

static uint32_t read_time(const struct doc_node *node, const char *key, uint32_t otherwise)
{
    struct doc_node time;
    uint32_t second = otherwise;
    if (doc_find(node, key, &time) && (!doc_is_text(&time) || !parse_time(doc_text(&time), &second))) {
        doc_error_expected(&time, "a time of the day such as \"16:30\", from \"00:00\" to \"24:00\"");
    }
    return second;
}

static void read_zone(const struct doc_node *node, struct arena *arena, struct conf_freeze *freeze)
{
    char why[TZIF_WHY_SIZE];
    struct doc_node zone;
    const char *name = "UTC";
    if (doc_find(node, "time_zone", &zone)) {
        name = doc_get_text(node, "time_zone");
        if (name == NULL) {
            return;
        }
    }
    freeze->zone_name = arena_copy_text(arena, name);
    freeze->zone = tzif_load(NULL, name, arena, why);
    if (freeze->zone == NULL) {
        doc_error(&zone, "found \"%.100s\", which is no time zone of this system: %s", name, why);
    }
}

static void read_weekly(const struct doc_node *node, struct arena *arena, struct conf_freeze *freeze)
{
    struct doc_node to;
    freeze->is_weekly = true;
    read_days(node, freeze);
    freeze->from_s = read_time(node, "from", 0);
    freeze->to_s = read_time(node, "to", DAY_S);
    if (freeze->from_s == freeze->to_s && doc_find(node, "to", &to)) {
        doc_error(&to, "found the time of \"from\", expected another one");
    }
    read_zone(node, arena, freeze);
}

static int64_t read_moment(const struct doc_node *node, const char *key)
{
    struct doc_node moment;
    int64_t wall_ms = 0;
    if (doc_require(node, key, &moment) &&
        (!doc_is_text(&moment) || clock_parse_rfc3339(doc_text(&moment), &wall_ms) != 0)) {
        doc_error_expected(&moment, "a time such as \"2026-12-24T00:00:00Z\"");
    }
    return wall_ms;
}

static void read_once(const struct doc_node *node, struct conf_freeze *freeze)
{
    struct doc_node end;
    size_t issues = doc_count_issues(node->doc);
    freeze->begin_ms = read_moment(node, "begin");
    freeze->end_ms = read_moment(node, "end");
    if (issues == doc_count_issues(node->doc) && freeze->end_ms <= freeze->begin_ms &&
        doc_find(node, "end", &end)) {
        doc_error(&end, "found a time that is not after \"begin\"");
    }
}

void freeze_read(const struct doc_node *node, const char *key, struct arena *arena, struct conf_rule *rule)
{
    static const char *const weekly[] = {"days", "from", "to", "time_zone", NULL}, *const once[] = {
                                                                                       "begin", "end", NULL};
    static const char expected[] = "an array of at least one window such as { \"days\": [\"fri\"], \"from\": "
                                   "\"16:00\", \"to\": \"24:00\", \"time_zone\": \"Europe/Berlin\" }";
    struct doc_node list, item = {0}, begin;
    if (!doc_find(node, key, &list) || !doc_check_array(&list, expected)) {
        return;
    }
    if (doc_count(&list) == 0 || doc_count(&list) > CONF_RULE_WINDOWS_MAX) {
        doc_error(&list, "found %zu windows, expected 1 to %d", doc_count(&list), CONF_RULE_WINDOWS_MAX);
        return;
    }
    rule->freezes = arena_alloc(arena, doc_count(&list) * sizeof *rule->freezes);
    while (doc_next(&list, &item)) {
        struct conf_freeze *freeze = &rule->freezes[rule->freeze_count++];
        bool is_once =
            doc_is_object(&item) && (doc_find(&item, "begin", &begin) || doc_find(&item, "end", &begin));
        if (!doc_check_object(&item, is_once ? once : weekly)) {
            continue;
        }
        if (is_once) {
            read_once(&item, freeze);
        } else {
            read_weekly(&item, arena, freeze);
        }
    }
}
