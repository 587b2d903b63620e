/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "observe": a population of caching resolvers and clients, run by this process, while something is lost. */
#include "config.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/when.h"
#include "ctl/observe.h"
#include "ctl/observe_drill.h"
#include "ctl/observe_write.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "dns/name.h"
#include "observe/observe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_MAX = OBSERVE_SERVERS_MAX,
    DNS_PORT = 53,
    RESOLVERS = 64,
    FOR_MS = 60 * 1000,
    PATIENCE_MS = 5000,
    LAST_WORD_MS = 1000
};

/* What the plan borrows. */
struct observation {
    const struct steerctl *ctl;
    struct observe_plan plan;
    struct observe_name names[OBSERVE_NAMES_MAX];
    struct addr_port servers[LIST_MAX];
    struct addr_prefix sources[LIST_MAX], subnets[LIST_MAX];
    struct addr lost[TALLY_ADDRESSES_MAX];
    struct observed_drill drill;
    double retry;
};

static volatile bool is_over; /* by a signal */

static void end(int number)
{
    (void)number;
    is_over = true;
}

/* ---- words ---- */

static bool parse_name(const char *word, void *to)
{
    struct observe_name *name = to;
    char *text = memory_copy_text(word), *slash = strrchr(text, '/');
    uint16_t type = DNS_TYPE_A;
    bool is_good = slash == NULL || dns_parse_type(slash + 1, &type) == 0;
    if (slash != NULL) {
        *slash = '\0';
    }
    is_good = is_good && (type == DNS_TYPE_A || type == DNS_TYPE_AAAA) && text[0] != '\0' &&
              dns_name_parse(text, NULL, name->wire) > 0;
    name->type = type;
    free(text);
    return is_good;
}

/* ADDRESS or ADDRESS:PORT, [ADDRESS]:PORT. */
static bool parse_server(const char *text, void *to)
{
    struct addr_port *at = to;
    if (addr_parse(text, &at->addr) == 0) {
        at->port = DNS_PORT;
        return true;
    }
    return addr_parse_port(text, at) == 0 && at->port != 0;
}

/* An address is the prefix that is it alone. */
static bool parse_prefix(const char *text, void *to)
{
    struct addr_prefix *prefix = to;
    if (addr_parse(text, &prefix->addr) == 0) {
        prefix->len = (uint8_t)(8 * addr_len(&prefix->addr));
        return true;
    }
    return addr_parse_prefix(text, prefix) == 0;
}

/* Words with commas between; text NULL: none. False: one of them is none, or they are too many. */
static bool parse_list(const char *text, bool (*parse)(const char *, void *), void *to, size_t size,
                       size_t *count)
{
    char *copy = memory_copy_text(text), *rest = copy, *word;
    bool is_good = true;
    while (is_good && rest != NULL && (word = strsep(&rest, ",")) != NULL) {
        is_good = *count < LIST_MAX && parse(word, (char *)to + *count * size);
        *count += 1;
    }
    free(copy);
    return is_good;
}

_Static_assert((int)OBSERVE_NAMES_MAX == (int)LIST_MAX, "names of a list fit");

static enum steerctl_exit take_names(const struct steerctl *ctl, struct observation *all)
{
    struct observe_plan *plan = &all->plan;
    bool is_good = parse_list(ctl->observe, parse_name, all->names, sizeof *all->names, &plan->name_count);
    for (int i = 1; ctl->observe == NULL && i < ctl->word_count && is_good; i++) {
        is_good = parse_list(ctl->words[i], parse_name, all->names, sizeof *all->names, &plan->name_count);
    }
    return is_good ? STEERCTL_OK
                   : steerctl_usage("found names to observe of which one is none, expected NAME, NAME/A or "
                                    "NAME/AAAA, %d at most",
                                    OBSERVE_NAMES_MAX);
}

static enum steerctl_exit take_servers(const struct steerctl *ctl, struct observation *all)
{
    struct observe_plan *plan = &all->plan;
    if (!parse_list(ctl->server, parse_server, all->servers, sizeof *all->servers, &plan->server_count) ||
        plan->server_count == 0) {
        return steerctl_usage("found --server \"%s\", expected ADDRESS[:PORT],..., %d at most",
                              ctl->server == NULL ? "" : ctl->server, LIST_MAX);
    }
    return STEERCTL_OK;
}

/* Of a drill that is yet to begin these are its clients, and not all of them have to be here. */
static enum steerctl_exit take_sources(const struct steerctl *ctl, struct observation *all)
{
    struct observe_plan *plan = &all->plan;
    if (!parse_list(ctl->client, parse_prefix, all->sources, sizeof *all->sources, &plan->source_count) ||
        !parse_list(ctl->ecs, parse_prefix, all->subnets, sizeof *all->subnets, &plan->subnet_count)) {
        return steerctl_usage("found --client or --ecs with something else than prefixes, %d at most",
                              LIST_MAX);
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        if (!observe_has_source(&all->sources[i])) {
            return steerctl_usage(
                "found --client \"%s\", expected prefixes of addresses that this machine has", ctl->client);
        }
    }
    return STEERCTL_OK;
}

static enum steerctl_exit take_numbers(const struct steerctl *ctl, struct observation *all)
{
    struct observe_plan *plan = &all->plan;
    uint64_t resolvers = RESOLVERS, port = 0, ttl = 0, retry = 0;
    size_t most = plan->name_count == 0 ? 0 : OBSERVE_CACHES_MAX / plan->name_count;
    if (ctl->resolvers != NULL && (!number_read(ctl->resolvers, 10, most, &resolvers) || resolvers == 0)) {
        return steerctl_usage("found --resolvers \"%s\", expected 1 to %zu", ctl->resolvers, most);
    }
    if (ctl->connect != NULL && (!number_read(ctl->connect, 10, UINT16_MAX, &port) || port == 0)) {
        return steerctl_usage("found --connect \"%s\", expected a port", ctl->connect);
    }
    if (ctl->ttl != NULL && !number_read(ctl->ttl, 10, 86400, &ttl)) {
        return steerctl_usage("found --ttl \"%s\", expected seconds, at most a day", ctl->ttl);
    }
    if (ctl->retry != NULL && !number_read(ctl->retry, 10, 100, &retry)) {
        return steerctl_usage("found --retry \"%s\", expected percent, 0 to 100", ctl->retry);
    }
    if ((ctl->for_ != NULL && (when_parse_duration(ctl->for_, &plan->duration_ms) != 0 ||
                               plan->duration_ms > OBSERVE_FOR_MAX_MS)) ||
        (ctl->timeout != NULL &&
         (when_parse_duration(ctl->timeout, &plan->patience_ms) != 0 || plan->patience_ms > 60 * 1000))) {
        return steerctl_usage(
            "found --for or --timeout with something else than a duration such as 5m, of at "
            "most a day and a minute");
    }
    if (ctl->path != NULL && (ctl->path[0] != '/' || strpbrk(ctl->path, " \r\n") != NULL ||
                              strlen(ctl->path) > 200 || port == 0)) {
        return steerctl_usage("found --path \"%s\", expected a path such as /, beside --connect", ctl->path);
    }
    plan->resolvers = (uint32_t)resolvers;
    plan->port = (uint16_t)port;
    plan->ttl_s = (uint32_t)ttl;
    plan->path = ctl->path;
    all->retry = (double)retry / 100;
    return STEERCTL_OK;
}

/* ---- what is lost ---- */

static bool add_lost(struct observation *all, const char *text)
{
    struct addr addr;
    if (text == NULL || addr_parse(text, &addr) != 0 || all->plan.lost_count == TALLY_ADDRESSES_MAX) {
        return false;
    }
    all->lost[all->plan.lost_count++] = addr;
    return true;
}

static enum steerctl_exit add_target(const struct steerctl *ctl, struct observation *all, const char *target)
{
    json_t *addresses = json_object(), *value;
    const char *address;
    enum steerctl_exit code = target_list_addresses(ctl, target, addresses);
    json_object_foreach(addresses, address, value)
    {
        (void)add_lost(all, address);
    }
    json_decref(addresses);
    return code;
}

static enum steerctl_exit take_lost(const struct steerctl *ctl, struct observation *all)
{
    enum steerctl_exit code = STEERCTL_OK;
    struct addr addr;
    for (size_t i = 0; code == STEERCTL_OK && i < ctl->loss_count; i++) {
        if (addr_parse(ctl->losses[i], &addr) == 0) {
            (void)add_lost(all, ctl->losses[i]);
        } else {
            code = add_target(ctl, all, ctl->losses[i]);
        }
    }
    return code;
}

/* ---- who asks, of a drill ---- */

static void take_prefixes(const json_t *list, bool is_here, struct addr_prefix *to, size_t *count)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        if (*count < LIST_MAX && parse_prefix(json_string_value(item), &to[*count]) &&
            (!is_here || observe_has_source(&to[*count]))) {
            *count += 1;
        }
    }
}

/* The clients that it has, as far as this machine can be them. */
static enum steerctl_exit take_clients(struct observation *all)
{
    struct observe_plan *plan = &all->plan;
    const json_t *clients = json_object_get(all->drill.now, "clients");
    if (plan->source_count == 0 && plan->subnet_count == 0) {
        take_prefixes(json_object_get(clients, "prefixes"), true, all->sources, &plan->source_count);
        take_prefixes(json_object_get(clients, "ecs"), false, all->subnets, &plan->subnet_count);
    }
    bool is_shadow = strcmp(text_or_dash(text_of(all->drill.now, "mode")), "shadow") == 0;
    if (is_shadow && plan->source_count == 0 && plan->subnet_count == 0) {
        return steerctl_usage("this machine has none of the addresses that see the drill: observe needs "
                              "--client PREFIX or --ecs PREFIX");
    }
    return STEERCTL_OK;
}

/* ---- the verb ---- */

static enum steerctl_exit take_plan(const struct steerctl *ctl, struct observation *all)
{
    all->ctl = ctl;
    all->plan = (struct observe_plan){.names = all->names,
                                      .servers = all->servers,
                                      .duration_ms = FOR_MS,
                                      .sources = all->sources,
                                      .subnets = all->subnets,
                                      .lost = all->lost,
                                      .patience_ms = PATIENCE_MS,
                                      .is_over = &is_over};
    enum steerctl_exit code = take_names(ctl, all);
    code = code == STEERCTL_OK ? take_servers(ctl, all) : code;
    return code == STEERCTL_OK ? take_numbers(ctl, all) : code;
}

static enum steerctl_exit take_drill(struct observation *all, const char *id)
{
    enum steerctl_exit code = observed_drill_take(all->ctl, id, &all->drill, &all->plan);
    return code == STEERCTL_OK ? take_clients(all) : code;
}

static enum steerctl_exit prepare(const struct steerctl *ctl, struct observation *all)
{
    enum steerctl_exit code = take_plan(ctl, all);
    code = code == STEERCTL_OK ? take_sources(ctl, all) : code;
    bool has_losses = ctl->loss_count != 0, is_tried = ctl->connect != NULL, is_drill = ctl->drill != NULL;
    if (code == STEERCTL_OK && has_losses + is_tried + is_drill != 1) {
        return steerctl_usage(
            "observe needs one of --lose TARGET|ADDRESS, --connect PORT and --drill ID: what "
            "fails, where to try it, or who knows");
    }
    if (code == STEERCTL_OK && is_drill && ctl->for_ != NULL) {
        return steerctl_usage("observe --drill lasts as long as the drill: it takes no --for");
    }
    code = code == STEERCTL_OK && is_drill ? take_drill(all, ctl->drill) : code;
    return code == STEERCTL_OK ? take_lost(ctl, all) : code;
}

static void show(const struct steerctl *ctl, const json_t *observed)
{
    if (ctl->json) {
        text_print_json(observed, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    } else {
        observe_show(ctl, observed);
    }
}

enum steerctl_exit run_observe(const struct steerctl *ctl)
{
    struct observation all = {.retry = 0};
    struct observe_report report;
    struct sigaction action = {.sa_handler = end};
    enum steerctl_exit code = prepare(ctl, &all);
    if (code != STEERCTL_OK) {
        observed_drill_fini(&all.drill);
        return code;
    }
    sigaction(SIGINT, &action, NULL); /* what was seen until then is told */
    sigaction(SIGTERM, &action, NULL);
    observe_run(&all.plan, &report);
    json_t *observed = observe_write(&all.plan, &report, all.retry);
    if (ctl->drill != NULL) {
        code = observed_drill_keep(&all.drill, observed);
    }
    if (code == STEERCTL_OK) {
        show(ctl, observed);
    }
    json_decref(observed);
    observe_fini(&report);
    observed_drill_fini(&all.drill);
    return code;
}

/* ---- of a drill that is begun here ---- */

struct observation *observation_plan(const struct steerctl *ctl)
{
    struct observation *all = memory_alloc(sizeof *all);
    enum steerctl_exit code = take_plan(ctl, all);
    bool is_shadow = strcmp(ctl->words[1], "shadow") == 0;
    if (code == STEERCTL_OK && is_shadow && all->plan.ttl_s == 0) {
        code = steerctl_usage(OBSERVED_DRILL_NEEDS_TTL);
    }
    if (code == STEERCTL_OK) {
        return all;
    }
    free(all);
    return NULL;
}

static void stop(const struct steerctl *ctl, const char *id)
{
    struct steerctl quiet = *ctl;
    struct buffer path;
    json_t *stopped = NULL;
    quiet.json = false;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/");
    steerctl_add_encoded(&path, id);
    if (steerctl_ask_json(&quiet, "DELETE", path.bytes, NULL, &stopped) == STEERCTL_OK) {
        fprintf(stderr, "steerctl: drill %s was stopped, since it could not be observed\n", id);
    }
    json_decref(stopped);
    buffer_fini(&path);
}

json_t *observation_run(struct observation *all, const json_t *begun, bool *is_kept)
{
    struct observe_report report;
    struct drill_follow follow;
    const char *id = text_or_dash(text_of(begun, "id"));
    *is_kept = false;
    if (take_drill(all, id) != STEERCTL_OK) {
        stop(all->ctl, id);
        return NULL;
    }
    drill_follow_open(&follow, all->ctl, begun);
    all->drill.follow = &follow;
    all->plan.is_over = &follow.has_ended;
    observe_run(&all->plan, &report);
    drill_follow_wait(&follow, LAST_WORD_MS); /* it has ended, and is about to say so */
    drill_follow_close(&follow);
    json_t *observed = observe_write(&all->plan, &report, all->retry), *drill = all->drill.ended;
    *is_kept = observed_drill_keep(&all->drill, observed) == STEERCTL_OK;
    all->drill.ended = NULL;
    json_object_set_new(drill, "observed", observed);
    observe_fini(&report);
    return drill;
}

void observation_free(struct observation *all)
{
    if (all != NULL) {
        observed_drill_fini(&all->drill);
        free(all);
    }
}
