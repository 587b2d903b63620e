/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Malformed packets: the files of some folders, mutated at random. Repeatable: the seed decides all. */
#pragma once

#include "base/random.h"

#include <stddef.h>
#include <stdint.h>

enum { PACKET_MAX = 4096 };

struct packets {
    uint8_t (*items)[PACKET_MAX];
    uint16_t *lens;
    size_t count;
    struct random random;
};

/* Every file of the folder joins; longer ones are cut. Ends the program when it cannot be read. */
void packets_add_folder(struct packets *packets, const char *path);
void packets_fini(struct packets *packets);
/* One more packet, of 0 to PACKET_MAX octets; returns its length. */
size_t packets_make(struct packets *packets, uint8_t packet[PACKET_MAX]);
