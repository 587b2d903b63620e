/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_inside.h. What would be, in figures; and whether the order makes it worse. */
#include "config.h"

#include "operate/rules_inside.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "conf/value.h"
#include "health/lag.h"
#include "operate/rules_time.h"

/* ---- words ---- */

static const char *take_words(const struct judging *judging, struct buffer *words)
{
    const char *text = words->len == 0 ? "" : arena_print(judging->arena, "%s", words->bytes);
    buffer_fini(words);
    return text;
}

static const char *verb(const struct judging *judging)
{
    return judging->is_order ? "would serve" : "serve";
}

/* Is the object number `index` one that the rule counts? */
static bool is_counted(const struct judging *judging, const struct conf_rule *rule, size_t index)
{
    return !rule->of_azs || rule->in == CONF_RULE_EVERYWHERE ||
           judging->topology->azs[index].region == rule->in;
}

static size_t count_all(const struct judging *judging, const struct conf_rule *rule)
{
    return rule->of_azs ? judging->topology->az_count : judging->topology->region_count;
}

/* How much is left of each. */
static const double *get_parts(const struct judging *judging, const struct conf_rule *rule, unsigned side)
{
    return rule->of_azs ? judging->sides[side].azs : judging->sides[side].regions;
}

static const char *get_name(const struct judging *judging, const struct conf_rule *rule, size_t index)
{
    return rule->of_azs ? judging->topology->azs[index].name : judging->topology->regions[index].name;
}

/* "a, b, c and 4 more" of those that do, or do not, serve on a side. */
static void list_counted(const struct judging *judging, const struct conf_rule *rule, unsigned side,
                         bool serving, struct buffer *words)
{
    enum { NAMES = 5 };
    const double *parts = get_parts(judging, rule, side);
    size_t found = 0;
    for (size_t i = 0; i < count_all(judging, rule); i++) {
        if (is_counted(judging, rule, i) && measure_serves(parts[i]) == serving && found++ < NAMES) {
            buffer_print(words, "%s%s", found == 1 ? "" : ", ", get_name(judging, rule, i));
        }
    }
    if (found > NAMES) {
        buffer_print(words, " and %zu more", found - NAMES);
    }
}

static const char *name_kind(const struct conf_rule *rule, size_t count)
{
    return rule->of_azs ? count == 1 ? "az" : "azs" : count == 1 ? "region" : "regions";
}

/* "; less than half is left of us (1 %)": those that do not count, though somebody still gets there. */
static void list_remains(const struct judging *judging, const struct conf_rule *rule, struct buffer *words)
{
    enum { NAMES = 5 };
    const double *parts = get_parts(judging, rule, AFTER);
    size_t found = 0;
    for (size_t i = 0; i < count_all(judging, rule); i++) {
        if (is_counted(judging, rule, i) && parts[i] > 0 && !measure_serves(parts[i]) && found++ < NAMES) {
            buffer_print(words, "%s%s (%.3g %%)", found == 1 ? "; less than half is left of " : ", ",
                         get_name(judging, rule, i), 100 * parts[i]);
        }
    }
}

/* ---- serving ---- */

struct count {
    size_t serving[SIDES], all;
};

static struct count count_serving(const struct judging *judging, const struct conf_rule *rule)
{
    struct count count = {.all = 0};
    for (size_t i = 0; i < count_all(judging, rule); i++) {
        if (is_counted(judging, rule, i)) {
            count.all++;
            count.serving[BEFORE] += measure_serves(get_parts(judging, rule, BEFORE)[i]);
            count.serving[AFTER] += measure_serves(get_parts(judging, rule, AFTER)[i]);
        }
    }
    return count;
}

static void tell_serving(const struct judging *judging, const struct count *count, struct operate_rule *to)
{
    const struct conf_rule *rule = to->rule;
    bool is_everywhere = rule->in == CONF_RULE_EVERYWHERE;
    size_t missing = rule->count - count->serving[AFTER];
    struct buffer words;
    buffer_init(&words);
    buffer_print(&words, "%zu of %zu %s%s%s %s", count->serving[AFTER], count->all,
                 name_kind(rule, count->all), is_everywhere ? "" : " of ",
                 is_everywhere ? "" : judging->topology->regions[rule->in].name, verb(judging));
    if (count->serving[AFTER] != 0) {
        buffer_print(&words, " (");
        list_counted(judging, rule, AFTER, true, &words);
        buffer_print(&words, ")");
    }
    buffer_print(&words, ", expected at least %u", rule->count);
    list_remains(judging, rule, &words);
    to->why = take_words(judging, &words);
    if (!to->is_violated) {
        return;
    }
    buffer_init(&words);
    if (count->serving[BEFORE] == count->all) {
        buffer_print(&words, "all of them serve now: there is no other %s", name_kind(rule, 1));
    } else {
        buffer_print(&words, "%zu more %s to serve: of ", missing, missing == 1 ? "has" : "have");
        list_counted(judging, rule, BEFORE, false, &words);
    }
    to->needs = take_words(judging, &words);
}

static bool judge_serving(const struct judging *judging, struct operate_rule *to)
{
    struct count count = count_serving(judging, to->rule);
    bool is_short = count.serving[AFTER] < to->rule->count;
    to->is_violated = is_short && (!judging->is_order || count.serving[AFTER] < count.serving[BEFORE]);
    to->subject.amount = is_short ? (double)(to->rule->count - count.serving[AFTER]) : 0;
    tell_serving(judging, &count, to);
    return to->is_violated;
}

/* ---- lost ---- */

/* Any of it, whatever is given back elsewhere. */
static bool takes_away(const struct judging *judging)
{
    const struct measure *before = &judging->sides[BEFORE], *after = &judging->sides[AFTER];
    for (uint32_t i = 0; i < judging->topology->endpoint_count; i++) {
        if (measure_is_less(measure_endpoint(after, i), measure_endpoint(before, i))) {
            return true;
        }
    }
    return false;
}

static bool judge_lost(const struct judging *judging, struct operate_rule *to)
{
    const struct conf_rule *rule = to->rule;
    const struct health_table *table = judging->tables[AFTER];
    size_t lost = 0, all = 0;
    for (size_t i = 0; i < count_all(judging, rule); i++) {
        const _Atomic uint32_t *words = rule->of_azs ? table->azs : table->regions;
        uint32_t word = atomic_load_explicit(&words[i], memory_order_relaxed);
        if (is_counted(judging, rule, i)) {
            all++;
            lost += health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY;
        }
    }
    to->is_violated = lost > rule->count && (!judging->is_order || takes_away(judging));
    to->why = arena_print(judging->arena, "%zu of %zu %s %s lost by %s, expected at most %u", lost, all,
                          name_kind(rule, all), lost == 1 ? "is" : "are", lost == 1 ? "itself" : "themselves",
                          rule->count);
    to->needs = to->is_violated ? arena_print(judging->arena, "%zu %s to come back", lost - rule->count,
                                              lost - rule->count == 1 ? "has" : "have")
                                : NULL;
    return to->is_violated;
}

/* ---- not all of ---- */

static void name_targets(const struct judging *judging, const struct conf_rule *rule, struct buffer *words)
{
    static const char *const kinds[] = {
        [CONF_REGION] = "region", [CONF_AZ] = "az", [CONF_ENDPOINT] = "endpoint", [CONF_GROUP] = "group"};
    const struct conf_topology *t = judging->topology;
    for (size_t i = 0; i < rule->target_count; i++) {
        const struct conf_place *place = rule->targets[i];
        const char *name = place->kind == CONF_REGION     ? t->regions[place->index].name
                           : place->kind == CONF_AZ       ? t->azs[place->index].name
                           : place->kind == CONF_ENDPOINT ? t->endpoints[place->index].name
                                                          : t->groups[place->index].name;
        buffer_print(words, "%s%s:%s", i == 0 ? "" : ", ", kinds[place->kind], name);
    }
}

static size_t count_targets(const struct judging *judging, const struct conf_rule *rule, unsigned side)
{
    size_t count = 0;
    for (size_t i = 0; i < rule->target_count; i++) {
        count += measure_serves(measure_place(&judging->sides[side], rule->targets[i]));
    }
    return count;
}

static bool judge_not_all_of(const struct judging *judging, struct operate_rule *to)
{
    const struct conf_rule *rule = to->rule;
    size_t serving = count_targets(judging, rule, AFTER);
    struct buffer words;
    buffer_init(&words);
    to->is_violated = serving == 0 && (!judging->is_order || count_targets(judging, rule, BEFORE) != 0);
    buffer_print(&words, "%zu of %zu targets %s (", serving, rule->target_count, verb(judging));
    name_targets(judging, rule, &words);
    buffer_print(&words, "), expected at least 1");
    to->why = take_words(judging, &words);
    to->needs = to->is_violated ? "one of them has to serve" : NULL;
    return to->is_violated;
}

/* ---- capacity ---- */

static bool judge_capacity(const struct judging *judging, struct operate_rule *to)
{
    const struct conf_rules *rules = &judging->topology->rules;
    double before = judging->sides[BEFORE].capacity, after = judging->sides[AFTER].capacity;
    double least = to->rule->share * (double)rules->capacity;
    const char *what = rules->is_by_number ? " endpoints" : "";
    /* as shares are written: 60 % of 10 is 6 */
    bool is_short = after < least - 1e-6 * (double)rules->capacity;
    to->is_violated = is_short && (!judging->is_order || measure_is_less(after, before));
    to->subject.amount = is_short ? least - after : 0;
    to->why =
        arena_print(judging->arena, "%.1f %% of the capacity %s (%.10g of %llu%s), expected at least %g %%",
                    rules->capacity == 0 ? 0 : 100 * after / (double)rules->capacity,
                    judging->is_order ? "would serve" : "serves", after, (unsigned long long)rules->capacity,
                    what, 100 * to->rule->share);
    to->needs = to->is_violated ? arena_print(judging->arena, "%.0f more%s to serve",
                                              least - after < 1 ? 1 : least - after,
                                              rules->is_by_number ? " endpoints have" : " has")
                                : NULL;
    return to->is_violated;
}

/* ---- lag ---- */

static const double *get_ends(const struct judging *judging, const struct conf_replication *pair,
                              unsigned side)
{
    return pair->of_azs ? judging->sides[side].azs : judging->sides[side].regions;
}

/* In part, too: whoever is moved needs the data. */
static bool is_left(const struct judging *judging, const struct conf_replication *pair)
{
    return measure_is_less(get_ends(judging, pair, AFTER)[pair->from],
                           get_ends(judging, pair, BEFORE)[pair->from]);
}

/* Of whom that is left nobody is left. */
static bool is_gone(const struct judging *judging, const struct conf_replication *pair)
{
    return measure_serves(get_ends(judging, pair, BEFORE)[pair->from]) &&
           !measure_serves(get_ends(judging, pair, AFTER)[pair->from]);
}

/* May somebody leave for that copy? */
static bool is_good(const struct conf_rule *rule, const struct health_lag_status *lag)
{
    return lag->is_known && lag->rpo == HEALTH_RPO_KEPT &&
           (rule->any_stage || lag->stage == HEALTH_STAGE_REAL_TIME);
}

/* "eu lags 42 s behind us, the RPO is 30 s", without the end of a sentence; NULL: nothing is wrong. */
static const char *find_fault(const struct judging *judging, const struct conf_rule *rule, size_t number)
{
    char rpo[VALUE_DURATION_SIZE];
    const struct health_lag_status *lag =
        number < judging->ask->lag_count ? &judging->ask->lags[number] : NULL;
    if (lag == NULL) {
        return "nothing is known of the copy";
    }
    if (is_good(rule, lag)) {
        return NULL;
    }
    if (!lag->is_known || lag->rpo == HEALTH_RPO_UNKNOWN || lag->rpo == HEALTH_RPO_NONE) {
        return arena_print(judging->arena, "how far %s lags behind %s is not known", lag->to, lag->from);
    }
    if (lag->rpo == HEALTH_RPO_OVER) {
        return arena_print(judging->arena, "%s lags %g %s behind %s, the RPO is %s", lag->to, lag->value,
                           health_lag_unit_text(lag->unit), lag->from,
                           value_write_duration((uint64_t)lag->rpo_ms, rpo));
    }
    const char *stage = health_stage_text(lag->stage);
    return arena_print(judging->arena, "the copying from %s to %s is at stage %s, expected real_time",
                       lag->from, lag->to, stage == NULL ? "unknown" : stage);
}

static void add_fault(struct buffer *words, const char *text)
{
    if (words->len < 400) {
        buffer_print(words, "%s%s", words->len == 0 ? "" : "; ", text);
    }
}

/* Regions that are left, and of which nobody who serves has a copy. */
static size_t find_stranded(const struct judging *judging, struct operate_rule *to, struct buffer *words)
{
    const struct conf_rule *rule = to->rule;
    size_t count = 0;
    for (size_t i = 0; i < rule->pair_count; i++) {
        const struct conf_replication *pair = &judging->topology->replications[rule->pairs[i]];
        bool has_other = pair->of_azs || !is_gone(judging, pair);
        for (size_t j = 0; j < rule->pair_count && !has_other; j++) {
            const struct conf_replication *other = &judging->topology->replications[rule->pairs[j]];
            bool is_same = !other->of_azs && other->from == pair->from;
            has_other = is_same && (measure_serves(get_ends(judging, other, AFTER)[other->to]) ||
                                    j < i); /* or told already */
        }
        if (!has_other) {
            add_fault(words, arena_print(judging->arena, "nobody who would serve has a copy of %s",
                                         judging->topology->regions[pair->from].name));
            subject_add(&to->subject, "stranded", judging->topology->regions[pair->from].name, NULL);
            count++;
        }
    }
    return count;
}

/* Of a region that is left: is `to` one of its copies? And is each of these good? */
static bool has_copy(const struct judging *judging, const struct conf_rule *rule, uint32_t from, uint32_t to,
                     bool *are_good)
{
    bool has = false;
    *are_good = true;
    for (size_t i = 0; i < rule->pair_count; i++) {
        const struct conf_replication *pair = &judging->topology->replications[rule->pairs[i]];
        if (!pair->of_azs && pair->from == from) {
            has |= pair->to == to;
            *are_good &= find_fault(judging, rule, rule->pairs[i]) == NULL;
        }
    }
    return has;
}

/* Regions where answers would go though they have no copy: while all copies are good that is what the
 * policies want, else it is worse than a copy that lags. */
static size_t find_strangers(struct judging *judging, struct operate_rule *rated, struct buffer *words)
{
    const struct conf_rule *rule = rated->rule;
    size_t regions = judging->topology->region_count, count = 0;
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < rule->pair_count; i++) { /* pairs of a region follow one another */
        const struct conf_replication *pair = &judging->topology->replications[rule->pairs[i]];
        if (pair->of_azs || pair->from == last || !is_left(judging, pair)) {
            continue;
        }
        last = pair->from;
        for (uint32_t to = 0; to < regions; to++) {
            bool are_good;
            if (to != last && !has_copy(judging, rule, last, to, &are_good) &&
                (rule->only_copies || !are_good) && rules_flow_between(judging, last, to)) {
                add_fault(words, arena_print(judging->arena, "%s has no copy of %s",
                                             judging->topology->regions[to].name,
                                             judging->topology->regions[last].name));
                subject_add(&rated->subject, "stranger", judging->topology->regions[last].name,
                            judging->topology->regions[to].name);
                count++;
            }
        }
    }
    return count;
}

/* A copy that is no good; how far it lags is no part of it, for that grows by itself. */
static void add_pair(const struct judging *judging, const struct conf_replication *pair,
                     struct subject *subject)
{
    const struct conf_topology *t = judging->topology;
    subject_add(subject, "copy", pair->of_azs ? t->azs[pair->from].name : t->regions[pair->from].name,
                pair->of_azs ? t->azs[pair->to].name : t->regions[pair->to].name);
}

/* An order is asked about those to whom answers would go; else all of them count. */
static bool judge_lag(struct judging *judging, struct operate_rule *to)
{
    const struct conf_rule *rule = to->rule;
    struct buffer words;
    buffer_init(&words);
    size_t faults = judging->is_order ? find_stranded(judging, to, &words) : 0, asked = faults;
    for (size_t i = 0; i < rule->pair_count; i++) {
        const struct conf_replication *pair = &judging->topology->replications[rule->pairs[i]];
        bool is_asked = !judging->is_order || is_left(judging, pair);
        const char *fault = is_asked ? find_fault(judging, rule, rule->pairs[i]) : NULL;
        asked += is_asked;
        if (fault != NULL && (!judging->is_order || rules_flow_along(judging, rule->pairs[i]))) {
            add_fault(&words, fault);
            add_pair(judging, pair, &to->subject);
            faults++;
        }
    }
    faults += judging->is_order ? find_strangers(judging, to, &words) : 0;
    to->is_violated = faults != 0;
    const char *text = take_words(judging, &words);
    to->why = faults != 0  ? text
              : asked == 0 ? "nothing that replicates would be left"
                           : "who would take over has the data within the RPO";
    to->needs =
        faults == 0 ? NULL : "the copies have to be within their RPO and known, the copying in real time";
    if (faults != 0 && rule->any_stage) {
        to->needs = "the copies have to be within their RPO and known";
    }
    return to->is_violated;
}

/* ---- wait and freeze ---- */

/* Does it leave a region, be it in part? */
static bool is_move(const struct judging *judging)
{
    const struct measure *before = &judging->sides[BEFORE], *after = &judging->sides[AFTER];
    for (size_t i = 0; i < judging->topology->region_count; i++) {
        if (measure_is_less(after->regions[i], before->regions[i])) {
            return true;
        }
    }
    return false;
}

/* Also what is planned until then. */
static int64_t find_last_move(const struct judging *judging)
{
    int64_t last = judging->ask->last_move_ms != 0 ? judging->ask->last_move_ms
                                                   : rules_find_last_move(judging->tables[BEFORE]);
    for (size_t i = 0; i < judging->other_count; i++) {
        const struct health_spell *spell = &judging->others[i];
        const int64_t times[] = {spell->from_ms, spell->until_ms};
        for (int j = 0; j < 2 && spell->kind == HEALTH_REGION; j++) {
            last = times[j] > last && times[j] <= judging->at_ms ? times[j] : last;
        }
    }
    return last;
}

static bool judge_wait(const struct judging *judging, struct operate_rule *to)
{
    const struct conf_rule *rule = to->rule;
    char wait[VALUE_DURATION_SIZE], until[CLOCK_TEXT_SIZE];
    int64_t last = find_last_move(judging), passed = judging->at_ms - last;
    bool is_soon = last != 0 && passed < (int64_t)rule->wait_ms;
    value_write_duration(rule->wait_ms, wait);
    to->is_violated = is_soon && (!judging->is_order || (judging->begins && is_move(judging)));
    to->why = last == 0 ? arena_print(judging->arena,
                                      "no region has moved yet, expected %s between two moves", wait)
                        : arena_print(judging->arena, "%lld s since a region moved last, expected %s",
                                      (long long)(passed < 0 ? 0 : passed / 1000), wait);
    to->needs = to->is_violated ? arena_print(judging->arena, "wait until %s",
                                              clock_write_rfc3339(last + rule->wait_ms, until))
                                : NULL;
    return to->is_violated;
}

static bool judge_freeze(const struct judging *judging, struct operate_rule *to)
{
    char until[CLOCK_TEXT_SIZE];
    bool is_frozen = rules_are_frozen(to->rule, judging->at_ms);
    to->is_violated = is_frozen && (!judging->is_order || (judging->begins && takes_away(judging)));
    to->why = is_frozen ? "it is in a freeze window, in which nothing is to be taken away"
                        : "it is in no freeze window";
    int64_t thaw_ms = to->is_violated ? rules_find_thaw(to->rule, judging->at_ms) : 0;
    to->needs = !to->is_violated ? NULL
                : thaw_ms == 0
                    ? "wait until the window is over"
                    : arena_print(judging->arena, "wait until %s", clock_write_rfc3339(thaw_ms, until));
    return to->is_violated;
}

/* ---- all ---- */

bool rules_judge(struct judging *judging, struct operate_rule *to)
{
    to->subject = (struct subject){.count = 0};
    switch (to->rule->type) {
    case CONF_RULE_SERVING: return judge_serving(judging, to);
    case CONF_RULE_LOST: return judge_lost(judging, to);
    case CONF_RULE_NOT_ALL_OF: return judge_not_all_of(judging, to);
    case CONF_RULE_CAPACITY: return judge_capacity(judging, to);
    case CONF_RULE_LAG: return judge_lag(judging, to);
    case CONF_RULE_WAIT: return judge_wait(judging, to);
    default: return judge_freeze(judging, to);
    }
}
