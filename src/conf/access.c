/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading access lists. */
#include "config.h"

#include "conf/access.h"

#include "base/error.h"

bool access_read_prefix(const struct doc_node *item, struct acl_entry *entry)
{
    char text[ADDR_TEXT_SIZE];
    const char *prefix = doc_text(item);
    entry->deny = prefix[0] == '!';
    int error = addr_parse_prefix(prefix + entry->deny, &entry->prefix);
    if (error == ERROR_INVALID) {
        addr_mask(&entry->prefix.addr, entry->prefix.len);
        doc_error(item, "\"%.100s\" has bits set behind the prefix length, expected \"%s%s/%u\"", prefix,
                  entry->deny ? "!" : "", addr_write(&entry->prefix.addr, text), entry->prefix.len);
    } else if (error != 0) {
        doc_error_expected(item, "an address or a prefix, such as \"192.0.2.0/24\" or \"!2001:db8::/32\"");
    }
    return error == 0;
}

struct acl *access_read(const struct doc_node *object, const char *key, struct arena *arena)
{
    struct doc_node list, item = {0};
    if (!doc_find(object, key, &list)) {
        return NULL;
    }
    struct acl *acl = arena_alloc(arena, sizeof *acl);
    struct acl_entry *entries = arena_alloc(arena, doc_count_texts(&list) * sizeof *entries);
    while (doc_next_text(&list, "a prefix or an array of prefixes", &item)) {
        acl->count += access_read_prefix(&item, &entries[acl->count]);
    }
    acl->entries = entries;
    return acl;
}
