/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a channel does, as a value of its own: the view that said so may be gone by the time. Private to tap.
 */
#pragma once

#include "conf/taps.h"

#include <stdbool.h>

enum tap_target { TAP_TARGET_NONE, TAP_TARGET_SOCKET, TAP_TARGET_TCP, TAP_TARGET_FILE, TAP_TARGET_LOG };

struct tap_options {
    enum tap_target target; /* NONE: off */
    struct conf_sample sample;
    enum conf_dnstap_messages messages;
    bool is_json;
    struct addr_port at;
    char *path, *identity, *version; /* owned; NULL where there is none */
};

/* Return owned. */
struct tap_options *tap_options_of_dnstap(const struct conf_dnstap *conf);       /* NULL: off */
struct tap_options *tap_options_of_query_log(const struct conf_query_log *conf); /* NULL: off */
void tap_options_free(struct tap_options *options);                              /* NULL is fine */
/* Do both go to the same receiver in the same form? */
bool tap_options_match(const struct tap_options *a, const struct tap_options *b);
/* For messages: the path or address. */
enum { TAP_TARGET_TEXT_SIZE = 160 };
const char *tap_options_write_target(const struct tap_options *options, char text[TAP_TARGET_TEXT_SIZE]);
