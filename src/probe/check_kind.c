/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of the kinds of checks. */
#include "config.h"

#include "probe/check.h"

#include <assert.h>

const struct check_kind *check_get_kind(enum probe_type type)
{
    switch (type) {
    case PROBE_HTTP: return &check_http;
    case PROBE_TCP: return &check_tcp;
    case PROBE_DNS: return &check_dns;
    case PROBE_ICMP: return &check_icmp;
    case PROBE_GRPC: return &check_grpc;
    case PROBE_EXEC: return &check_exec;
    case PROBE_FILE: return &check_file;
    }
    assert(!"a probe type without a kind");
    return NULL;
}
