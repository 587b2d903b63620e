/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See health_foresee_override(). An override is two bits of one word and counts in no roll-up, so the words
 * of the other kinds are those of the table itself. */
#include "config.h"

#include "health/health.h"

#include "base/memory.h"

#include <string.h>

static void copy_words(_Atomic uint32_t *to, const _Atomic uint32_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&to[i], atomic_load_explicit(&from[i], memory_order_relaxed));
    }
}

struct health_table *health_foresee_override(const struct health_table *table, enum health_kind kind,
                                             uint32_t index, enum health_desired desired)
{
    const uint32_t counts[] = {[HEALTH_ENDPOINT] = table->endpoint_count,
                               [HEALTH_AZ] = table->az_count,
                               [HEALTH_REGION] = table->region_count};
    struct health_table *foreseen = memory_alloc(sizeof *foreseen + counts[kind] * sizeof(_Atomic uint32_t));
    _Atomic uint32_t *words = (_Atomic uint32_t *)(foreseen + 1);
    *foreseen = (struct health_table){.endpoint_count = table->endpoint_count,
                                      .az_count = table->az_count,
                                      .region_count = table->region_count,
                                      .endpoints = table->endpoints,
                                      .azs = table->azs,
                                      .regions = table->regions,
                                      .endpoints_outage = table->endpoints_outage,
                                      .azs_outage = table->azs_outage,
                                      .regions_outage = table->regions_outage};
    _Atomic uint32_t **replaced[] = {[HEALTH_ENDPOINT] = &foreseen->endpoints,
                                     [HEALTH_AZ] = &foreseen->azs,
                                     [HEALTH_REGION] = &foreseen->regions};
    atomic_init(&foreseen->generation, 1);
    copy_words(words, *replaced[kind], counts[kind]);
    uint32_t word = atomic_load_explicit(&words[index], memory_order_relaxed);
    word &= ~(uint32_t)(HEALTH_WORD_DESIRED | HEALTH_WORD_PLANNED);
    atomic_init(&words[index], word | (uint32_t)desired << HEALTH_WORD_DESIRED_SHIFT);
    *replaced[kind] = words;
    return foreseen;
}
