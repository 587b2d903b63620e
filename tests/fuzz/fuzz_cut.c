/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what vantages and servers send, as it comes: pieces of any size, of which lines are cut. The
 * first octet of each piece says how long it is. However it is cut into pieces, the lines are those of the
 * whole, in their order, nothing of it is lost, and what has no end yet is what is told to be kept. Behind a
 * line that begins with "#" come as many octets as it has, whatever they are. */
#include "config.h"

#include "fleet/cut.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void demand(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Where it is in the whole, and how many octets are to come as they are. */
struct place {
    size_t at, raw;
};

static bool take_raw(struct fleet_cut *cut, const struct buffer *whole, struct place *place)
{
    const char *octets;
    if (!fleet_cut_take(cut, place->raw, &octets)) {
        return false;
    }
    demand(place->at + place->raw <= whole->len && memcmp(octets, whole->bytes + place->at, place->raw) == 0);
    place->at += place->raw;
    place->raw = 0;
    return true;
}

static bool take_line(struct fleet_cut *cut, const struct buffer *whole, struct place *place)
{
    const char *text;
    size_t len;
    if (!fleet_cut_next(cut, &text, &len)) {
        return false;
    }
    demand(place->at + len < whole->len && memcmp(text, whole->bytes + place->at, len) == 0 &&
           memchr(text, '\n', len) == NULL && whole->bytes[place->at + len] == '\n');
    place->at += len + 1;
    place->raw = len != 0 && text[0] == '#' ? len : 0;
    return true;
}

/* All that there are, held to the whole from there on. */
static void take(struct fleet_cut *cut, const struct buffer *whole, struct place *place)
{
    while (place->raw != 0 ? take_raw(cut, whole, place) : take_line(cut, whole, place)) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fleet_cut cut = {.taken = 0};
    struct buffer whole = {.len = 0};
    struct place place = {.at = 0};
    while (len != 0) {
        size_t size = bytes[0] < len - 1 ? bytes[0] : len - 1;
        buffer_add(&whole, bytes + 1, size);
        fleet_cut_add(&cut, (const char *)bytes + 1, size);
        if (size % 2 == 0) { /* else they wait for what comes next */
            take(&cut, &whole, &place);
            demand(fleet_cut_rest(&cut) == whole.len - place.at);
        }
        bytes += 1 + size;
        len -= 1 + size;
    }
    take(&cut, &whole, &place);
    demand(fleet_cut_rest(&cut) == whole.len - place.at);
    demand(place.raw != 0 || whole.len == place.at ||
           memchr(whole.bytes + place.at, '\n', whole.len - place.at) == NULL);
    fleet_cut_fini(&cut);
    buffer_fini(&whole);
    return 0;
}
