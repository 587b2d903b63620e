/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every way a check can end has a name. Observations carry it from the prober to health, the log and the API.
 */
#pragma once

#include <stdbool.h>

enum health_outcome {
    HEALTH_OUTCOME_NONE = 0,        /* "none": no check has ended yet */
    HEALTH_OUTCOME_OK,              /* "ok" */
    HEALTH_OUTCOME_REFUSED,         /* "refused": connection refused */
    HEALTH_OUTCOME_CONNECT_TIMEOUT, /* "connect_timeout": no connection within the timeout */
    HEALTH_OUTCOME_TIMEOUT,         /* "timeout": connected, but no complete answer within the timeout */
    HEALTH_OUTCOME_RESET,           /* "reset": connection reset */
    HEALTH_OUTCOME_CLOSED,          /* "closed": the other side closed before a complete answer */
    HEALTH_OUTCOME_UNREACHABLE,     /* "unreachable": the network says that there is no way to it */
    HEALTH_OUTCOME_BAD_STATUS,      /* "bad_status": an HTTP answer with a status that is not accepted */
    HEALTH_OUTCOME_BAD_RESPONSE,    /* "bad_response": not the protocol that was expected */
    HEALTH_OUTCOME_UNRESOLVED,      /* "unresolved": the endpoint's host name leads to no address */
    HEALTH_OUTCOME_LOCAL_ERROR, /* "local_error": the prober could not check (no route, descriptors …): says
                                   nothing about the endpoint and never changes a verdict */
    /* Records keep the numbers: what is new comes last. */
    HEALTH_OUTCOME_BAD_BODY,    /* "bad_body": an accepted status, but the body is not what was expected */
    HEALTH_OUTCOME_TLS_TIMEOUT, /* "tls_timeout": connected, but no end of the TLS handshake in time */
    HEALTH_OUTCOME_TLS_CLOSED,  /* "tls_closed": the other side closed within the handshake */
    HEALTH_OUTCOME_TLS_REFUSED, /* "tls_refused": it refused the handshake, or our certificate, by an alert */
    HEALTH_OUTCOME_TLS_ERROR,   /* "tls_error": what it said is no TLS, or broken */
    HEALTH_OUTCOME_CERTIFICATE_EXPIRED,     /* "certificate_expired": or one of those that it hangs on */
    HEALTH_OUTCOME_CERTIFICATE_EARLY,       /* "certificate_not_yet_valid": likewise */
    HEALTH_OUTCOME_CERTIFICATE_WRONG_HOST,  /* "certificate_wrong_host": it is for other names */
    HEALTH_OUTCOME_CERTIFICATE_SELF_SIGNED, /* "certificate_self_signed" */
    HEALTH_OUTCOME_CERTIFICATE_UNTRUSTED,   /* "certificate_untrusted": nothing leads to an authority */
    HEALTH_OUTCOME_CERTIFICATE_INVALID,     /* "certificate_invalid": for any other reason */
    HEALTH_OUTCOME_CERTIFICATE_EXPIRING,    /* "certificate_expiring": good, but for fewer days than wanted */
    HEALTH_OUTCOME_REPORTED_DOWN,           /* "reported_down": somebody said so */
    HEALTH_OUTCOME_ABSENT,      /* "absent": nobody has reported in time, which is a failure here */
    HEALTH_OUTCOME_STALE,       /* "stale": likewise, which is none: nothing is known */
    HEALTH_OUTCOME_BAD_RCODE,   /* "bad_rcode": a DNS reply with a response code that is not accepted */
    HEALTH_OUTCOME_BAD_ANSWER,  /* "bad_answer": an accepted one, without the records that are wanted */
    HEALTH_OUTCOME_PACKET_LOSS, /* "packet_loss": more echo requests than may be lost were not replied to */
    HEALTH_OUTCOME_SLOW,        /* "slow": replies took longer than they may */
    HEALTH_OUTCOME_NOT_SERVING, /* "not_serving": so says the health service of gRPC */
    HEALTH_OUTCOME_SERVING_UNKNOWN, /* "serving_unknown": likewise that it does not know */
    HEALTH_OUTCOME_SERVICE_UNKNOWN, /* "service_unknown": likewise that there is no such service */
    HEALTH_OUTCOME_BAD_GRPC_STATUS, /* "bad_grpc_status": the call has failed by any other grpc-status */
    HEALTH_OUTCOME_NO_H2,           /* "no_h2": it does not speak HTTP/2 over TLS, and nothing else will do */
    HEALTH_OUTCOME_STREAM_RESET,    /* "stream_reset": it has given the request up, by RST_STREAM */
    HEALTH_OUTCOME_GOAWAY,          /* "goaway": it has left before it answered, by GOAWAY */
    HEALTH_OUTCOME_BAD_EXIT, /* "bad_exit": a command has ended with an exit code that is not accepted */
};

enum { HEALTH_OUTCOME_COUNT = HEALTH_OUTCOME_BAD_EXIT + 1 };

/* What becomes of what somebody reports. */
enum health_push_fate {
    HEALTH_PUSH_TAKEN,
    HEALTH_PUSH_LATE,     /* it does not count any more */
    HEALTH_PUSH_REPLAYED, /* it is not newer than one that was taken */
};
enum { HEALTH_PUSH_FATES = HEALTH_PUSH_REPLAYED + 1 };

const char *health_outcome_text(enum health_outcome outcome); /* the name above; never NULL */

static inline bool health_outcome_is_failure(enum health_outcome outcome)
{
    return outcome > HEALTH_OUTCOME_OK && outcome != HEALTH_OUTCOME_LOCAL_ERROR &&
           outcome != HEALTH_OUTCOME_STALE;
}

/* Has the other side answered, so that the network between is well? What is said of TLS is no such proof: a
 * clock or a list of authorities that is wrong here makes all certificates bad at once. Nor are loss and
 * delay, which speak of the network itself. */
static inline bool health_outcome_is_answer(enum health_outcome outcome)
{
    return outcome == HEALTH_OUTCOME_OK || outcome == HEALTH_OUTCOME_BAD_STATUS ||
           outcome == HEALTH_OUTCOME_BAD_RESPONSE || outcome == HEALTH_OUTCOME_BAD_BODY ||
           outcome == HEALTH_OUTCOME_BAD_RCODE || outcome == HEALTH_OUTCOME_BAD_ANSWER ||
           (outcome >= HEALTH_OUTCOME_NOT_SERVING && outcome <= HEALTH_OUTCOME_GOAWAY);
}
