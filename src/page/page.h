/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A report of a drill as one page of HTML, for whoever would rather look than read: it holds all that it
 * needs, asks no network, and is fit for light, dark and paper. */
#pragma once

/* Of a report in JSON as the API gives it; of more than some megabytes the page lists a part, and says so.
 * Returns owned, for free(). */
char *page_write(const char *json);
