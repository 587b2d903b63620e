## Histories of a cluster under faults, and what each node makes of each fault: `make check-cluster HISTORY_ROUNDS=200 HISTORY_SEED=7 FAULTS=all`
EXTRA_DIST += \
	tests/cluster/conftest.py tests/cluster/faults.py tests/cluster/linear.py tests/cluster/scene.py tests/cluster/test_faults.py tests/cluster/test_histories.py tests/cluster/test_linear.py tests/cluster/test_provisional.py

.PHONY: check-cluster
check-cluster: all
	STEERD=$(abs_top_builddir)/src/steerd STEERCTL=$(abs_top_builddir)/src/steerctl \
		HISTORY_ROUNDS=$(HISTORY_ROUNDS) HISTORY_SEED=$(HISTORY_SEED) FAULTS=$(FAULTS) FAULTS_SEED=$(FAULTS_SEED) PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/pytest-3 -q -s -p no:cacheprovider $(srcdir)/tests/cluster
