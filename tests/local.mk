## Unit tests (cmocka, TAP), corpus replay, lint, functional tests, benchmark.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' CMOCKA_MESSAGE_OUTPUT=TAP $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
EXTRA_DIST += build-aux/tap-driver.sh

include tests/unit/base.mk
include tests/unit/dns.mk
include tests/unit/tsig.mk
include tests/unit/exec.mk
include tests/unit/sheet.mk
include tests/unit/conf.mk
include tests/unit/geo.mk
include tests/unit/health.mk
include tests/unit/events.mk
include tests/unit/store.mk
include tests/unit/zone.mk
include tests/unit/steer.mk
include tests/unit/view.mk
include tests/unit/transfer.mk
include tests/unit/answer.mk
include tests/unit/tap.mk
include tests/unit/notify.mk
include tests/unit/traffic.mk
include tests/unit/serve.mk
include tests/unit/probe.mk
include tests/unit/etcd.mk
include tests/unit/cluster.mk
include tests/unit/fleet.mk
include tests/unit/herald.mk
include tests/unit/steerprobe.mk
include tests/unit/observe.mk
include tests/unit/operate.mk
include tests/unit/drill.mk
include tests/unit/page.mk
include tests/unit/past.mk
include tests/unit/admin.mk
include tests/unit/daemon.mk
include tests/unit/ctl.mk
include tests/fuzz/local.mk
include tests/soak/local.mk
include tests/lint/local.mk
include tests/functional/local.mk
include tests/differential/local.mk
include tests/property/local.mk
include tests/chaos/local.mk
include tests/fleet/local.mk
include tests/model/local.mk
include tests/cluster/local.mk
include tests/bench/local.mk
