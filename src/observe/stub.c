/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stub.h. */
#include "config.h"

#include "observe/stub.h"

enum { SECOND_MS = 1000 };

struct stub stub_make(uint32_t index, uint32_t count)
{
    /* Spread evenly against the phases, as the golden ratio does it. */
    return (struct stub){.ahead_ms = ((int64_t)index * 619 + 309) % SECOND_MS,
                         .keeps_second = __builtin_parity(index) == 0,
                         .phase = (index + 0.5) / count};
}

int64_t stub_find_end(const struct stub *stub, int64_t now_ms, uint32_t ttl_s, bool is_first)
{
    int64_t life_s = (int64_t)ttl_s + stub->keeps_second;
    if (ttl_s == 0) {
        return now_ms;
    }
    if (is_first) {
        life_s -= (int64_t)(stub->phase * (double)life_s);
    }
    int64_t second = (now_ms + stub->ahead_ms) / SECOND_MS + life_s;
    return second * SECOND_MS - stub->ahead_ms;
}
