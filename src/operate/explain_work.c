/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The steps of an explanation: see explain_work.h. */
#include "config.h"

#include "operate/explain_work.h"

#include "base/clock.h"
#include "dns/name.h"

#include <stdarg.h>
#include <stdio.h>

void explain_say(struct explain_work *w, const char *format, ...)
{
    char text[2 * DNS_NAME_TEXT_SIZE];
    va_list arguments;
    if (w->to->step_count == EXPLAIN_STEPS_MAX) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    w->to->steps[w->to->step_count++] = arena_copy_text(w->arena, text);
}

const char *explain_time_text(struct explain_work *w, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    return arena_copy_text(w->arena, clock_write_rfc3339(wall_ms, text));
}
