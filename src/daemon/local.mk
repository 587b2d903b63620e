## The server. Its program is src/steerd, which is why this folder is not called so.
sbin_PROGRAMS += src/steerd
src_steerd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) -DPROGRAM_FOLDER='"$(pkglibexecdir)"'
src_steerd_CFLAGS = $(AM_CFLAGS) -pthread
src_steerd_SOURCES = \
	src/daemon/activated.c src/daemon/activated.h \
	src/daemon/anchors.c src/daemon/anchors.h \
	src/daemon/answers.c src/daemon/answers.h \
	src/daemon/archive.c src/daemon/archive.h \
	src/daemon/batch.c src/daemon/batch.h \
	src/daemon/bequest.c src/daemon/bequest.h \
	src/daemon/bundles.c src/daemon/bundles.h src/daemon/bundles_inside.h src/daemon/bundles_tidy.c \
	src/daemon/capture.c src/daemon/capture.h \
	src/daemon/certificates.c src/daemon/certificates.h \
	src/daemon/changes.c src/daemon/changes.h src/daemon/changes_moves.c src/daemon/changes_rules.c \
	src/daemon/channel.c src/daemon/channel.h \
	src/daemon/check_files.c src/daemon/check_files.h \
	src/daemon/clustered.c src/daemon/clustered.h src/daemon/clustered_inside.h src/daemon/clustered_apply.c src/daemon/clustered_clock.c \
	src/daemon/clustered_direct.c src/daemon/clustered_past.c src/daemon/clustered_pending.c src/daemon/clustered_pending.h src/daemon/clustered_reach.c src/daemon/clustered_room.c src/daemon/clustered_said.c src/daemon/clustered_kept.c src/daemon/clustered_kinds.c src/daemon/clustered_known.c src/daemon/clustered_members.c src/daemon/clustered_admit.c src/daemon/clustered_look.c src/daemon/clustered_peers.c src/daemon/clustered_self.c src/daemon/clustered_settled.c src/daemon/clustered_share.c src/daemon/clustered_turn.c src/daemon/clustered_write.c \
	src/daemon/checked.c src/daemon/checked.h \
	src/daemon/confined.c src/daemon/confined.h \
	src/daemon/counted.c src/daemon/counted.h \
	src/daemon/difference.c src/daemon/difference.h src/daemon/difference_files.c src/daemon/difference_parts.h \
	src/daemon/difference_words.c \
	src/daemon/documents.c src/daemon/documents.h src/daemon/documents_edit.c src/daemon/documents_load.c \
	src/daemon/documents_load.h src/daemon/documents_look.c src/daemon/documents_set.c src/daemon/documents_settle.c \
	src/daemon/drill_fact.c src/daemon/drill_fact.h \
	src/daemon/drill_reports.c src/daemon/drill_reports.h src/daemon/drill_reports_inside.h src/daemon/drill_reports_kept.c src/daemon/drill_reports_write.c \
	src/daemon/drill_schedule.c src/daemon/drill_schedule.h src/daemon/drill_schedule_inside.h src/daemon/drill_schedule_kept.c \
	src/daemon/drill_state.c src/daemon/drill_state.h \
	src/daemon/drilling.c src/daemon/drilling.h \
	src/daemon/drills.c src/daemon/drills.h \
	src/daemon/dump.c \
	src/daemon/durable.c src/daemon/durable.h src/daemon/durable_note.c \
	src/daemon/durations.c src/daemon/durations.h \
	src/daemon/ends.c src/daemon/ends.h \
	src/daemon/errors.c src/daemon/errors.h \
	src/daemon/expiry.c src/daemon/expiry.h \
	src/daemon/folders.c src/daemon/folders.h \
	src/daemon/geowatch.c src/daemon/geowatch.h \
	src/daemon/handed.c src/daemon/handed.h \
	src/daemon/hangup.c src/daemon/hangup.h \
	src/daemon/holds.c src/daemon/holds.h \
	src/daemon/heir.c src/daemon/heir.h \
	src/daemon/hosts.c src/daemon/hosts.h \
	src/daemon/incident_json.c src/daemon/incident_json.h src/daemon/incident_predict.c src/daemon/incident_predict.h \
	src/daemon/incidents.c src/daemon/incidents.h src/daemon/incidents_inside.h src/daemon/incidents_kept.c \
	src/daemon/incidents_measure.c src/daemon/incidents_written.c src/daemon/witness.c src/daemon/witness.h \
	src/daemon/install.c src/daemon/install.h \
	src/daemon/invitation.c src/daemon/invitation.h \
	src/daemon/feed.c src/daemon/feed.h \
	src/daemon/follow.c src/daemon/follow.h \
	src/daemon/journal.c src/daemon/journal.h \
	src/daemon/keeping.c src/daemon/keeping.h \
	src/daemon/kinds.c src/daemon/kinds.h \
	src/daemon/lanes.c src/daemon/lanes.h \
	src/daemon/live_errors.c src/daemon/live_errors.h \
	src/daemon/live.c src/daemon/live.h src/daemon/live_explain.c src/daemon/live_journal.c src/daemon/live_order.c src/daemon/live_real.c src/daemon/live_stops.c src/daemon/live_stops.h \
	src/daemon/last.c src/daemon/last.h src/daemon/last_hosts.c src/daemon/last_hosts.h src/daemon/last_restore.c \
	src/daemon/limits.c src/daemon/limits.h \
	src/daemon/metrics.c src/daemon/metrics.h src/daemon/metrics_outputs.c src/daemon/metrics_kept.c src/daemon/metrics_vantages.c src/daemon/metrics_kept.h \
	src/daemon/moment.c src/daemon/moment.h src/daemon/moment_files.c src/daemon/moment_parts.h src/daemon/moment_words.c \
	src/daemon/notes.c src/daemon/notes.h \
	src/daemon/opening.c src/daemon/opening.h \
	src/daemon/orders.c src/daemon/orders.h \
	src/daemon/outbox.c src/daemon/outbox.h \
	src/daemon/failback.c src/daemon/failback.h \
	src/daemon/override_json.c src/daemon/override_json.h \
	src/daemon/overrides.c src/daemon/overrides.h \
	src/daemon/porter.c src/daemon/porter.h src/daemon/porter_inside.h src/daemon/porter_fetch.c src/daemon/porter_give.c src/daemon/porter_show.c src/daemon/porter_ware.c \
	src/daemon/primaries.c src/daemon/primaries.h \
	src/daemon/program.c src/daemon/program.h \
	src/daemon/ramps.c src/daemon/ramps.h \
	src/daemon/transitions.c src/daemon/transitions.h \
	src/daemon/shadow_document.c src/daemon/shadow_due.c src/daemon/shadow_feed.c src/daemon/shadow_inside.h src/daemon/shadow_json.c src/daemon/shadow_kept.c src/daemon/shadow_lead.c src/daemon/shadow_past.c src/daemon/shadow_run.c src/daemon/shadow_tell.c src/daemon/shadow_tick.c src/daemon/shadow_vantages.c src/daemon/shadow_world.c \
	src/daemon/shadows.c src/daemon/shadows.h \
	src/daemon/reports.c src/daemon/reports.h \
	src/daemon/replication.c src/daemon/replication.h \
	src/daemon/reader.c src/daemon/reader.h \
	src/daemon/reclaim.c src/daemon/reclaim.h \
	src/daemon/redaction.c src/daemon/redaction.h \
	src/daemon/regain.c src/daemon/regain.h \
	src/daemon/refusals.c src/daemon/refusals.h \
	src/daemon/reload_hold.c src/daemon/reload_hold.h src/daemon/reload_inside.h \
	src/daemon/reload.c src/daemon/reload_same.c src/daemon/reload_rules.c src/daemon/reload.h src/daemon/reload_say.c \
	src/daemon/rehearse.c src/daemon/rehearse.h \
	src/daemon/rerender.c src/daemon/rerender.h \
	src/daemon/results.c src/daemon/results.h \
	src/daemon/restore.c src/daemon/restore.h \
	src/daemon/revisions.c src/daemon/revisions.h \
	src/daemon/restore_look.c src/daemon/restore_parts.h src/daemon/restore_plan.c src/daemon/restore_plan.h \
	src/daemon/rules.c src/daemon/rules.h \
	src/daemon/rules_lags.c src/daemon/rules_lags.h \
	src/daemon/rules_feed.c src/daemon/rules_feed.h \
	src/daemon/rules_watch.c src/daemon/rules_watch.h \
	src/daemon/run.c src/daemon/run.h \
	src/daemon/rollouts.c src/daemon/rollouts.h src/daemon/rollouts_choose.c src/daemon/rollouts_choose.h src/daemon/rollouts_inside.h src/daemon/rollouts_kept.c src/daemon/rollouts_look.c src/daemon/rollouts_order.c src/daemon/rollouts_own.c \
	src/daemon/scratch.c src/daemon/scratch.h \
	src/daemon/savepoints.c src/daemon/savepoints.h \
	src/daemon/server.h \
	src/daemon/serials.c src/daemon/serials.h \
	src/daemon/snapshot.c src/daemon/snapshot.h \
	src/daemon/sockets.c src/daemon/sockets.h \
	src/daemon/spawn.c src/daemon/spawn.h \
	src/daemon/steerd.c src/daemon/steerd.h \
	src/daemon/successor.c src/daemon/successor.h \
	src/daemon/stored.c src/daemon/stored.h \
	src/daemon/switchover_json.c src/daemon/switchover_json.h \
	src/daemon/switchover_probe.c src/daemon/switchover_probe.h \
	src/daemon/switchovers.c src/daemon/switchovers_kept.c src/daemon/switchovers.h src/daemon/switchovers_inside.h src/daemon/switchovers_hooks.c src/daemon/switchovers_asked.c src/daemon/switchovers_look.c src/daemon/switchovers_steps.c src/daemon/switchovers_order.c src/daemon/switchovers_order.h \
	src/daemon/takeover.c src/daemon/takeover.h \
	src/daemon/tries.c src/daemon/tries.h \
	src/daemon/challenge.c src/daemon/challenge.h src/daemon/challenges.c src/daemon/challenges_kept.c src/daemon/challenges_place.c \
	src/daemon/challenges_inside.h src/daemon/challenges.h \
	src/daemon/token.c src/daemon/token.h src/daemon/tokens.c src/daemon/tokens_kept.c src/daemon/tokens_inside.h src/daemon/tokens.h \
	src/daemon/targets.c src/daemon/targets.h \
	src/daemon/teller.c src/daemon/teller.h \
	src/daemon/tidings.c src/daemon/tidings.h \
	src/daemon/then.c src/daemon/then.h src/daemon/then_print.c \
	src/daemon/traffic.c src/daemon/traffic.h \
	src/daemon/traffic_counts.c src/daemon/traffic_counts.h \
	src/daemon/traffic_inside.h src/daemon/traffic_list.c \
	src/daemon/traffic_crowd.c src/daemon/traffic_crowd.h \
	src/daemon/traffic_crowd_list.c \
	src/daemon/vantage_member.c src/daemon/vantage_member.h \
	src/daemon/vantages.c src/daemon/vantages.h src/daemon/vantages_inside.h \
	src/daemon/vantages_answer.c src/daemon/vantages_change.c \
	src/daemon/vantages_hear.c \
	src/daemon/vantages_look.c \
	src/daemon/vantages_members.c \
	src/daemon/vantages_news.c \
	src/daemon/vantages_nodes.c src/daemon/vantages_place.c \
	src/daemon/peers.c src/daemon/peers.h src/daemon/peers_bulk.c src/daemon/peers_bulk.h src/daemon/peers_inside.h src/daemon/peers_link.c src/daemon/peers_orders.c src/daemon/peers_orders.h \
	src/daemon/vantages_try.c \
	src/daemon/verbs.c src/daemon/verbs.h \
	src/daemon/withdrawal.c src/daemon/withdrawal.h src/daemon/withdrawal_inside.h src/daemon/withdrawal_kept.c src/daemon/withdrawal_look.c \
	src/daemon/whatif.c src/daemon/whatif.h
src_steerd_LDADD = \
	src/libadmin.a src/libcluster.a src/libetcd.a src/libpast.a src/libdrill.a src/libpage.a src/liboperate.a src/libherald.a $(fleet_libs) src/libprobe.a src/libserve.a src/libnotify.a src/libtap.a src/libanswer.a src/libtraffic.a src/libtransfer.a \
	src/libview.a src/libsteer.a src/libzone.a src/libhealth.a src/libstore.a src/libevents.a src/libgeo.a src/libconf.a src/libevents.a $(tls_libs) src/libexec.a src/libpost.a src/libsheet.a src/libtsig.a src/libdns.a src/libconfine.a src/libbase.a \
	$(EVENT_LIBS) $(FSTRM_LIBS) $(CARES_LIBS) $(NGHTTP2_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(MAXMINDDB_LIBS) $(LDNS_LIBS) $(SQLITE_LIBS) $(URCU_LIBS) $(SECCOMP_LIBS) $(CAPNG_LIBS) -lm
