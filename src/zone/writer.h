/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records as lines of a master file, such that the reader makes the same record of them. */
#pragma once

#include "zone/reader.h"

struct buffer;

/* Append the rdata alone. */
void zone_write_rdata(struct buffer *to, const struct zone_record *record);
/* Append "owner TTL IN type rdata" and a newline. Rdata is written in the form of its type where there is
 * one that reads back to the same octets, else in that of RFC 3597. */
void zone_write_record(struct buffer *to, const struct zone_record *record);
