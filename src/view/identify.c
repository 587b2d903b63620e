/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who a check is: what decides what a result of it means goes into one number. Equal numbers keep verdicts
 * over reloads and restarts, so what versions before have left out stays out where it is not used. */
#include "config.h"

#include "base/hash.h"
#include "base/regex.h"
#include "base/wish.h"
#include "dns/ask.h"
#include "dns/name.h"
#include "exec/ask.h"
#include "sheet/ask.h"
#include "view/compile_internal.h"

#include <string.h>

/* What was hashed of statuses when there were no others: so a check is the same to a server that takes over.
 */
enum { RFC_STATUS_MOST = 599, RFC_STATUS_WORDS = 8 };

uint64_t view_hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash_bytes(hash, "", 1) : hash_bytes(hash, text, strlen(text) + 1);
}

/* Accepted statuses as the lowest and the highest; false: there are gaps between. */
static bool span_statuses(const struct conf_check *check, uint32_t bounds[2])
{
    uint32_t count = 0;
    bounds[0] = bounds[1] = 0;
    for (uint32_t status = CONF_STATUS_LEAST; check->statuses != NULL && status <= CONF_STATUS_MOST;
         status++) {
        if (conf_accepts_status(check->statuses, status)) {
            bounds[0] = count++ == 0 ? status : bounds[0];
            bounds[1] = status;
        }
    }
    return count == 0 || bounds[1] - bounds[0] + 1 == count;
}

static bool is_plain(const struct conf_check *check)
{
    bool is_request =
        check->type == CONF_CHECK_TCP || ((check->method == NULL || strcmp(check->method, "GET") == 0) &&
                                          check->headers == NULL && check->expect == NULL);
    return is_request && check->tls == NULL && check->dns == NULL && check->icmp == NULL &&
           check->exec == NULL && check->file == NULL && check->service == NULL &&
           check->type != CONF_CHECK_PUSH && check->window.of == 0 && check->regex == NULL &&
           check->wish_count == 0;
}

static uint64_t identify_body(uint64_t hash, const struct conf_check *check)
{
    hash = check->regex == NULL ? hash : view_hash_text(hash, regex_get_text(check->regex));
    for (size_t i = 0; i < check->wish_count; i++) {
        const struct wish *wish = &check->wishes[i];
        const uint32_t words[] = {(uint32_t)wish->op, (uint32_t)wish->kind};
        hash = hash_bytes(view_hash_text(hash, wish->pointer), words, sizeof words);
        hash = view_hash_text(hash_bytes(hash, &wish->number, sizeof wish->number), wish->text);
    }
    return hash;
}

static uint64_t identify_ask(uint64_t hash, const struct dns_ask *ask)
{
    const uint32_t numbers[] = {ask->type, ask->class,  (uint32_t)ask->transport, ask->recursion,
                                ask->edns, ask->rcodes, ask->wants_record,        (uint32_t)ask->value_count};
    hash = hash_bytes(hash, ask->name, dns_name_len(ask->name, DNS_NAME_MAX));
    hash = hash_bytes(hash, numbers, sizeof numbers);
    for (size_t i = 0; i < ask->value_count; i++) {
        uint64_t len = ask->values[i].len;
        hash = hash_bytes(hash_bytes(hash, &len, sizeof len), ask->values[i].octets, ask->values[i].len);
    }
    return hash;
}

static uint64_t identify_command(uint64_t hash, const struct exec_ask *ask)
{
    const uint32_t numbers[] = {(uint32_t)ask->word_count, ask->warning_fails, ask->unknown_fails};
    hash = hash_bytes(hash, numbers, sizeof numbers);
    for (size_t i = 0; i < ask->word_count; i++) {
        hash = view_hash_text(hash, ask->words[i]);
    }
    for (size_t i = 0; i < ask->variable_count; i++) {
        hash = view_hash_text(hash, ask->variables[i]);
    }
    return hash;
}

static uint64_t identify_file(uint64_t hash, const struct sheet_ask *ask)
{
    const uint32_t numbers[] = {(uint32_t)ask->format, (uint32_t)ask->absent, ask->max_age_ms};
    return hash_bytes(view_hash_text(view_hash_text(hash, ask->path), ask->key), numbers, sizeof numbers);
}

/* What came to checks later: those that do without are who they were for the versions before. */
static uint64_t identify_more(uint64_t hash, const struct conf_check *check)
{
    const struct conf_tls *tls = check->tls;
    hash = view_hash_text(view_hash_text(hash, check->method), check->headers);
    hash = hash_bytes(hash, &check->body_max, sizeof check->body_max);
    if (check->type == CONF_CHECK_PUSH) {
        hash = hash_bytes(hash, &check->absent_fails, sizeof check->absent_fails);
    }
    if (check->window.of != 0) {
        hash = hash_bytes(hash, &check->window, sizeof check->window);
    }
    if (tls != NULL) {
        hash = hash_bytes(view_hash_text(hash, tls->name), &tls->mark, sizeof tls->mark);
        hash = hash_bytes(hash, &tls->min_days, sizeof tls->min_days);
        hash = tls->protocols == NULL ? hash : view_hash_text(hash, tls->protocols);
    }
    if (check->icmp != NULL) {
        hash = hash_bytes(hash, check->icmp, sizeof *check->icmp);
    }
    if (check->service != NULL) {
        hash = view_hash_text(hash, check->service);
    }
    hash = identify_body(hash, check);
    hash = check->exec == NULL ? hash : identify_command(hash, check->exec);
    hash = check->file == NULL ? hash : identify_file(hash, check->file);
    return check->dns == NULL ? hash : identify_ask(hash, check->dns);
}

static uint64_t hash_numbers(uint64_t hash, const uint32_t *numbers, size_t count)
{
    uint8_t octets[sizeof *numbers];
    for (size_t i = 0; i < count; i++) {
        memcpy(octets, &numbers[i], sizeof octets);
        hash = hash_bytes(hash, octets, sizeof octets);
    }
    return hash;
}

/* What decides what a result means, but for where it comes from. */
uint64_t view_identify_check(uint64_t hash, const struct conf_check *check)
{
    uint32_t bounds[2];
    bool is_span = span_statuses(check, bounds);
    hash = view_hash_text(view_hash_text(view_hash_text(hash, check->name), check->host), check->path);
    hash = hash_bytes(hash_bytes(hash, check->send, check->send_len), check->expect, check->expect_len);
    const uint32_t numbers[] = {
        (uint32_t)check->type, check->port, check->interval_ms, check->timeout_ms, check->fall,
        check->rise,           bounds[0],   bounds[1],          check->send_len,   check->expect_len};
    hash = hash_numbers(hash, numbers, sizeof numbers / sizeof *numbers);
    if (!is_span) {
        size_t words = bounds[1] <= RFC_STATUS_MOST ? RFC_STATUS_WORDS : CONF_STATUS_WORDS;
        hash = hash_bytes(hash, check->statuses, words * sizeof *check->statuses);
    }
    return hash_finish(is_plain(check) ? hash : identify_more(hash, check));
}
