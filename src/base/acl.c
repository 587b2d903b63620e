/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lists are short and written by hand, so they are searched from the front. */
#include "config.h"

#include "base/acl.h"

bool acl_allows(const struct acl *acl, const struct addr *client)
{
    if (acl == NULL) {
        return true;
    }
    for (size_t i = 0; i < acl->count; i++) {
        if (addr_in_prefix(client, &acl->entries[i].prefix)) {
            return !acl->entries[i].deny;
        }
    }
    return false;
}

bool acl_equal(const struct acl *a, const struct acl *b)
{
    if (a == NULL || b == NULL || a->count != b->count) {
        return a == b;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct acl_entry *left = &a->entries[i], *right = &b->entries[i];
        if (left->deny != right->deny || left->prefix.len != right->prefix.len ||
            !addr_equal(&left->prefix.addr, &right->prefix.addr)) {
            return false;
        }
    }
    return true;
}
