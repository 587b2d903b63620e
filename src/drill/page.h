/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A report of a drill as one page of HTML, for whoever would rather look than read: it holds all that it
 * needs, asks no network, and is fit for light, dark and paper. */
#pragma once

/* Of a report as drill_write_json() writes it, whoever has it. Returns owned, for free(). */
char *drill_write_page(const char *json);
