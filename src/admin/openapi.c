/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/openapi.yaml: what this program understands, as it was built (OpenAPI 3.1, RFC 9512). */
#include "config.h"

#include "admin/call.h"
#include "base/embed.h"

#include <string.h>

EMBED(openapi, OPENAPI_PATH);

void handle_openapi(struct call *call)
{
    call_reply_text(call, "application/yaml", openapi_text, strlen(openapi_text));
}
