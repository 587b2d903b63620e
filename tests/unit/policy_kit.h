/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For tests of zone policies: documents against a small topology of the test's own, whose endpoints web-* are
 * looked for. *state is the topology. */
#pragma once

#include "test_conf.h"

#include "conf/policy.h"

/* cmocka's set-up and tear-down, around the text of a test. */
int policy_kit_load(void **state, const char *topology);
int policy_kit_free(void **state);

struct conf_policy *parse(void **state, const char *text, struct report *report);
/* Without any warning. */
struct conf_policy *parse_good(void **state, const char *text);
/* One error. */
void expect_error(void **state, const char *text, const char *line);
/* One error in a name whose members are these, in line 2. */
void expect_name_error(void **state, const char *members, const char *line);
/* One error in a key beside the endpoints web-*, in line 3. */
void expect_web_error(void **state, const char *members, const char *line);
/* members: "0 2 3" */
void assert_tier(const struct conf_tier *tier, const char *label, const char *members);
