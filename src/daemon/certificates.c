/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See certificates.h. */
#include "config.h"

#include "daemon/certificates.h"

#include "daemon/changes.h"
#include "health/health.h"
#include "probe/probe.h"
#include "view/view.h"

enum { DAY_S = 86400 };

static const struct conf_tls *tls_of(const struct view *view, size_t monitor)
{
    return view->topology->checks[view->monitors[monitor].check].tls;
}

static const char *family_of(const struct view *view, size_t monitor)
{
    return view->monitors[monitor].family == ADDR_V4 ? "ipv4" : "ipv6";
}

void certificates_note(struct changes *changes, const struct view *view, size_t monitor,
                       const struct probe_result *result, int64_t wall_ms)
{
    const struct conf_tls *tls = tls_of(view, monitor);
    if (result->certificate_s == 0 || tls == NULL) {
        return;
    }
    int64_t left_s = result->certificate_s - wall_ms / 1000;
    bool is_near = tls->warn_days != 0 && left_s < (int64_t)tls->warn_days * DAY_S;
    if (health_note_certificate(view->health, (uint32_t)monitor, result->certificate_s, is_near)) {
        const struct view_monitor *watched = &view->monitors[monitor];
        changes_tell_certificate(changes, &(struct changes_certificate){
                                              .endpoint = view->topology->endpoints[watched->endpoint].name,
                                              .check = view->topology->checks[watched->check].name,
                                              .family = family_of(view, monitor),
                                              .ends_ms = result->certificate_s * 1000,
                                              .days = left_s / DAY_S,
                                              .is_near = is_near});
    }
}

static void write_one(const struct view *view, size_t monitor, int64_t end_s, struct buffer *out)
{
    const struct view_monitor *watched = &view->monitors[monitor];
    /* Names of both are letters, digits and "-_.": nothing to escape. */
    buffer_print(out,
                 "steerd_certificate_end_time_seconds{endpoint=\"%s\",check=\"%s\",family=\"%s\"} %lld\n",
                 view->topology->endpoints[watched->endpoint].name,
                 view->topology->checks[watched->check].name, family_of(view, monitor), (long long)end_s);
}

void certificates_write_metrics(const struct view *view, struct buffer *out)
{
    struct health_monitor_status status;
    unsigned long near = 0;
    buffer_add_text(out,
                    "# HELP steerd_certificate_end_time_seconds When the certificate of an endpoint ends, "
                    "as an https check saw it last: seconds since 1970.\n"
                    "# TYPE steerd_certificate_end_time_seconds gauge\n");
    for (size_t i = 0; i < view->monitor_count; i++) {
        if (tls_of(view, i) != NULL && health_get_monitor(view->health, (uint32_t)i, &status) == 0 &&
            !status.idle && status.certificate_s != 0) {
            write_one(view, i, status.certificate_s, out);
            near += status.certificate_near;
        }
    }
    buffer_print(out,
                 "# HELP steerd_certificates_ending Checks that see a certificate which ends within the days "
                 "of their warning.\n"
                 "# TYPE steerd_certificates_ending gauge\n"
                 "steerd_certificates_ending %lu\n",
                 near);
}
