/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ramp.h. "1-5-25-100", an object with "steps" and "each", or "off". */
#include "config.h"

#include "conf/ramp.h"

#include "conf/doc.h"

#include <string.h>

enum { WHOLE = 100, LEAST_MS = 1000, MOST_MS = 7 * 24 * 3600 * 1000, EACH_MS = 5 * 60 * 1000 };

static const char expected[] = "ascending percentages that end with 100, such as \"1-5-25-100\"";

/* The next step. False: it does not follow the one before, or there are too many. */
static bool add_step(struct conf_ramp *ramp, uint32_t percent, bool *ended)
{
    bool ascends = percent > (ramp->count == 0 ? 0u : ramp->steps[ramp->count - 1]);
    if (*ended || !ascends || percent > WHOLE || (percent < WHOLE && ramp->count == CONF_RAMP_STEPS)) {
        return false;
    }
    *ended = percent == WHOLE;
    if (!*ended) {
        ramp->steps[ramp->count++] = (uint8_t)percent;
    }
    return true;
}

static bool read_text(const char *text, struct conf_ramp *ramp)
{
    bool ended = false, more = true;
    while (more) {
        uint32_t percent = 0;
        size_t digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++) {
            percent = percent * 10 + (uint32_t)(*text - '0');
        }
        if (digits == 0 || !add_step(ramp, percent, &ended)) {
            return false;
        }
        more = *text == '-';
        text += more;
    }
    return ended && *text == '\0' && ramp->count != 0;
}

static void read_steps(const struct doc_node *list, struct conf_ramp *ramp)
{
    static const uint32_t range[2] = {1, WHOLE};
    struct doc_node item = {0};
    bool ended = false;
    if (doc_is_text(list)) {
        if (!read_text(doc_text(list), ramp)) {
            doc_error_expected(list, expected);
        }
        return;
    }
    if (!doc_is_array(list)) {
        doc_error_expected(list, "an array of percentages");
        return;
    }
    while (doc_next(list, &item)) {
        uint32_t percent;
        if (!doc_read_number(&item, range, &percent)) {
            return;
        }
        if (!add_step(ramp, percent, &ended)) {
            doc_error(&item, "found %u here, expected %s, %d at most before that", percent, expected,
                      CONF_RAMP_STEPS);
            return;
        }
    }
    if (!ended || ramp->count == 0) {
        doc_error(list, "found no step below 100 with 100 as the last one, expected %s", expected);
    }
}

bool conf_is_same_ramp(const struct conf_ramp *a, const struct conf_ramp *b)
{
    return a->count == b->count && (a->count == 0 || a->each_ms == b->each_ms) &&
           memcmp(a->steps, b->steps, a->count) == 0;
}

void ramp_read(const struct doc_node *node, struct conf_ramp *ramp, const struct conf_ramp *otherwise)
{
    static const char *const keys[] = {"steps", "each", NULL};
    static const uint32_t range_ms[2] = {LEAST_MS, MOST_MS};
    struct doc_node member, steps;
    bool is_given = doc_find(node, "ramp", &member);
    *ramp = (struct conf_ramp){.each_ms = EACH_MS};
    if (!is_given && otherwise != NULL) {
        *ramp = *otherwise;
    }
    if (!is_given || (doc_is_text(&member) && strcmp(doc_text(&member), "off") == 0)) {
        return;
    }
    if (doc_is_text(&member)) {
        if (!read_text(doc_text(&member), ramp)) {
            doc_error_expected(&member, "\"off\", an object, or ascending percentages that end with 100, "
                                        "such as \"1-5-25-100\"");
        }
        return;
    }
    if (!doc_check_object(&member, keys)) {
        return;
    }
    ramp->each_ms = doc_get_duration_ms(&member, "each", range_ms, EACH_MS);
    if (doc_find(&member, "steps", &steps)) {
        read_steps(&steps, ramp);
    } else {
        (void)read_text("1-5-25-100", ramp);
    }
}
