/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Places that rules ask for and that are nowhere: "UK" is no country of ISO 3166-1, and no database has heard
 * of "Pariss". Such a rule never matches: nothing to refuse, but surely not meant. One look at each value of
 * each distinct set of rules. */
#include "config.h"

#include "view/compile_internal.h"

#include <string.h>

enum { TOLD_MAX = 10 };

struct strangers {
    struct compiler *c;
    const struct conf_geo *geo;
    const struct report_place *place;
    size_t count;
};

/* What people write, and what it is called; else NULL. */
static const char *find_meant(const char *country)
{
    static const char *const meant[][2] = {
        {"UK", "\"GB\""},
        {"EL", "\"GR\""},
        {"EN", "\"GB\""},
        {"SU", "\"RU\""},
        {"YU", "\"RS\""},
        {"AN", "\"CW\""},
        {"ZR", "\"CD\""},
        {"TP", "\"TL\""},
        {"BU", "\"MM\""},
        {"CS", "\"RS\""},
        {"EU", "\"continent\": \"EU\""},
    };
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        if (strcmp(meant[i][0], country) == 0) {
            return meant[i][1];
        }
    }
    return NULL;
}

static bool may_tell(struct strangers *s)
{
    return s->count++ < TOLD_MAX;
}

static void look_at_country(struct strangers *s, size_t rule, const char *country)
{
    if (geo_get_continent(country)[0] != '\0' || !may_tell(s)) {
        return;
    }
    const char *meant = find_meant(country);
    report_add(s->c->report, REPORT_WARNING, s->place,
               "rule %s[%zu]: \"%s\" is no country of ISO 3166-1, so no client is there%s%s%s", s->geo->label,
               rule, country, meant == NULL ? "" : "; did you mean ", meant == NULL ? "" : meant,
               meant == NULL ? "" : "?");
}

static void look_at_text(struct strangers *s, const struct geo_tree *tree, size_t rule, const char *what,
                         const char *text)
{
    if (!geo_tree_knows(tree, text) && may_tell(s)) {
        report_add(s->c->report, REPORT_WARNING, s->place,
                   "rule %s[%zu]: no database knows the %s \"%s\", so no client is there", s->geo->label,
                   rule, what, text);
    }
}

static void look_at_city(struct strangers *s, const struct geo_tree *tree, size_t rule, uint32_t id)
{
    if (!geo_tree_knows_city(tree, id) && may_tell(s)) {
        report_add(s->c->report, REPORT_WARNING, s->place,
                   "rule %s[%zu]: no database knows the city %u, so no client is there", s->geo->label, rule,
                   id);
    }
}

void compile_warn_of_strangers(struct compiler *c, const struct conf_geo *geo, const struct geo_tree *tree,
                               const struct report_place *place)
{
    struct strangers s = {.c = c, .geo = geo, .place = place};
    bool has_cities = (c->geo_knows >> GEO_CITY & 1) != 0;
    bool has_subdivisions = (c->geo_knows >> GEO_SUBDIVISION & 1) != 0;
    for (size_t r = 0; geo != NULL && r < geo->rule_count; r++) {
        const struct conf_geo_values *values = geo->rules[r].values;
        for (size_t i = 0; i < values[CONF_GEO_COUNTRY].text_count; i++) {
            look_at_country(&s, r, values[CONF_GEO_COUNTRY].texts[i]);
        }
        for (size_t i = 0; has_subdivisions && i < values[CONF_GEO_SUBDIVISION].text_count; i++) {
            look_at_text(&s, tree, r, "subdivision", values[CONF_GEO_SUBDIVISION].texts[i]);
        }
        for (size_t i = 0; has_cities && i < values[CONF_GEO_CITY].text_count; i++) {
            look_at_text(&s, tree, r, "city", values[CONF_GEO_CITY].texts[i]);
        }
        for (size_t i = 0; has_cities && i < values[CONF_GEO_CITY].number_count; i++) {
            look_at_city(&s, tree, r, values[CONF_GEO_CITY].numbers[i]);
        }
    }
    if (s.count > TOLD_MAX) {
        report_add(c->report, REPORT_WARNING, place, "rules %s: %zu more places that nobody is in",
                   geo->label, s.count - TOLD_MAX);
    }
}
