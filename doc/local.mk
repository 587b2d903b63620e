## Documents: manual pages, JSON Schemas, and what is read in the repository.
dist_man_MANS += \
	doc/man/gdnsd2steerd.1 \
	doc/man/steerctl.1 \
	doc/man/steerctl-import.1 \
	doc/man/steerprobe.8 \
	doc/man/steerd.8 \
	doc/man/steerd.json.5 \
	doc/man/steerd-policy.5 \
	doc/man/steerd-topology.5 \
	doc/man/steerd-zone.5
EXTRA_DIST += doc/openapi.yaml \
	doc/README.md \
	doc/acme.md \
	doc/anycast.md \
	doc/api.md \
	doc/architecture.md \
	doc/cluster.md \
	doc/configuration.md \
	doc/continuity.md \
	doc/decisions.md \
	doc/drills.md \
	doc/ecosystem.md \
	doc/events.md \
	doc/explain.md \
	doc/figures.md \
	doc/img/drain.svg \
	doc/img/drill-dark.png \
	doc/img/drill-light.png \
	doc/img/house.svg \
	doc/img/map.svg \
	doc/img/steering.svg \
	doc/img/vantages.svg \
	doc/img/walk.svg \
	doc/logging.md \
	doc/metrics.md \
	doc/migration.md \
	doc/monitoring.md \
	doc/operations.md \
	doc/rules.md \
	doc/runbook.md \
	doc/steering.md \
	doc/store.md \
	doc/switchovers.md \
	doc/tutorial.md \
	doc/vantages.md

schemadir = $(pkgdatadir)/schema
dist_schema_DATA = \
	doc/schema/drill-report.json \
	doc/schema/drill-sweep.json \
	doc/schema/drill.json \
	doc/schema/policy.json \
	doc/schema/steerd.json \
	doc/schema/topology.json
