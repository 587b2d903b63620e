/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The view of answer_fixture.h with its zones given away, and with keys: for tests of transfers and for their
 * fuzzer. */
#pragma once

#include "answer_fixture.h"

#include "transfer/transfer.h"
#include "tsig/tsig.h"

struct transfer_fixture {
    struct fixture f;
    struct conf_zone_options options; /* of every zone: anybody */
    struct conf_transfer_peer peers[2];
    struct view_primary primaries[4];
};

/* Every zone may be copied by anybody. Keys 0 and 1 are "key." and "other.", hmac-sha256, secret "secret". */
void transfer_fixture_init(struct transfer_fixture *t, const char *const *origins, const char *const *texts,
                           size_t zones);
/* With steered records of any type in the first zone. */
void transfer_fixture_init_listed(struct transfer_fixture *t, const char *const *origins,
                                  const char *const *texts, size_t zones,
                                  const struct fixture_listed *listed);
void transfer_fixture_fini(struct transfer_fixture *t);
/* The first zone is rendered as the health table says now. */
void transfer_fixture_render(struct transfer_fixture *t, uint32_t serial);
void transfer_fixture_unrender(struct transfer_fixture *t); /* and as in the zone file again */

struct transfer_ask {
    const uint8_t *query;
    size_t len;
    enum answer_transport transport;
    struct transfer *transfer;
};

/* From 192.0.2.1. Returns the length of the reply. */
size_t transfer_fixture_ask(struct transfer_fixture *t, const struct transfer_ask *ask, uint8_t *out,
                            size_t cap);
