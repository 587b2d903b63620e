/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading how often a check pings, and what it takes. */
#include "config.h"

#include "conf/check_icmp.h"

#include "conf/value.h"

enum { PACKETS_DEFAULT = 3, SPACING_DEFAULT_MS = 50 };

static const uint32_t packets_range[2] = {1, CONF_PACKETS_MAX};
static const uint32_t spacing_range_ms[2] = {10, 10000};
static const uint32_t rtt_range_ms[2] = {1, 3600000};
static const double loss_range[2] = {0, 0.99};

#define LOSS_DEFAULT 0.34

/* The last packet has to have time for its reply; a default gives way to that. */
static void check_spacing(const struct doc_node *node, uint32_t timeout_ms, struct conf_icmp *icmp)
{
    struct doc_node member;
    char takes[VALUE_DURATION_SIZE], limit[VALUE_DURATION_SIZE];
    uint32_t behind = icmp->packets - 1;
    if (behind * icmp->spacing_ms < timeout_ms) {
        return;
    }
    if (!doc_find(node, "spacing", &member) && behind * spacing_range_ms[0] < timeout_ms) {
        icmp->spacing_ms = (timeout_ms - 1) / behind;
    } else if (doc_find(node, "spacing", &member) || doc_find(node, "packets", &member)) {
        doc_error(&member,
                  "found %u packets with %s from the first to the last, expected less than the timeout of %s",
                  icmp->packets, value_write_duration(behind * icmp->spacing_ms, takes),
                  value_write_duration(timeout_ms, limit));
    }
}

static void check_rtt(const struct doc_node *node, uint32_t timeout_ms, const struct conf_icmp *icmp)
{
    struct doc_node member;
    char found[VALUE_DURATION_SIZE], limit[VALUE_DURATION_SIZE];
    if (icmp->rtt_ms >= timeout_ms && doc_find(node, "rtt", &member)) {
        doc_error(&member, "found %s, expected less than the timeout of %s",
                  value_write_duration(icmp->rtt_ms, found), value_write_duration(timeout_ms, limit));
    }
}

void check_icmp_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct conf_icmp *icmp = arena_alloc(arena, sizeof *icmp);
    struct doc_node member;
    size_t issues = doc_count_issues(node->doc);
    *icmp = (struct conf_icmp){
        .packets = doc_get_number(node, "packets", packets_range, PACKETS_DEFAULT),
        .spacing_ms = doc_get_duration_ms(node, "spacing", spacing_range_ms, SPACING_DEFAULT_MS),
        .rtt_ms = doc_get_duration_ms(node, "rtt", rtt_range_ms, 0),
        .loss = LOSS_DEFAULT,
    };
    if (doc_find(node, "loss", &member)) {
        (void)doc_read_real(&member, loss_range, &icmp->loss);
    }
    if (issues == doc_count_issues(node->doc)) {
        check_spacing(node, check->timeout_ms, icmp);
        check_rtt(node, check->timeout_ms, icmp);
    }
    check->icmp = icmp;
}
