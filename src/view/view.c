/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A view as a whole: content and state with the pointers for those who read. See content.h. */
#include "config.h"

#include "view/content.h"
#include "view/sources.h"

#include "base/memory.h"

#include <stdlib.h>

void view_seal(struct view *view)
{
    view->content = view_new_content(view);
    view->state = view_new_state(view);
}

struct view *view_share(const struct view *view)
{
    struct view *other = memory_copy(view, sizeof *view);
    if (view->secrets == view->random_secret) {
        other->secrets = other->random_secret;
    }
    other->own_caches = NULL;
    other->caches = NULL;
    other->cache_count = 0;
    other->hold = NULL;
    other->sources = NULL;
    if (view->content != NULL) {
        view_hold_content(view->content);
    }
    if (view->state != NULL) {
        view_hold_state(view->state);
    }
    return other;
}

struct view *view_hold_counts(const struct view *view)
{
    struct view *other = view_share(view);
    view_set_caches(other, view_hold_caches(view->own_caches));
    return other;
}

bool view_counts_alike(const struct view *a, const struct view *b)
{
    return a->own_caches == b->own_caches;
}

void view_free(struct view *view)
{
    if (view == NULL) {
        return;
    }
    view_free_sources(view->sources);
    view_release_caches(view->own_caches);
    if (view->hold != NULL) {
        view_end_hold(view);
    }
    view_release_state(view->state);
    view_release_content(view->content);
    free(view);
}
