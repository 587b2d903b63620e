/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a record of the log looks like to its readers. A value can leave neither its field nor its line: it is
 * quoted or escaped where the format asks for that, and what is no UTF-8 becomes U+FFFD. */
#pragma once

#include "base/buffer.h"
#include "base/log_record.h"

/* "error", "warning" … */
const char *log_level_text(unsigned level);

/* `event key=value key="value with spaces"`, without time, level and newline. A value is quoted if it is
 * empty or has a space, a quote, a backslash, '=' or a control character; within quotes these are \" \\ \n \r
 * \t and \u001b. */
void log_write_body(const struct log_record *record, struct buffer *to);
/* "2026-11-22T10:22:52.000Z info " and the body, with a newline. */
void log_write_text(const struct log_record *record, struct buffer *to);
/* {"time":"…","level":"info","event":"…","key":"value","key":1} and a newline. */
void log_write_json(const struct log_record *record, struct buffer *to);
/* A datagram of systemd's journal: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, STEERD_EVENT and STEERD_KEY for each
 * field. */
void log_write_journal(const struct log_record *record, const char *identifier, struct buffer *to);
/* A datagram of syslog as /dev/log takes it, facility daemon, local time; the message is text or JSON. */
void log_write_syslog(const struct log_record *record, const char *identifier, bool is_json,
                      struct buffer *to);
