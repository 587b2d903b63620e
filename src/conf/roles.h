/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who may do what at the admin API: roles, and rules by which those who come have one. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each may do what those before it may. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_EDITOR, ROLE_ADMIN };

const char *role_text(enum role role);
/* NONE: it is no name of a role. */
enum role role_parse(const char *text);

/* What a rule goes by. Of the socket: the user, a group. Of a certificate: its subject, one of its names. */
enum role_of {
    ROLE_OF_ANY,
    ROLE_OF_UID,
    ROLE_OF_GID,
    ROLE_OF_CN,
    ROLE_OF_DNS,
    ROLE_OF_EMAIL,
    ROLE_OF_URI,
};

struct role_rule {
    enum role_of who;
    uint32_t number;  /* UID, GID */
    const char *text; /* of the others but ANY */
    enum role role;
};

struct roles {
    bool is_given; /* else: as if there were no rules */
    const struct role_rule *rules;
    size_t count;
};

/* Of a user with these groups: what is said of the user; else the most that is said of a group; else what is
 * said of all. ADMIN if no rules are given. */
enum role role_of_user(const struct roles *roles, uint32_t uid, const uint32_t *gids, size_t gid_count);

struct arena;
struct doc_node;

/* A member of an object: who → role. What is wrong goes to the document's report. `of_certificates`: by
 * their names; else of users and groups. */
void roles_read(const struct doc_node *object, const char *key, bool of_certificates, struct arena *arena,
                struct roles *roles);
