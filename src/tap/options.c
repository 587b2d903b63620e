/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See options.h. */
#include "config.h"

#include "tap/options.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_options *tap_options_of_dnstap(const struct conf_dnstap *conf)
{
    static const enum tap_target targets[] = {[CONF_DNSTAP_SOCKET] = TAP_TARGET_SOCKET,
                                              [CONF_DNSTAP_TCP] = TAP_TARGET_TCP,
                                              [CONF_DNSTAP_FILE] = TAP_TARGET_FILE};
    struct tap_options *options = memory_alloc(sizeof *options);
    if (conf != NULL) {
        options->target = targets[conf->target];
        options->sample = conf->sample;
        options->messages = conf->messages;
        options->at = conf->at;
        options->path = memory_copy_text(conf->path);
        options->identity = memory_copy_text(conf->identity);
        options->version = memory_copy_text(conf->version);
    }
    return options;
}

struct tap_options *tap_options_of_query_log(const struct conf_query_log *conf)
{
    struct tap_options *options = memory_alloc(sizeof *options);
    if (conf != NULL) {
        options->target = conf->path == NULL ? TAP_TARGET_LOG : TAP_TARGET_FILE;
        options->sample = conf->sample;
        options->path = memory_copy_text(conf->path);
        options->is_json = conf->is_json;
    }
    return options;
}

void tap_options_free(struct tap_options *options)
{
    if (options != NULL) {
        free(options->path);
        free(options->identity);
        free(options->version);
        free(options);
    }
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool tap_options_match(const struct tap_options *a, const struct tap_options *b)
{
    return a->target == b->target && a->messages == b->messages && a->is_json == b->is_json &&
           a->at.port == b->at.port && addr_equal(&a->at.addr, &b->at.addr) &&
           is_same_text(a->path, b->path) && is_same_text(a->identity, b->identity) &&
           is_same_text(a->version, b->version);
}

const char *tap_options_write_target(const struct tap_options *options, char text[TAP_TARGET_TEXT_SIZE])
{
    char address[ADDR_TEXT_SIZE];
    if (options->target == TAP_TARGET_TCP) {
        addr_write_port(&options->at, address);
    }
    snprintf(text, TAP_TARGET_TEXT_SIZE, "%s",
             options->target == TAP_TARGET_TCP   ? address
             : options->target == TAP_TARGET_LOG ? "log"
                                                 : options->path);
    return text;
}
