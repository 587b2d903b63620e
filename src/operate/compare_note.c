/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all parts of a comparison need: a place for settings that differ, and the types that are compared. */
#include "config.h"

#include "operate/compare_internal.h"

#include <string.h>

/* ---- settings ---- */

static struct operate_setting *find_setting(struct comparing *c, enum operate_scope scope, const char *key)
{
    struct operate_comparison *to = c->comparison;
    for (size_t i = 0; i < to->setting_count; i++) {
        if (to->settings[i].scope == scope && strcmp(to->settings[i].key, key) == 0) {
            return &to->settings[i];
        }
    }
    if (to->settings == NULL) {
        to->settings = arena_alloc(c->arena, OPERATE_SETTINGS_MAX * sizeof *to->settings);
    }
    if (to->setting_count == OPERATE_SETTINGS_MAX) {
        return NULL; /* there are not so many keys */
    }
    struct operate_setting *setting = &to->settings[to->setting_count++];
    *setting = (struct operate_setting){.scope = scope, .key = key};
    return setting;
}

void compare_note(struct comparing *c, enum operate_scope scope, const char *key, const char *item,
                  size_t times)
{
    struct operate_setting *setting = find_setting(c, scope, key);
    if (setting == NULL) {
        return;
    }
    setting->total += times;
    if (item != NULL && setting->count < c->compare->limit) {
        if (setting->items == NULL) {
            setting->items = arena_alloc(c->arena, c->compare->limit * sizeof *setting->items);
        }
        setting->items[setting->count++] = arena_copy_text(c->arena, item);
    }
}

/* ---- types ---- */

unsigned compare_list_types(const struct comparing *c, const struct compare_entry *entry,
                            uint16_t types[COMPARE_TYPES_MAX])
{
    unsigned count = 0;
    for (int side = 1; side >= 0; side--) {
        const struct steer_policy *policy = compare_policy(c, entry, side);
        for (unsigned bit = 0; policy != NULL && bit < policy->type_count; bit++) {
            bool is_new = (entry->types[side] >> bit & 1) != 0;
            for (unsigned i = 0; i < count; i++) {
                is_new &= types[i] != policy->types[bit];
            }
            if (is_new) {
                types[count++] = policy->types[bit];
            }
        }
    }
    return count;
}
