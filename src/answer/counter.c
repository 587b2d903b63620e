/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of what is counted, as metrics have them. */
#include "config.h"

#include "answer/counter.h"

const char *answer_counter_text(enum answer_counter counter)
{
    static const char *const texts[ANSWER_COUNTERS] = {
        [ANSWER_COUNT_QUERIES_UDP] = "queries_udp",
        [ANSWER_COUNT_QUERIES_TCP] = "queries_tcp",
        [ANSWER_COUNT_NOERROR] = "noerror",
        [ANSWER_COUNT_FORMERR] = "formerr",
        [ANSWER_COUNT_SERVFAIL] = "servfail",
        [ANSWER_COUNT_NXDOMAIN] = "nxdomain",
        [ANSWER_COUNT_NOTIMP] = "notimp",
        [ANSWER_COUNT_REFUSED] = "refused",
        [ANSWER_COUNT_YXDOMAIN] = "yxdomain",
        [ANSWER_COUNT_NOTAUTH] = "notauth",
        [ANSWER_COUNT_BADCOOKIE] = "badcookie",
        [ANSWER_COUNT_BADVERS] = "badvers",
        [ANSWER_COUNT_DROPPED] = "dropped",
        [ANSWER_COUNT_TRUNCATED] = "truncated",
        [ANSWER_COUNT_STEERED] = "steered",
        [ANSWER_COUNT_FALLBACK] = "fallback",
        [ANSWER_COUNT_COOKIE_VALID] = "cookie_valid",
        [ANSWER_COUNT_COOKIE_INVALID] = "cookie_invalid",
        [ANSWER_COUNT_COOKIE_NEW] = "cookie_new",
        [ANSWER_COUNT_TSIG_GOOD] = "tsig_good",
        [ANSWER_COUNT_TSIG_BADKEY] = "tsig_badkey",
        [ANSWER_COUNT_TSIG_BADSIG] = "tsig_badsig",
        [ANSWER_COUNT_TSIG_BADTIME] = "tsig_badtime",
        [ANSWER_COUNT_TRANSFER_REFUSED] = "transfer_refused",
        [ANSWER_COUNT_TRANSFER_STARTED] = "transfer_started",
        [ANSWER_COUNT_TRANSFER_FINISHED] = "transfer_finished",
        [ANSWER_COUNT_TRANSFER_ABORTED] = "transfer_aborted",
        [ANSWER_COUNT_FORBIDDEN_LISTENER] = "forbidden_listener",
        [ANSWER_COUNT_FORBIDDEN_ZONE] = "forbidden_zone",
        [ANSWER_COUNT_AMPLIFICATION] = "amplification",
        [ANSWER_COUNT_RRL_DROPPED] = "rrl_dropped",
        [ANSWER_COUNT_RRL_SLIPPED] = "rrl_slipped",
        [ANSWER_COUNT_RRL_POSITIVE] = "rrl_positive",
        [ANSWER_COUNT_RRL_NODATA] = "rrl_nodata",
        [ANSWER_COUNT_RRL_NXDOMAIN] = "rrl_nxdomain",
        [ANSWER_COUNT_RRL_REFERRAL] = "rrl_referral",
        [ANSWER_COUNT_RRL_ERROR] = "rrl_error",
        [ANSWER_COUNT_RRL_ALL] = "rrl_all",
    };
    return texts[counter];
}
