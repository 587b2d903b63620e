/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Mutations are the small ones that reach deep into a parser (a bit, an octet, a count, a pointer) far more
 * often than the large ones (pieces cut out, doubled, or taken from another packet). */
#include "config.h"

#include "tests/soak/packets.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MUTATIONS_MAX = 4, HEADER = 12 };

static void add_file(struct packets *packets, const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        perror(path);
        exit(2);
    }
    size_t at = packets->count++;
    packets->items = memory_resize(packets->items, packets->count, sizeof *packets->items);
    packets->lens = memory_resize(packets->lens, packets->count, sizeof *packets->lens);
    packets->lens[at] = (uint16_t)fread(packets->items[at], 1, PACKET_MAX, stream);
    fclose(stream);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void packets_add_folder(struct packets *packets, const char *path)
{
    struct dirent **entries; /* in order of name: the seed shall decide all */
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count <= 0) {
        fprintf(stderr, "hostile: no packets in %s\n", path);
        exit(2);
    }
    for (int i = 0; i < count; i++) {
        add_file(packets, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

void packets_fini(struct packets *packets)
{
    free(packets->items);
    free(packets->lens);
}

static size_t below(struct packets *packets, size_t limit)
{
    return random_below(&packets->random, limit);
}

/* Octets that mean something somewhere: ends, label limits, pointers, OPT, counts. */
static uint8_t telling_octet(struct packets *packets)
{
    static const uint8_t octets[] = {0,   1,   2,   11,  12,  41,  63,  64, 127,
                                     128, 191, 192, 193, 250, 251, 252, 255};
    return octets[below(packets, sizeof octets)];
}

static size_t cut_out(struct packets *packets, uint8_t *packet, size_t len)
{
    size_t at = below(packets, len), gone = 1 + below(packets, len - at);
    memmove(packet + at, packet + at + gone, len - at - gone);
    return len - gone;
}

/* Part of any packet, itself included, is put into the middle. */
static size_t put_in(struct packets *packets, uint8_t *packet, size_t len)
{
    size_t other = below(packets, packets->count), from_len = packets->lens[other];
    if (from_len == 0) {
        return len;
    }
    size_t from = below(packets, from_len), size = 1 + below(packets, from_len - from);
    size_t at = below(packets, len + 1);
    size = len + size > PACKET_MAX ? PACKET_MAX - len : size;
    memmove(packet + at + size, packet + at, len - at);
    memcpy(packet + at, packets->items[other] + from, size);
    return len + size;
}

static size_t mutate(struct packets *packets, uint8_t *packet, size_t len)
{
    switch (below(packets, 16)) {
    case 0: return below(packets, len + 1);
    case 1: return cut_out(packets, packet, len);
    case 2: return put_in(packets, packet, len);
    case 3: /* behind the end */
        while (len < PACKET_MAX && below(packets, 8) != 0) {
            packet[len++] = telling_octet(packets);
        }
        return len;
    case 4:
    case 5:
    case 6: packet[below(packets, len)] ^= (uint8_t)(1 << below(packets, 8)); return len;
    case 7:
    case 8: packet[below(packets, len < HEADER ? len : HEADER)] = telling_octet(packets); return len;
    case 9: packet[below(packets, len)] = (uint8_t)below(packets, 256); return len;
    default: packet[below(packets, len)] = telling_octet(packets); return len;
    }
}

size_t packets_make(struct packets *packets, uint8_t packet[PACKET_MAX])
{
    size_t chosen = below(packets, packets->count), len = packets->lens[chosen];
    memcpy(packet, packets->items[chosen], len);
    for (size_t i = below(packets, MUTATIONS_MAX + 1); i > 0 && len > 0; i--) {
        len = mutate(packets, packet, len);
    }
    return len;
}
