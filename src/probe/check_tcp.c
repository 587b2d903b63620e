/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tcp: healthy when the connection is established. Sends and reads nothing. */
#include "config.h"

#include "probe/check.h"

#include <errno.h>
#include <sys/socket.h>

static void prepare(struct check *check, const struct probe_target *target, struct arena *arena)
{
    (void)check, (void)target, (void)arena;
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    (void)readable, (void)scratch;
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(&flight->check->at, &to);
    /* A second connect() tells in one call whether the first has succeeded, failed, or still goes on. */
    if (connect(flight->fd, (const struct sockaddr *)&to, len) == 0 || errno == EISCONN) {
        end->outcome = check_is_self_connected(flight) ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_OK;
        return CHECK_ENDED;
    }
    if (errno == EALREADY || errno == EINPROGRESS || errno == EINTR) {
        return CHECK_GOES_ON;
    }
    end->outcome = check_judge_errno(errno, flight->stage);
    return CHECK_ENDED;
}

const struct check_kind check_tcp = {.closes_first = true, .prepare = prepare, .advance = advance};
