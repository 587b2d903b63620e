/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An ordered list of address prefixes that allows or denies. Plain data, for any thread; who fills it owns
 * the entries. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct acl_entry {
    struct addr_prefix prefix;
    bool deny;
};

struct acl {
    const struct acl_entry *entries; /* the first one that holds the address decides */
    size_t count;                    /* 0: nobody is allowed */
};

/* No list (NULL) allows everybody; an address that is in no entry is denied. */
bool acl_allows(const struct acl *acl, const struct addr *client);
bool acl_equal(const struct acl *a, const struct acl *b); /* NULL is equal to NULL only */
