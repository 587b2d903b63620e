/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover.h. */
#include "config.h"

#include "operate/switchover.h"

#include "base/error.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { ALL = 100 };

/* By so much later than its step would be due a drain would start by itself: never. */
static const int64_t never_by_itself_ms = 7LL * 24 * 3600 * 1000;

#define NOWHERE SWITCHOVER_STATES

static const char *const states[SWITCHOVER_STATES] = {
    [SWITCHOVER_PLANNED] = "planned",
    [SWITCHOVER_LOWERING] = "lowering",
    [SWITCHOVER_MOVING] = "moving",
    [SWITCHOVER_MOVED] = "moved",
    [SWITCHOVER_VERIFIED] = "verified",
    [SWITCHOVER_UNPROTECTED] = "unprotected",
    [SWITCHOVER_PROTECTED] = "protected",
    [SWITCHOVER_RETURNING] = "returning",
    [SWITCHOVER_RETURNED] = "returned",
    [SWITCHOVER_CLOSED] = "closed",
    [SWITCHOVER_RETURN_VERIFIED] = "return_verified",
    [SWITCHOVER_CANCELLED] = "cancelled",
    [SWITCHOVER_ROLLED_BACK] = "rolled_back",
};

static const char *const verbs[SWITCHOVER_VERBS] = {
    [SWITCHOVER_EXECUTE] = "execute",     [SWITCHOVER_VERIFY] = "verify",
    [SWITCHOVER_COMMIT] = "commit",       [SWITCHOVER_ROLL_BACK] = "rollback",
    [SWITCHOVER_REPROTECT] = "reprotect", [SWITCHOVER_FAIL_BACK] = "failback",
    [SWITCHOVER_CANCEL] = "cancel",       [SWITCHOVER_CLOSE] = "close",
    [SWITCHOVER_RESUME] = "resume",       [SWITCHOVER_REDIRECT] = "redirect",
};

const char *switchover_state_text(enum switchover_state state)
{
    return states[state];
}

const char *switchover_verb_text(enum switchover_verb verb)
{
    return verbs[verb];
}

static int find(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i], text) == 0) {
            return (int)i;
        }
    }
    return ERROR_NOT_FOUND;
}

int switchover_parse_state(const char *text, enum switchover_state *state)
{
    int found = find(states, SWITCHOVER_STATES, text);
    *state = found < 0 ? *state : (enum switchover_state)found;
    return found < 0 ? found : 0;
}

int switchover_parse_verb(const char *text, enum switchover_verb *verb)
{
    int found = find(verbs, SWITCHOVER_VERBS, text);
    *verb = found < 0 ? *verb : (enum switchover_verb)found;
    return found < 0 ? found : 0;
}

/* ---- where verbs lead ---- */

static enum switchover_state roll_back(enum switchover_state state)
{
    switch (state) {
    case SWITCHOVER_LOWERING:
    case SWITCHOVER_MOVING:
    case SWITCHOVER_MOVED:
    case SWITCHOVER_VERIFIED: return SWITCHOVER_ROLLED_BACK;
    case SWITCHOVER_RETURNING:
    case SWITCHOVER_RETURNED:
    case SWITCHOVER_RETURN_VERIFIED: return SWITCHOVER_PROTECTED;
    default: return NOWHERE;
    }
}

/* What has been verified may be looked at again. */
static enum switchover_state verify(enum switchover_state state)
{
    bool is_there = state == SWITCHOVER_MOVED || state == SWITCHOVER_VERIFIED;
    bool is_back = state == SWITCHOVER_RETURNED || state == SWITCHOVER_RETURN_VERIFIED;
    return is_there ? SWITCHOVER_VERIFIED : is_back ? SWITCHOVER_RETURN_VERIFIED : NOWHERE;
}

/* It goes on where it is; in an emergency all of it, at once. */
static enum switchover_state resume(const struct switchover *switchover, bool is_emergency)
{
    enum switchover_state state = switchover->state;
    bool is_whole = is_emergency && state == SWITCHOVER_LOWERING;
    return !switchover_is_held(switchover) ? NOWHERE : is_whole ? SWITCHOVER_MOVING : state;
}

/* It stays on its way; what is there is to be verified anew. */
static enum switchover_state redirect(enum switchover_state state)
{
    bool is_there = state == SWITCHOVER_MOVED || state == SWITCHOVER_VERIFIED;
    return is_there                                                     ? SWITCHOVER_MOVED
           : state == SWITCHOVER_LOWERING || state == SWITCHOVER_MOVING ? state
                                                                        : NOWHERE;
}

/* MOVING and RETURNING stand for what they end in, too, where there are no steps. */
static enum switchover_state find_next(const struct switchover *switchover, enum switchover_verb verb,
                                       bool is_emergency)
{
    enum switchover_state state = switchover->state;
    switch (verb) {
    case SWITCHOVER_EXECUTE:
        return state == SWITCHOVER_PLANNED || (state == SWITCHOVER_LOWERING && is_emergency)
                   ? SWITCHOVER_MOVING
                   : NOWHERE;
    case SWITCHOVER_VERIFY: return verify(state);
    case SWITCHOVER_COMMIT:
        return state == SWITCHOVER_VERIFIED          ? SWITCHOVER_UNPROTECTED
               : state == SWITCHOVER_RETURN_VERIFIED ? SWITCHOVER_CLOSED
                                                     : NOWHERE;
    case SWITCHOVER_ROLL_BACK: return roll_back(state);
    case SWITCHOVER_REPROTECT: return state == SWITCHOVER_UNPROTECTED ? SWITCHOVER_PROTECTED : NOWHERE;
    case SWITCHOVER_FAIL_BACK:
        return state == SWITCHOVER_PROTECTED || (state == SWITCHOVER_UNPROTECTED && is_emergency)
                   ? SWITCHOVER_RETURNING
                   : NOWHERE;
    case SWITCHOVER_RESUME: return resume(switchover, is_emergency);
    case SWITCHOVER_REDIRECT: return redirect(state);
    case SWITCHOVER_CANCEL: return state == SWITCHOVER_PLANNED ? SWITCHOVER_CANCELLED : NOWHERE;
    case SWITCHOVER_CLOSE:
        return state == SWITCHOVER_PROTECTED || state == SWITCHOVER_UNPROTECTED ? SWITCHOVER_CLOSED : NOWHERE;
    default: return NOWHERE;
    }
}

bool switchover_allows(const struct switchover *switchover, enum switchover_verb verb, bool is_emergency)
{
    return find_next(switchover, verb, is_emergency) != NOWHERE;
}

static void write_allowed(const struct switchover *switchover, char *to, size_t size)
{
    size_t len = 0;
    to[0] = '\0';
    for (int verb = 0; verb < SWITCHOVER_VERBS && len < size; verb++) {
        if (switchover_allows(switchover, (enum switchover_verb)verb, false)) {
            len += (size_t)snprintf(to + len, size - len, "%s%s", len == 0 ? "" : ", ", verbs[verb]);
        }
    }
}

int switchover_judge(const struct switchover *switchover, const struct switchover_wish *wish, int64_t wall_ms,
                     char why[SWITCHOVER_WHY_SIZE])
{
    char allowed[128];
    enum switchover_state state = switchover->state;
    assert(state < SWITCHOVER_STATES);
    bool is_old = wall_ms - switchover->verified_ms > SWITCHOVER_FRESH_MS ||
                  switchover->verified_ms - wall_ms > SWITCHOVER_FRESH_MS; /* or the clock was set back */
    if (!switchover_allows(switchover, wish->verb, wish->is_emergency)) {
        write_allowed(switchover, allowed, sizeof allowed);
        bool is_urgent = switchover_allows(switchover, wish->verb, true);
        snprintf(why, SWITCHOVER_WHY_SIZE, "it is %s, and %s does not lead on from there; %s%s%s",
                 states[state], verbs[wish->verb],
                 allowed[0] == '\0' ? "nothing does" : "what does: ", allowed,
                 is_urgent ? "; it does as an emergency" : "");
        return ERROR_CONFLICT;
    }
    if (wish->verb == SWITCHOVER_COMMIT && is_old) {
        snprintf(why, SWITCHOVER_WHY_SIZE,
                 "it was verified more than %d minutes ago: verify it again, much may have happened since",
                 SWITCHOVER_FRESH_MS / 60000);
        return ERROR_CONFLICT;
    }
    return 0;
}

/* ---- doing ---- */

static void copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void note(struct switchover *switchover, const char *what, const struct switchover_wish *wish,
                 int64_t wall_ms)
{
    if (switchover->notes == NULL) {
        return;
    }
    if (switchover->note_count == SWITCHOVER_NOTES_MAX) {
        memmove(switchover->notes, switchover->notes + 1,
                (SWITCHOVER_NOTES_MAX - 1) * sizeof *switchover->notes);
        switchover->note_count--;
        switchover->notes_lost++;
    }
    struct switchover_note *to = &switchover->notes[switchover->note_count++];
    *to = (struct switchover_note){.state = switchover->state, .wall_ms = wall_ms};
    copy(to->what, sizeof to->what, what);
    copy(to->actor, sizeof to->actor, wish->actor);
    copy(to->peer, sizeof to->peer, wish->peer);
    copy(to->reason, sizeof to->reason, wish->reason);
    copy(to->text, sizeof to->text, wish->text);
}

bool switchover_is_held(const struct switchover *switchover)
{
    return switchover->held_by[0] != '\0';
}

static void let_go(struct switchover *switchover)
{
    switchover->held_by[0] = switchover->held[0] = '\0';
    switchover->held_ms = 0;
}

/* The end of an entry of what was accepted, and where its subject begins; NULL: it has none. No name has a
 * comma, and no subject has a "=". */
static const char *find_end(const char *at, const char **subject)
{
    size_t len = strcspn(at, ",");
    const char *equals = memrchr(at, '=', len);
    *subject = equals == NULL ? NULL : equals + 1;
    return at + len;
}

const char *switchover_read_accepted(const char *at, char name[SWITCHOVER_FINDING_SIZE])
{
    const char *subject, *end = find_end(at, &subject);
    size_t len = (size_t)((subject == NULL ? end : subject - 1) - at);
    snprintf(name, SWITCHOVER_FINDING_SIZE, "%.*s", (int)len, at);
    return end + (*end == ',');
}

/* The entry of a finding, or NULL. */
static const char *find_accepted(const struct switchover *switchover, const char *finding)
{
    for (const char *at = switchover->accepted, *next; *at != '\0'; at = next) {
        char name[SWITCHOVER_FINDING_SIZE];
        next = switchover_read_accepted(at, name);
        if (strcmp(name, finding) == 0) {
            return at;
        }
    }
    return NULL;
}

bool switchover_has_accepted(const struct switchover *switchover, const char *finding,
                             const struct subject *subject)
{
    const char *entry = find_accepted(switchover, finding), *written;
    if (entry == NULL) {
        return false;
    }
    (void)find_end(entry, &written);
    return written == NULL || *written == '*' || subject == NULL || subject_is_within(subject, written);
}

/* What is accepted of it now takes the place of what was. */
static void drop_accepted(struct switchover *switchover, const char *finding)
{
    const char *entry = find_accepted(switchover, finding), *subject;
    if (entry == NULL) {
        return;
    }
    char *at = switchover->accepted + (entry - switchover->accepted);
    const char *end = find_end(entry, &subject);
    if (*end == ',') {
        memmove(at, end + 1, strlen(end + 1) + 1);
    } else {
        at[at == switchover->accepted ? 0 : -1] = '\0';
    }
}

/* What does not fit holds as if it had not been accepted. */
static void accept(struct switchover *switchover, const struct switchover_wish *wish)
{
    for (size_t i = 0; i < wish->accepted_count; i++) {
        const struct switchover_accepted *accepted = &wish->accepted[i];
        char subject[SUBJECT_TEXT_SIZE] = "*"; /* anything */
        if (accepted->name[0] == '\0' || strchr(accepted->name, ',') != NULL) {
            continue;
        }
        drop_accepted(switchover, accepted->name);
        if (accepted->subject != NULL) {
            subject_write(accepted->subject, subject);
        }
        size_t at = strlen(switchover->accepted), room = sizeof switchover->accepted - at;
        int len =
            snprintf(switchover->accepted + at, room, "%s%s=%s", at == 0 ? "" : ",", accepted->name, subject);
        if ((size_t)len >= room) {
            switchover->accepted[at] = '\0';
        }
    }
}

static void enter(struct switchover *switchover, enum switchover_state state, int64_t wall_ms)
{
    bool is_way = state == SWITCHOVER_MOVING || state == SWITCHOVER_RETURNING;
    bool is_verified = state == SWITCHOVER_VERIFIED || state == SWITCHOVER_RETURN_VERIFIED;
    if (is_way && switchover->step_count == 0) {
        state = state == SWITCHOVER_MOVING ? SWITCHOVER_MOVED : SWITCHOVER_RETURNED;
    }
    if (switchover->state != state) {
        switchover->since_ms = wall_ms;
    }
    switchover->state = state;
    switchover->step = 0;
    switchover->step_ms = wall_ms;
    switchover->verified_ms = is_verified ? wall_ms : 0;
    switchover->asks_hooks = false;
    let_go(switchover);
    switchover->changes++;
}

/* A way begins: nothing that was said of another one counts. */
static void set_out(struct switchover *switchover, const struct switchover_wish *wish)
{
    switchover->accepted[0] = '\0';
    switchover->hooks_agreed = wish->hooks_agreed;
}

/* Resolvers have a TTL from now on to follow, and a step lasts as long as any. */
static void turn(struct switchover *switchover, const struct switchover_wish *wish,
                 enum switchover_state state, int64_t wall_ms)
{
    copy(switchover->to, sizeof switchover->to, wish->to);
    let_go(switchover);
    switchover->state = state;
    switchover->verified_ms = 0;
    switchover->asks_hooks = false;
    switchover->changes++;
    if (state != SWITCHOVER_LOWERING) {
        switchover->since_ms = switchover->step_ms = wall_ms;
    }
}

void switchover_do(struct switchover *switchover, const struct switchover_wish *wish, int64_t wall_ms)
{
    enum switchover_state next = find_next(switchover, wish->verb, wish->is_emergency);
    bool begins = wish->verb == SWITCHOVER_EXECUTE || wish->verb == SWITCHOVER_FAIL_BACK;
    bool resumes = wish->verb == SWITCHOVER_RESUME, turns = wish->verb == SWITCHOVER_REDIRECT;
    if (wish->is_emergency && (begins || resumes)) {
        switchover->is_emergency = true;
        switchover->step_count = 0;
    }
    switchover->stays_away |= wish->verb == SWITCHOVER_CLOSE;
    if (begins || turns) { /* what was accepted of another place is not accepted of this one */
        set_out(switchover, wish);
    }
    if (begins || resumes || turns) {
        accept(switchover, wish);
    }
    if (wish->verb == SWITCHOVER_EXECUTE) {
        bool lowers = switchover->lowers_ttl && switchover->ttl_s != 0 && !wish->is_emergency;
        next = lowers ? SWITCHOVER_LOWERING : next;
        switchover->executed_ms = wall_ms;
    }
    if (turns) {
        turn(switchover, wish, next, wall_ms);
    } else if (resumes && !wish->is_emergency) {
        let_go(switchover);
        switchover->asks_hooks = false;
        switchover->changes++;
    } else {
        enter(switchover, next, wall_ms);
    }
    note(switchover, verbs[wish->verb], wish, wall_ms);
}

void switchover_ask_hooks(struct switchover *switchover, const struct switchover_wish *wish, int64_t wall_ms)
{
    switchover->asks_hooks = true;
    switchover->asked_for = wish->verb;
    copy(switchover->asker, sizeof switchover->asker, wish->asker == NULL ? "" : wish->asker);
    switchover->changes++;
    note(switchover, "hooks", wish, wall_ms);
}

void switchover_end_hooks(struct switchover *switchover, const char *what, const struct switchover_wish *wish,
                          int64_t wall_ms)
{
    switchover->asks_hooks = false;
    switchover->changes++;
    note(switchover, what, wish, wall_ms);
}

/* ---- time ---- */

static bool is_on_its_way(const struct switchover *switchover)
{
    return switchover->state == SWITCHOVER_MOVING || switchover->state == SWITCHOVER_RETURNING;
}

int64_t switchover_next_ms(const struct switchover *switchover)
{
    if (switchover->state == SWITCHOVER_LOWERING) {
        return switchover->step_ms + (int64_t)switchover->ttl_s * 1000;
    }
    return is_on_its_way(switchover) ? switchover->step_ms + switchover->each_ms : 0;
}

bool switchover_follow(struct switchover *switchover, int64_t wall_ms)
{
    const struct switchover_wish nobody = {.actor = ""};
    int64_t next_ms = switchover_next_ms(switchover);
    if (next_ms == 0 || wall_ms < next_ms) {
        return false;
    }
    if (switchover_is_held(switchover)) {
        note(switchover, "released", &nobody, wall_ms);
    }
    if (switchover->state == SWITCHOVER_LOWERING) {
        enter(switchover, SWITCHOVER_MOVING, wall_ms);
        note(switchover, "lowered", &nobody, wall_ms);
        return true;
    }
    if (++switchover->step < switchover->step_count) {
        switchover->step_ms = wall_ms;
        let_go(switchover);
        switchover->changes++;
        return true;
    }
    bool is_there = switchover->state == SWITCHOVER_MOVING;
    enter(switchover, is_there ? SWITCHOVER_MOVED : SWITCHOVER_RETURNED, wall_ms);
    note(switchover, is_there ? "moved" : "returned", &nobody, wall_ms);
    return true;
}

void switchover_hold(struct switchover *switchover, const char *by, const char *why, int64_t wall_ms)
{
    char text[SWITCHOVER_NOTE_SIZE];
    const struct switchover_wish nobody = {.text = text};
    snprintf(text, sizeof text, "%.70s: %.170s", by, why);
    bool is_new = strncmp(switchover->held_by, by, sizeof switchover->held_by - 1) != 0;
    copy(switchover->held_by, sizeof switchover->held_by, by);
    copy(switchover->held, sizeof switchover->held, why);
    switchover->held_ms = switchover->held_ms == 0 ? wall_ms : switchover->held_ms;
    if (switchover->state == SWITCHOVER_LOWERING) {
        switchover->step_ms = wall_ms - (int64_t)switchover->ttl_s * 1000;
    }
    switchover->changes++;
    if (is_new) {
        note(switchover, "held", &nobody, wall_ms);
    }
}

void switchover_shift(struct switchover *switchover, int64_t by_ms)
{
    switchover->step_ms += by_ms;
    if (switchover->held_ms != 0) {
        switchover->held_ms += by_ms;
    }
    if (switchover->executed_ms != 0) {
        switchover->executed_ms += by_ms;
    }
    if (switchover->verified_ms != 0) {
        switchover->verified_ms += by_ms;
    }
    for (size_t i = 0; i < switchover->target_count; i++) {
        struct switchover_target *target = &switchover->targets[i];
        if (target->had_override) { /* as it would, were it in force */
            (void)health_override_shift(&target->before, target->was_planned, by_ms);
        }
    }
}

/* ---- what is wanted ---- */

unsigned switchover_get_share(const struct switchover *switchover)
{
    switch (switchover->state) {
    case SWITCHOVER_MOVING: return switchover->steps[switchover->step];
    case SWITCHOVER_MOVED:
    case SWITCHOVER_VERIFIED:
    case SWITCHOVER_UNPROTECTED:
    case SWITCHOVER_PROTECTED: return ALL;
    case SWITCHOVER_RETURNING: return ALL - switchover->steps[switchover->step];
    case SWITCHOVER_CLOSED: return switchover->stays_away ? ALL : 0;
    default: return 0;
    }
}

void switchover_note_before(struct switchover *next, const struct health *health)
{
    for (size_t i = 0; i < next->target_count; i++) {
        struct switchover_target *target = &next->targets[i];
        ptrdiff_t index = health_find(health, target->kind, target->name);
        const struct health_override *before =
            index < 0 ? NULL : health_get_override(health, target->kind, (uint32_t)index);
        target->had_override = before != NULL;
        if (before != NULL) {
            target->before = *before;
            target->was_planned = !health_is_overridden(health, target->kind, (uint32_t)index);
        }
    }
}

/* Does the target have a drain in force that is about other names, too? */
static bool would_let_back(const struct switchover *switchover, const struct switchover_target *of)
{
    const struct health_override *before = &of->before;
    bool is_drained =
        of->had_override && !of->was_planned && before->share == 0 && before->desired == HEALTH_DESIRED_DRAIN;
    return switchover->names[0] != '\0' && is_drained &&
           (before->names[0] == '\0' || !health_names_include(switchover->names, before->names));
}

void switchover_join_names(const struct switchover *switchover, size_t target, char names[HEALTH_NAMES_SIZE])
{
    const struct switchover_target *of = &switchover->targets[target];
    if (!would_let_back(switchover, of)) {
        copy(names, HEALTH_NAMES_SIZE, switchover->names);
        return;
    }
    copy(names, HEALTH_NAMES_SIZE, of->before.names);
    const char *left = of->before.names[0] == '\0' ? "" : switchover->names;
    while (*left != '\0') {
        char name[HEALTH_NAMES_SIZE];
        size_t len = strcspn(left, ","), at = strlen(names);
        snprintf(name, sizeof name, "%.*s", (int)len, left);
        left += len + (left[len] == ',');
        bool is_new = !health_names_include(names, name);
        if (is_new && at + 1 + len >= HEALTH_NAMES_SIZE) {
            names[0] = '\0';
            return;
        }
        snprintf(names + at, HEALTH_NAMES_SIZE - at, "%s%s", is_new ? "," : "", is_new ? name : "");
    }
}

/* Who compares what is in force with what is wanted finds the same after it has been read from the store: a
 * part of a character would be another one then. */
static void write_reason(const struct switchover *switchover, char to[HEALTH_REASON_SIZE])
{
    size_t room = HEALTH_REASON_SIZE - SWITCHOVER_ID_SIZE - sizeof "switchover : ";
    size_t len = utf8_check(switchover->reason, strnlen(switchover->reason, room));
    snprintf(to, HEALTH_REASON_SIZE, "switchover %s: %.*s", switchover->id, (int)len, switchover->reason);
}

struct health_override switchover_want(const struct switchover *switchover, size_t target, bool *planned)
{
    const struct switchover_target *of = &switchover->targets[target];
    bool lowers = switchover->state == SWITCHOVER_LOWERING;
    bool is_forced = of->had_override && !of->was_planned; /* which goes on until it moves */
    unsigned first = switchover->step_count == 0 ? ALL : switchover->steps[0];
    unsigned share = lowers && !is_forced ? first : switchover_get_share(switchover);
    struct health_override want = {.desired = HEALTH_DESIRED_AUTO, .set_ms = switchover->since_ms};
    *planned = false;
    if (share == 0 && of->had_override) {
        *planned = of->was_planned;
        return of->before;
    }
    if (share != 0) {
        want.desired = HEALTH_DESIRED_DRAIN;
        want.share = would_let_back(switchover, of) ? 0 : (uint8_t)(share % ALL);
        copy(want.to, sizeof want.to, switchover->to);
        switchover_join_names(switchover, target, want.names);
        *planned = lowers;
        want.starts_ms = lowers ? switchover_next_ms(switchover) + never_by_itself_ms : 0;
        want.starts_by_duration = lowers;
    }
    copy(want.actor, sizeof want.actor, switchover->actor);
    copy(want.peer, sizeof want.peer, switchover->peer);
    write_reason(switchover, want.reason);
    return want;
}
