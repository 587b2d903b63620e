noinst_LIBRARIES += src/libadmin.a
src_libadmin_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) \
	-DOPENAPI_PATH='"$(abs_top_srcdir)/doc/openapi.yaml"'
src_libadmin_a_SOURCES = \
	src/admin/access.h \
	src/admin/admin.c src/admin/admin.h \
	src/admin/call.c src/admin/call.h \
	src/admin/bundles.c src/admin/bundles.h \
	src/admin/caller.c src/admin/caller.h \
	src/admin/change.c src/admin/changes.c \
	src/admin/checks.c \
	src/admin/condition.c src/admin/condition.h src/admin/conditional.c \
	src/admin/connection.c src/admin/connection.h \
	src/admin/documents.c src/admin/documents.h src/admin/edited.c src/admin/edits.c src/admin/edits.h \
	src/admin/door.c src/admin/door.h \
	src/admin/fields.c src/admin/fields.h \
	src/admin/gate.c src/admin/gate.h \
	src/admin/head.c src/admin/head.h \
	src/admin/lockout.c src/admin/lockout.h \
	src/admin/operation_calls.c src/admin/operation_requests.c src/admin/operations.c src/admin/operations.h \
	src/admin/openapi.c \
	src/admin/page.c src/admin/page.h \
	src/admin/peers.c src/admin/peers.h \
	src/admin/events.c src/admin/events.h src/admin/feed.h \
	src/admin/follow.c src/admin/follow.h \
	src/admin/journal.c \
	src/admin/moment.h src/admin/moments.c \
	src/admin/override.c \
	src/admin/points.c src/admin/render_points.c src/admin/restore.c \
	src/admin/precedence.c src/admin/precedence.h \
	src/admin/prefer.c src/admin/prefer.h \
	src/admin/problem.c src/admin/problem.h \
	src/admin/query.c src/admin/query.h \
	src/admin/reasons.c \
	src/admin/receipt_calls.c src/admin/receipts.c src/admin/receipts.h src/admin/replay.c src/admin/replay.h \
	src/admin/render.c src/admin/render.h \
	src/admin/render_changes.c src/admin/render_checks.c src/admin/render_health.c src/admin/render_journal.c src/admin/render_moment.c \
	src/admin/errors.c \
	src/admin/replication.c src/admin/render_replication.c \
	src/admin/render_report.c src/admin/render_set.h src/admin/render_status.c src/admin/render_target.c \
	src/admin/render_text.c \
	src/admin/request_rules.c src/admin/restoring.h src/admin/release.c src/admin/rules.c src/admin/rules.h src/admin/render_rules.c \
	src/admin/request.c src/admin/request.h src/admin/request_drill.c src/admin/request_inside.h src/admin/request_observed.c src/admin/request_report.c \
	src/admin/request_switchover.c src/admin/request_texts.c src/admin/render_switchover.c src/admin/switchover.h src/admin/switchovers.c src/admin/incidents.c \
	src/admin/route.c src/admin/route.h src/admin/route_body.c src/admin/route_query.c src/admin/route_query.h \
	src/admin/drill_reports.c src/admin/drill_reports.h src/admin/drill_schedule.h src/admin/schedule.c \
	src/admin/request_shadow.c src/admin/shadow.h src/admin/shadows.c \
	src/admin/socket.c src/admin/socket.h \
	src/admin/request_token.c src/admin/tokens.c \
	src/admin/challenge.h src/admin/challenges.c src/admin/request_challenge.c \
	src/admin/serving.c src/admin/serving.h \
	src/admin/targets.c \
	src/admin/tidings.c \
	src/admin/rollout.h src/admin/rollouts.c \
	src/admin/cluster.h src/admin/members.c src/admin/nodes.c src/admin/turns.c src/admin/turns.h \
	src/admin/drains.c src/admin/traffic.c src/admin/traffic.h \
	src/admin/vantages.c src/admin/vantage.h \
	src/admin/work.c
src/admin/libadmin_a-openapi.$(OBJEXT): doc/openapi.yaml
