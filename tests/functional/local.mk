## Functional tests: pytest boots the steerd of this build. `make check-functional PYTESTFLAGS='-k reload'`
EXTRA_DIST += \
	tests/functional/test_bodies.py tests/functional/test_bundles.py tests/functional/bundlekit.py tests/functional/test_rollout.py tests/functional/test_dns_checks.py tests/functional/test_cut_short.py tests/functional/h2kit.py tests/functional/test_growth.py tests/functional/test_grpc_checks.py tests/functional/test_http2_checks.py tests/functional/test_icmp.py tests/functional/test_keep_alive.py \
	tests/functional/asking.py tests/functional/test_drill_kill.py tests/functional/test_live_documents.py tests/functional/test_live_hooks.py tests/functional/test_live_real.py tests/functional/conftest.py tests/functional/endpoint.py tests/functional/gdnsd.py tests/functional/kit.py \
	tests/functional/openapi.py tests/functional/packets.py tests/functional/seeds.py tests/functional/tap.py \
	tests/functional/test_anycast.py tests/functional/test_node_serials.py tests/functional/test_one_server.py tests/functional/test_withdraw.py tests/functional/test_admin.py tests/functional/test_admin_crowd.py tests/functional/test_answers.py tests/functional/test_backup.py tests/functional/clock.c tests/functional/test_carry.py tests/functional/test_continuity.py tests/functional/test_clock.py tests/functional/test_check.py tests/functional/test_checks.py tests/functional/test_combinations.py tests/functional/test_clients.py tests/functional/clusterkit.py tests/functional/test_cluster.py tests/functional/test_cluster_clock.py tests/functional/test_cluster_conflicts.py tests/functional/test_cluster_orders.py tests/functional/test_cluster_upgrade.py tests/functional/test_members.py tests/functional/test_config.py tests/functional/test_confined.py tests/functional/test_crowds.py \
	tests/functional/test_drill.py tests/functional/test_drill_library.py tests/functional/test_drill_observed.py tests/functional/test_drill_switchover.py tests/functional/test_drill_recorded.py tests/functional/test_drill_reports.py tests/functional/test_drill_schedule.py tests/functional/test_durable.py tests/functional/test_dump.py tests/functional/test_page.py tests/functional/test_dnstap.py tests/functional/test_external_dns.py tests/functional/test_ecosystem.py tests/functional/test_edns.py tests/functional/test_elsewhere.py tests/functional/test_ends.py tests/functional/test_early_address.py \
	tests/functional/test_explain.py tests/functional/test_watch.py tests/functional/test_whatif.py \
	tests/functional/test_families.py tests/functional/test_flapping.py tests/functional/test_flip.py tests/functional/test_gdnsd2steerd.py \
	tests/functional/test_gdnsd_documented.py tests/data/gdnsd \
	tests/functional/test_geo.py tests/functional/test_geo_data.py tests/functional/test_geo_rules.py \
	tests/functional/test_follow.py tests/functional/test_history.py tests/functional/test_holds.py tests/functional/test_hostile.py tests/functional/test_hosts.py tests/functional/nameserver.py tests/functional/test_house.py tests/functional/test_events.py tests/functional/test_hooks.py tests/functional/test_webhooks.py tests/functional/receivers.py tests/functional/test_exec.py tests/functional/test_check_file.py tests/functional/test_https.py tests/functional/test_replication.py tests/functional/tlskit.py \
	tests/functional/test_idle.py tests/functional/test_incidents.py tests/functional/test_traffic.py \
	tests/functional/test_limits.py tests/functional/test_load.py tests/functional/test_memory.py tests/functional/test_no_descriptors.py tests/functional/test_own_trouble.py tests/functional/test_log.py \
	tests/functional/test_override_ttl.py tests/functional/test_packets.py tests/functional/test_past.py tests/functional/test_planned.py tests/functional/test_points.py tests/functional/test_primary.py tests/functional/test_push.py tests/functional/test_probing.py tests/functional/test_ramp.py tests/functional/test_roles.py tests/functional/test_rules.py tests/functional/test_rules_config.py tests/functional/test_drill_shadow.py tests/functional/test_live.py tests/functional/test_shadow.py tests/functional/test_switchover.py tests/functional/test_switchover_capacity.py tests/functional/test_switchover_clock.py tests/functional/test_switchover_hooks.py tests/functional/test_switchover_kill.py tests/functional/test_switchover_orders.py tests/functional/test_switchover_redirect.py tests/functional/test_switchover_steps.py tests/functional/test_names.py tests/functional/nodekit.py tests/functional/test_nodes.py tests/functional/test_reload.py \
	tests/functional/test_recipes.py tests/functional/test_restore.py tests/functional/test_records.py tests/functional/test_reload_zone.py \
	tests/functional/test_schedule.py tests/functional/test_schema.py tests/functional/test_serving.py tests/functional/test_start.py tests/functional/test_statics.py tests/functional/test_store_files.py tests/functional/test_steerctl.py \
	tests/functional/test_soak.py tests/functional/test_steering.py tests/functional/test_tcp_limits.py \
	tests/functional/test_serials.py tests/functional/test_sticky.py tests/functional/test_supervised.py tests/functional/takeovers.py tests/functional/test_takeover.py tests/functional/test_takeover_amid.py tests/functional/test_tiers.py tests/functional/test_terraform.py tests/functional/test_ttl.py \
	tests/functional/test_transfer.py tests/functional/transfers.py tests/functional/test_turns.py tests/functional/test_changes.py \
	tests/functional/vantage_client.py tests/functional/test_vantages.py tests/functional/test_unbound.py tests/functional/test_units.py tests/functional/test_unserved.py \
	tests/functional/test_verdicts.py tests/functional/test_work.py tests/functional/tsan.txt

EXTRA_DIST += tests/functional/injector.py tests/functional/test_acme.py tests/functional/test_acme_cluster.py tests/functional/test_acme_hooks.py tests/functional/test_activated.py tests/functional/test_geo_fetch.py tests/functional/test_installed.py tests/functional/test_topology_files.py

PYTESTFLAGS = -n 2

.PHONY: check-functional
check-functional: all
	STEERD=$(abs_top_builddir)/src/steerd STEERCTL=$(abs_top_builddir)/src/steerctl PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/pytest-3 -q -p no:cacheprovider $(PYTESTFLAGS) $(srcdir)/tests/functional

EXTRA_DIST += tests/functional/test_archive.py tests/functional/test_last_health.py

# Preloaded into steerd; without the sanitizers of the build, which are steerd's.
noinst_DATA += tests/functional/clock.so
CLEANFILES += tests/functional/clock.so
tests/functional/clock.so: $(srcdir)/tests/functional/clock.c
	$(AM_V_CC)$(MKDIR_P) tests/functional && $(CC) -shared -fPIC -O2 -Wall -Wextra -o $@ $(srcdir)/tests/functional/clock.c

EXTRA_DIST += tests/functional/test_past_health.py

EXTRA_DIST += tests/functional/test_listeners.py tests/functional/test_whoami.py tests/functional/test_gdnsd_converted.py

# What runs beside a server, as a vantage of it
EXTRA_DIST += tests/functional/test_confirm.py tests/functional/test_json.py tests/functional/test_drill_vantages.py tests/functional/test_steerprobe.py tests/functional/test_vantage_clock.py tests/functional/test_vantage_standing.py tests/functional/test_vantage_changes.py tests/functional/test_reload_amid.py tests/functional/test_vantage_losses.py tests/functional/vantagekit.py

## The admin API from elsewhere
EXTRA_DIST += tests/functional/gatekit.py tests/functional/test_tls_admin.py tests/functional/test_tokens.py tests/functional/test_smuggling.py tests/functional/test_remote_ctl.py
EXTRA_DIST += tests/functional/apifuzz.py tests/functional/test_api_fuzz.py tests/functional/test_etag.py tests/functional/test_errors.py tests/functional/test_verify.py tests/functional/test_idempotency.py tests/functional/test_operations.py

# What operators see
EXTRA_DIST += tests/functional/everykit.py tests/functional/logkit.py tests/functional/test_logging.py tests/functional/test_prometheus.py tests/functional/test_metrics.py tests/functional/test_monitored.py tests/functional/test_alerts.py tests/functional/test_operate.py tests/functional/test_refusals.py tests/functional/test_modes.py tests/functional/test_plain_text.py

# Predicted beside measured
EXTRA_DIST += tests/functional/losskit.py tests/functional/test_losses.py tests/functional/test_observe.py

# The client of etcd, beside a real one
noinst_PROGRAMS += tests/functional/etcd_client
tests_functional_etcd_client_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_functional_etcd_client_CFLAGS = $(AM_CFLAGS) -pthread
tests_functional_etcd_client_SOURCES = tests/functional/etcd_client.c
tests_functional_etcd_client_LDADD = src/libetcd.a src/libprobe.a src/libbase.a $(EVENT_LIBS) $(JANSSON_LIBS)
EXTRA_DIST += tests/functional/etcdfront.py tests/functional/test_cluster_etcd.py tests/functional/test_etcd_hostile.py
EXTRA_DIST += tests/functional/etcdkit.py tests/functional/test_etcd.py tests/functional/test_etcd_members.py

EXTRA_DIST += tests/functional/test_cluster_direct.py tests/functional/test_cluster_webhooks.py

# What the documents say
EXTRA_DIST += tests/functional/test_documents.py tests/functional/test_tutorial.py
EXTRA_DIST += tests/functional/importkit.py tests/functional/test_import.py tests/functional/test_import_hostile.py tests/functional/test_import_real.py tests/data/import
