/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is heard of, and what is said of that elsewhere: metrics and explanations. */
#include "config.h"

#include "daemon/withdrawal_inside.h"

#include "daemon/clustered.h"
#include "daemon/metrics_kept.h"
#include "daemon/peers.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "health/brake.h"
#include "health/opinion.h"

#include <stdio.h>
#include <string.h>

/* ---- signs ---- */

static void add(struct contact_sign *sign, uint32_t known, uint32_t heard)
{
    sign->known += known;
    sign->heard += heard;
}

/* Other nodes are vantages, too. */
static void add_vantages(struct server *server, struct contact_signs *signs)
{
    int64_t now_ms = clock_now_ms(&server->clock);
    for (unsigned number = 1; number < HEALTH_VANTAGES_MAX; number++) {
        struct health_vantage_status status;
        if (health_get_vantage(server->view->health, number, now_ms, &status)) {
            bool is_node = strncmp(status.name, PEER_PREFIX, strlen(PEER_PREFIX)) == 0;
            add(&signs->witnesses[is_node ? CONTACT_NODES : CONTACT_VANTAGES], 1, status.is_fresh);
        }
    }
}

static void add_sight(const struct server *server, struct contact_signs *signs)
{
    for (unsigned family = 0; family < HEALTH_BRAKES; family++) {
        struct health_brake_status status;
        health_get_brake(server->view->health, family, &status);
        add(&signs->witnesses[CONTACT_CONTROLS], status.controls, status.controls_answering);
        signs->targets += status.targets;
        signs->answering += status.answering;
    }
}

void withdrawal_find_signs(struct server *server, struct contact_signs *signs)
{
    bool is_reached;
    *signs = (struct contact_signs){.targets = 0};
    if (clustered_uses_etcd(server->clustered, &is_reached)) {
        add(&signs->witnesses[CONTACT_ETCD], 1, is_reached);
    }
    lock_take(&server->lock);
    add_vantages(server, signs);
    add_sight(server, signs);
    lock_leave(&server->lock);
    /* One that cannot come here may still be reached there. */
    uint32_t reached = peers_count_reached(server->peers);
    struct contact_sign *nodes = &signs->witnesses[CONTACT_NODES];
    nodes->heard = reached > nodes->heard ? reached : nodes->heard;
    nodes->known = nodes->heard > nodes->known ? nodes->heard : nodes->known;
}

const char *withdrawal_write_signs(const struct contact_signs *signs, char text[WITHDRAWAL_SIGNS_SIZE])
{
    size_t len = 0;
    text[0] = '\0';
    for (int i = 0; i < CONTACT_WITNESSES; i++) {
        const struct contact_sign *sign = &signs->witnesses[i];
        if (sign->known != 0) {
            len += (size_t)snprintf(text + len, WITHDRAWAL_SIGNS_SIZE - len, "%s%s %u of %u",
                                    len == 0 ? "" : ", ", contact_witness_text((enum contact_witness)i),
                                    sign->heard, sign->known);
        }
    }
    if (signs->witnesses[CONTACT_CONTROLS].known == 0 && signs->targets != 0) {
        (void)snprintf(text + len, WITHDRAWAL_SIGNS_SIZE - len, "%stargets %u of %u", len == 0 ? "" : ", ",
                       signs->answering, signs->targets);
    }
    return text;
}

/* ---- elsewhere ---- */

const char *withdrawal_explain(const struct admin_serving *serving, struct arena *arena)
{
    const char *text = NULL;
    if (serving->has_withdrawn || serving->is_ordered) {
        bool stops = strcmp(serving->how, "stop_answering") == 0;
        text = arena_print(arena, "THIS SERVER HAS WITHDRAWN, %s: %s; what follows is what it would answer",
                           serving->is_ordered ? "as ordered" : "since it is cut off",
                           stops ? "queries get SERVFAIL, so that others are asked"
                                 : "its route is withdrawn, and who still comes is answered");
    }
    if (serving->is_cut) {
        text = arena_print(arena,
                           "%s%sTHIS SERVER IS CUT OFF: it has heard of nobody for %lld s, and what it knows "
                           "of others is as old as that",
                           text == NULL ? "" : text, text == NULL ? "" : ". ",
                           (long long)serving->age_ms / 1000);
    }
    return text;
}

static void print_number(struct buffer *out, const char *name, const char *type, const char *help,
                         double value)
{
    print_head(out, name, type, help);
    buffer_print(out, "%s %.10g\n", name, value);
}

static void print_witnesses(const struct contact_signs *signs, struct buffer *out)
{
    print_head(
        out, "steerd_witnesses", "gauge",
        "Who tells this server that it is not cut off: those that there are, and those that are heard of.");
    for (int i = 0; i < CONTACT_WITNESSES; i++) {
        const char *name = contact_witness_text((enum contact_witness)i);
        buffer_print(out,
                     "steerd_witnesses{kind=\"%s\",state=\"known\"} %u\n"
                     "steerd_witnesses{kind=\"%s\",state=\"heard\"} %u\n",
                     name, signs->witnesses[i].known, name, signs->witnesses[i].heard);
    }
}

void withdrawal_print_metrics(const struct admin_serving *serving, struct buffer *out)
{
    print_number(out, "steerd_cut_off", "gauge", "1 if this server hears of nobody and sees nothing, else 0.",
                 serving->is_cut);
    print_number(out, "steerd_cut_off_seconds", "gauge",
                 "For how long this server has been cut off; 0 if it is not.",
                 (double)serving->age_ms / 1000);
    print_witnesses(&serving->signs, out);
    print_head(out, "steerd_withdrawn", "gauge", "1 if this server is not to be asked, by whom that is so.");
    buffer_print(out, "steerd_withdrawn{by=\"itself\"} %d\nsteerd_withdrawn{by=\"operator\"} %d\n",
                 serving->has_withdrawn, serving->is_ordered);
    if (serving->has_hook) {
        bool is_wanted = serving->has_withdrawn || serving->is_ordered;
        const char *settled = serving->hook.settled;
        print_number(out, "steerd_withdraw_command_settled", "gauge",
                     "1 if the command was told how this server is, with success, else 0.",
                     settled != NULL && (strcmp(settled, "withdraw") == 0) == is_wanted);
        print_number(out, "steerd_withdraw_command_runs_total", "counter",
                     "Runs of the command that is told whether this server is to be asked.",
                     (double)serving->hook.runs);
        print_number(out, "steerd_withdraw_command_failures", "gauge",
                     "Runs of the command that failed since its last success.",
                     (double)serving->hook.failures);
    }
}
