/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See confine.h. The list is what src/serve, src/answer, liburcu, libevent and the C library's memory and
 * locks ask for; tests/functional/test_confined.py runs everything that a DNS thread does with it. */
#include "config.h"

#include "confine/confine.h"

#include "base/error.h"
#include "base/sanitizer.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

/* ---- who it is ---- */

static int fail(int otherwise)
{
    return errno != 0 ? -errno : otherwise;
}

enum { KEPT = 1 << CAP_NET_BIND_SERVICE | 1 << CAP_NET_RAW };

/* What no program that is started from here can have, whatever its file says: all but what is kept. Without
 * CAP_SETPCAP nothing can be dropped, and there is nothing that such a process could give. */
static void bound_capabilities(uint64_t kept)
{
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if ((kept >> capability & 1) == 0) {
            (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
}

int confine_become(const char *user)
{
    errno = 0;
    const struct passwd *who = getpwnam(user);
    if (who == NULL) {
        return fail(ERROR_NOT_FOUND);
    }
    if (geteuid() == who->pw_uid && geteuid() != 0) {
        return 0;
    }
    bound_capabilities(KEPT);
    errno = 0;
    capng_clear(CAPNG_SELECT_ALL);
    (void)capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE,
                        CAP_NET_BIND_SERVICE, CAP_NET_RAW, -1);
    if (capng_change_id((int)who->pw_uid, (int)who->pw_gid, CAPNG_INIT_SUPP_GRP) != 0) {
        return fail(-EPERM);
    }
    /* for who takes over: it is started by this process, and binds what is new in its configuration */
    (void)capng_updatev(CAPNG_ADD, CAPNG_AMBIENT, CAP_NET_BIND_SERVICE, CAP_NET_RAW, -1);
    return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0 ? 0 : fail(-EPERM);
}

int confine_drop_inherited(void)
{
    errno = 0;
    if (geteuid() == 0) { /* it was started by somebody who did not */
        return 0;
    }
    capng_clear(CAPNG_SELECT_ALL);
    return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0 ? 0 : fail(-EPERM);
}

int confine_no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ? -errno : 0;
}

/* Linux 6.3, and 6.6 for NO_INHERIT; headers may be older. */
enum { SET_MDWE = 65, MDWE_REFUSE_EXEC_GAIN = 1, MDWE_NO_INHERIT = 2 };

int confine_memory(void)
{
    if (SANITIZER_SLOWNESS != 1) {
        return -ENOSYS;
    }
    /* not for commands of checks and hooks, which may well compile what they run */
    return prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN | MDWE_NO_INHERIT, 0, 0, 0) == -1 ? -errno : 0;
}

/* ---- what it asks for ---- */

static const int answering[] = {
    /* queries and answers */
    SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom),
    SCMP_SYS(sendto), SCMP_SYS(recv), SCMP_SYS(send), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    /* waiting */
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(futex), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(timerfd_settime), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
    SCMP_SYS(membarrier), SCMP_SYS(getrandom),
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    /* signals, and the end of the thread or, by abort(), of the process */
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(getrlimit), SCMP_SYS(set_robust_list), SCMP_SYS(exit),
    SCMP_SYS(exit_group)};

/* What depends on an argument. Sockets are written to by send(2); nothing can take the place of standard
 * error, to which assert() and abort() write, for that is never closed. */
static const struct {
    int call;
    struct scmp_arg_cmp when;
} limited[] = {
    /* memory that nothing in it can be executed */
    {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
    {SCMP_SYS(write), SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO)},
    {SCMP_SYS(writev), SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO)},
    {SCMP_SYS(close), SCMP_A0(SCMP_CMP_GT, STDERR_FILENO)},
    {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL)},
    {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL)},
    {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD)},
    {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFD)},
    {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC)}};

int confine_answering(void)
{
    errno = 0;
    if (SANITIZER_SLOWNESS != 1) {
        return -ENOSYS;
    }
    bound_capabilities(0);
    capng_clear(CAPNG_SELECT_BOTH);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
        return fail(-EPERM);
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        return -ENOMEM;
    }
    /* It runs nobody's code but ours, so it need not be as slow as who does. */
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    /* limits of descriptors: they are asked for, of this process, and not set */
    error = error == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                                          SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0))
                       : error;
    for (size_t i = 0; i < sizeof limited / sizeof limited[0] && error == 0; i++) {
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, limited[i].call, 1, &limited[i].when);
    }
    for (size_t i = 0; i < sizeof answering / sizeof answering[0] && error == 0; i++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, answering[i], 0);
    }
    error = error == 0 ? seccomp_load(filter) : error;
    seccomp_release(filter);
    return error;
}

static void *try(void *argument)
{
    *(int *)argument = confine_answering();
    return NULL;
}

int confine_try_answering(void)
{
    pthread_t thread;
    int outcome = 0, error = -thread_start(&thread, try, &outcome);
    if (error == 0) {
        pthread_join(thread, NULL);
    }
    return error == 0 ? outcome : error;
}
