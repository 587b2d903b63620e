/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What explanations say of members that are host names. Private to operate. */
#pragma once

#include "operate/operate.h"

/* The addresses of the type (DNS_TYPE_A, DNS_TYPE_AAAA) that the host of a member has now, as texts. */
const char **hosts_list(const struct view *view, const struct steer_member *member, uint16_t type,
                        struct arena *arena, size_t *count);
/* "lb-1.example.net resolves to …", or that it is a CNAME; NULL: the member is no host name. */
const char *hosts_describe(const struct view *view, const struct steer_member *member, uint32_t now_s,
                           struct arena *arena);
