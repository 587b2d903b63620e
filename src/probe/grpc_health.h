/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The two messages of grpc.health.v1.Health/Check, each behind the five octets that gRPC puts in front of a
 * message (a flag and a length). Both have one field, number 1: the name of a service, and how it is. Pure,
 * allocates nothing, reads an answer in pieces of any size and keeps nothing of it but a number. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GRPC_HEALTH_SERVICE_MAX = 255, GRPC_HEALTH_REQUEST_MAX = 5 + 1 + 2 + GRPC_HEALTH_SERVICE_MAX };
enum { GRPC_HEALTH_REPLY_MAX = 1024 }; /* octets of a message: fields that nobody knows may come one day */

/* Returns how many octets. `service` has at most GRPC_HEALTH_SERVICE_MAX; "" asks for the whole server. */
size_t grpc_health_write(const char *service, uint8_t request[GRPC_HEALTH_REQUEST_MAX]);

/* HealthCheckResponse.ServingStatus */
enum grpc_health_status {
    GRPC_HEALTH_UNKNOWN = 0,
    GRPC_HEALTH_SERVING = 1,
    GRPC_HEALTH_NOT_SERVING = 2,
    GRPC_HEALTH_SERVICE_UNKNOWN = 3,
};

struct grpc_health {
    uint64_t number; /* private: of the varint that is read */
    uint32_t status; /* valid once whole: perhaps none of the above */
    uint32_t left;   /* private: octets of the message, or of its length */
    uint32_t skip;   /* private: of a field that does not matter */
    uint8_t digits;  /* private: octets of the varint so far */
    uint8_t state;   /* private */
    uint8_t wire;    /* private: type of the value that is read */
    bool is_status;  /* private: it is the one that matters */
};

void grpc_health_init(struct grpc_health *reply);
/* The next octets. false: this is no such message, or more than one; that stands. */
bool grpc_health_feed(struct grpc_health *reply, const uint8_t *bytes, size_t len);
/* Nothing more comes: was that one message? */
bool grpc_health_is_whole(const struct grpc_health *reply);
