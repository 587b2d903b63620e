/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Of a unix socket the kernel says which user, with which groups, has connected; what the configuration says
 * of these is looked up at every request, so that a reload holds at once. */
#include "config.h"

#include "admin/caller.h"

#include "admin/call.h"
#include "admin/connection.h"
#include "admin/peers.h"

#include <sys/socket.h>

enum { GROUPS_MAX = 1024 };

static const struct roles none_given = {.is_given = false};

/* Of whom the kernel does not say anything is nobody. */
static enum role find_role(const struct roles *roles, int fd)
{
    struct ucred peer;
    gid_t groups[GROUPS_MAX + 1];
    socklen_t len = sizeof peer, groups_len = GROUPS_MAX * sizeof *groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1) {
        return ROLE_NONE;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len) == -1) {
        groups_len = 0; /* more than anybody has, or a kernel before 4.13 */
    }
    size_t count = groups_len / sizeof *groups;
    groups[count++] = peer.gid;
    return role_of_user(roles, peer.uid, groups, count);
}

void caller_find(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct roles *roles = verbs->get_roles == NULL ? &none_given : verbs->get_roles(verbs->context);
    int fd = connection_fd(call->request);
    peers_write(call->admin->peers, fd, call->caller.peer, sizeof call->caller.peer);
    call->caller.role = roles->is_given ? find_role(roles, fd) : ROLE_ADMIN;
}

const char *admin_refusal_text(enum admin_refusal_cause cause)
{
    static const char *const texts[ADMIN_REFUSAL_CAUSES] = {[ADMIN_REFUSED_ROLE] = "role"};
    return texts[cause];
}

static const char *method_text(unsigned method)
{
    switch (method) {
    case ROUTE_GET: return "GET";
    case ROUTE_HEAD: return "HEAD";
    case ROUTE_PUT: return "PUT";
    case ROUTE_POST: return "POST";
    case ROUTE_DELETE: return "DELETE";
    default: return "?";
    }
}

static void tell(const struct call *call, enum admin_refusal_cause cause)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char resource[ROUTE_TEXT_SIZE];
    if (verbs->note_refusal != NULL) {
        verbs->note_refusal(verbs->context,
                            &(struct admin_refusal){.cause = cause,
                                                    .peer = call->caller.peer,
                                                    .method = method_text(call->method),
                                                    .resource = route_write(call->route.id, resource),
                                                    .why = call->problem.detail});
    }
}

void caller_judge(struct call *call)
{
    enum role needed = route_get_role(call->route.id, call->method);
    if (call->caller.role < needed) {
        problem_init(&call->problem, call->arena);
        problem_set(&call->problem, PROBLEM_FORBIDDEN, "this needs the role %s; %s has %s", role_text(needed),
                    call->caller.peer,
                    call->caller.role == ROLE_NONE ? "none" : role_text(call->caller.role));
        tell(call, ADMIN_REFUSED_ROLE);
    }
}
