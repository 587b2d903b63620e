/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading access lists. */
#include "config.h"

#include "conf/access.h"

#include "base/error.h"

static void read_entry(const struct doc_node *item, struct acl_entry *entries, size_t *count)
{
    char text[ADDR_TEXT_SIZE];
    const char *prefix = doc_text(item);
    struct acl_entry *entry = &entries[*count];
    entry->deny = prefix[0] == '!';
    int error = addr_parse_prefix(prefix + entry->deny, &entry->prefix);
    if (error == 0) {
        (*count)++;
    } else if (error == ERROR_INVALID) {
        addr_mask(&entry->prefix.addr, entry->prefix.len);
        doc_error(item, "\"%.100s\" has bits set behind the prefix length, expected \"%s%s/%u\"", prefix,
                  entry->deny ? "!" : "", addr_write(&entry->prefix.addr, text), entry->prefix.len);
    } else {
        doc_error_expected(item, "an address or a prefix, such as \"192.0.2.0/24\" or \"!2001:db8::/32\"");
    }
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
        read_entry(&item, entries, &acl->count);
    }
    acl->entries = entries;
    return acl;
}
