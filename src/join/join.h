/* SPDX-License-Identifier: BSD-3-Clause
 *
 * This host becomes a node: of a cluster that there is, with a token, or the first one. Say what they do on
 * standard output and what is wrong on standard error, and return an exit code. */
#pragma once

/* "": it is not said. */
struct join_order {
    const char *token, *config, *listen;
};
int join(const struct join_order *order);

struct init_order {
    const char *config, *listen, *name, *node, *etcd /* with commas between */, *ca, *certificate, *key,
        *user, *password_file;
};
int init(const struct init_order *order);
